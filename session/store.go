package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire"
)

// store keeps one folder per cluster under home, for this account only:
//
//	clusters/<host of the proxy>/profile.json  what is remembered of the cluster
//	clusters/<host of the proxy>/login.json    certificates, host authorities and the key's reference
//
// Each file is replaced as a whole, so a sign-in is there completely or not at all. A private key is in login.json
// only where the cluster demands no hardware.
type store struct {
	home string
	keys keySource
}

// format is the version of both files. Files of a later version are left alone.
const format = 1

const (
	profileFile = "profile.json"
	loginFile   = "login.json"
)

// storedProfile is the content of profile.json.
type storedProfile struct {
	Format int `json:"format"`
	profile
}

// storedLogin is the content of login.json.
type storedLogin struct {
	Format int    `json:"format"`
	Key    string `json:"key"` // PEM
	// What the cluster issued, as it issued it.
	wire.LoginResponse
}

// dir is the folder of a cluster. Host names cannot leave the home: parseAddress sees to it. IPv6 addresses have
// colons, which not every file system takes.
func (s store) dir(id string) string {
	return filepath.Join(s.home, "clusters", strings.ReplaceAll(id, ":", "_"))
}

// remembered is one folder of the store: a profile, or why it cannot be read.
type remembered struct {
	id      string
	profile profile
	problem *fault.Fault
}

// profiles reads all profiles. One that cannot be read is reported and left as it is: nothing is removed or
// overwritten because of it.
func (s store) profiles() ([]remembered, error) {
	entries, err := os.ReadDir(filepath.Join(s.home, "clusters"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, readFault(err, filepath.Join(s.home, "clusters"))
	}
	var all []remembered
	for _, entry := range entries {
		if r, ok := s.profile(entry.Name()); ok {
			all = append(all, r)
		}
	}
	return all, nil
}

// profile reads one folder; false when it has no profile.
func (s store) profile(folder string) (remembered, bool) {
	path := filepath.Join(s.home, "clusters", folder, profileFile)
	var stored storedProfile
	err := read(path, &stored)
	if errors.Is(err, fs.ErrNotExist) {
		return remembered{}, false
	}
	if err == nil && s.dir(stored.id()) != filepath.Dir(path) {
		err = readFault(fmt.Errorf("the folder is not that of proxy %q", stored.Proxy), path)
	}
	if err != nil {
		return remembered{id: folder, problem: fault.From(err)}, true
	}
	return remembered{id: stored.id(), profile: stored.profile}, true
}

func (s store) saveProfile(p profile) error {
	return s.write(filepath.Join(s.dir(p.id()), profileFile), storedProfile{Format: format, profile: p})
}

// login reads the certificates of a cluster; nil when there are none. Ended certificates are returned as well.
func (s store) login(id string) (*keyring, error) {
	path := filepath.Join(s.dir(id), loginFile)
	var stored storedLogin
	if err := read(path, &stored); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	key, err := openKey(s.keys, []byte(stored.Key))
	if _, ok := fault.As(err); ok {
		return nil, err // the key store knows better than we what is wrong
	}
	if err != nil {
		return nil, readFault(err, path)
	}
	ring, err := newKeyring(key, &stored.LoginResponse, time.Time{}) // at no time at all, nothing has ended
	if err != nil {
		return nil, readFault(err, path)
	}
	return ring, nil
}

func (s store) saveLogin(id string, ring *keyring) error {
	key, err := ring.key.encode()
	if err != nil {
		return err
	}
	return s.write(filepath.Join(s.dir(id), loginFile),
		storedLogin{Format: format, Key: string(key), LoginResponse: ring.issued})
}

// removeLogin forgets the certificates, and with them a software key.
func (s store) removeLogin(id string) error {
	path := filepath.Join(s.dir(id), loginFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(err, fmt.Sprintf("The certificates in %s could not be removed.", path),
			"Remove the file yourself; until then they stay valid.")
	}
	return nil
}

// read decodes a file of the store.
func read(path string, into any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return readFault(err, path)
	}
	var version struct{ Format int }
	if err := json.Unmarshal(data, &version); err != nil {
		return readFault(err, path)
	}
	if version.Format > format {
		return fault.Wrap(fmt.Errorf("format %d, known up to %d", version.Format, format),
			fmt.Sprintf("The file %s was written by a newer Touchstone.", path), "Install the newer version again, or move the file away.")
	}
	if err := json.Unmarshal(data, into); err != nil {
		return readFault(err, path)
	}
	return nil
}

// write replaces a file as a whole: the old content stays until the new one is safely on disk.
func (s store) write(path string, content any) error {
	data, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", filepath.Base(path), err)
	}
	defer clear(data)
	if err := replaceFile(path, data); err != nil {
		return fault.Wrap(err, fmt.Sprintf("The file %s could not be written.", path),
			"Make sure that the disk is not full and that the folder is yours, then try again.")
	}
	return nil
}

func replaceFile(path string, data []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func readFault(err error, path string) error {
	return fault.Wrap(err, fmt.Sprintf("The file %s cannot be read.", path),
		"Repair it or move it away; then sign in again.")
}
