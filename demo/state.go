package demo

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Names in the state folder.
const (
	fileHostID       = "host-id"
	filePort         = "port"
	fileSSHPort      = "port-ssh"
	fileKubePort     = "port-kube"
	filePostgresPort = "port-postgres"
	fileCredentials  = "credentials.json"
	filePasswords    = "passwords.json"
	fileAttestations = "attestations.json"
	fileWebCA        = "web-ca.pem"
	fileAudit        = "audit.jsonl"
	dirResources     = "resources"
)

// stateDir is the folder in which the cluster remembers itself. Only its owner can look into it: it holds the keys
// of the authorities and the demo passwords.
type stateDir string

// openState makes or opens the folder. A folder that other accounts can enter is closed to them when it is empty or
// already ours; any other one is refused rather than changed.
func openState(path string) (stateDir, error) {
	if path == "" {
		return "", errors.New("opening the state folder: no folder was given")
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("opening the state folder: %w", err)
	}
	if err := os.MkdirAll(absolute, 0o700); err != nil {
		return "", fmt.Errorf("opening the state folder: %w", err)
	}
	d := stateDir(absolute)
	return d, d.protect()
}

func (d stateDir) protect() error {
	info, err := os.Stat(string(d))
	if err != nil {
		return fmt.Errorf("looking at the state folder: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return fmt.Errorf("looking at the state folder: %w", err)
	}
	if len(entries) > 0 && !d.has(fileHostID) {
		return fmt.Errorf("the folder %s is open to other accounts (%v) and holds files that are not the demo's",
			d, info.Mode().Perm())
	}
	if err := os.Chmod(string(d), 0o700); err != nil {
		return fmt.Errorf("closing the state folder to other accounts: %w", err)
	}
	return nil
}

func (d stateDir) path(name string) string { return filepath.Join(string(d), name) }

func (d stateDir) has(name string) bool {
	_, err := os.Lstat(d.path(name))
	return err == nil
}

func (d stateDir) mkdir(name string) error {
	if err := os.Mkdir(d.path(name), 0o700); err != nil {
		return fmt.Errorf("making a folder in the state folder: %w", err)
	}
	return nil
}

// read returns the content of a file, and nil when there is no such file.
func (d stateDir) read(name string) ([]byte, error) {
	data, err := os.ReadFile(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// write replaces a file: readers see the old content or the new, never a part.
func (d stateDir) write(name string, data []byte) error {
	path := d.path(name)
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // CreateTemp uses mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// readJSON fills value from a file and leaves it alone when there is no such file.
func (d stateDir) readJSON(name string, value any) error {
	data, err := d.read(name)
	if err != nil || data == nil {
		return err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return &ResourceError{File: d.path(name), Err: err}
	}
	return nil
}

func (d stateDir) writeJSON(name string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", name, err)
	}
	return d.write(name, append(data, '\n'))
}

// hostID is the identity of this machine in the cluster.
func (d stateDir) hostID() (string, error) { return d.uuid(fileHostID) }

// uuid returns the identity that a file keeps, made at the first start.
func (d stateDir) uuid(file string) (string, error) {
	data, err := d.read(file)
	if err != nil {
		return "", fmt.Errorf("reading the identity of a host: %w", err)
	}
	if id := strings.TrimSpace(string(data)); id != "" {
		return id, nil
	}
	id := newUUID()
	return id, d.write(file, []byte(id+"\n"))
}

// newUUID makes a random UUID (RFC 9562, 5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand crashes the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
