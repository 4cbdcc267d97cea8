package virtual

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

const (
	pcscSocket    = "pcsc.sock"
	controlSocket = "control.sock"
	// maxSocketPath is the size of sun_path without its final NUL; libpcsclite cuts longer names off in silence.
	maxSocketPath = 107
)

// socketDir is where the sockets lie: in the state folder where their paths fit, else in a folder of their own below
// the system's temporary one. temporary says that Close removes the folder.
func socketDir(stateDir string) (dir string, temporary bool, err error) {
	if stateDir != "" {
		if dir, err = filepath.Abs(stateDir); err != nil {
			return "", false, fmt.Errorf("locating the state folder: %w", err)
		}
		if len(filepath.Join(dir, controlSocket)) <= maxSocketPath {
			return dir, false, nil
		}
	}
	dir, err = os.MkdirTemp("", "ts-") // MkdirTemp makes it 0700
	if err != nil {
		return "", false, fmt.Errorf("making a folder for the sockets: %w", err)
	}
	return dir, true, nil
}

// listen opens a socket that only this account can reach. What a crashed process left behind is replaced; a socket
// that somebody serves is not.
func listen(path string) (*net.UnixListener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("listening on %s: a socket path has at most %d bytes", path, maxSocketPath)
	}
	if err := removeStaleSocket(path); err != nil {
		return nil, fmt.Errorf("listening on %s: %w", path, err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", path, err)
	}
	if err := os.Chmod(path, fileMode); err != nil {
		listener.Close()
		return nil, fmt.Errorf("closing %s to other accounts: %w", path, err)
	}
	return listener, nil
}

func removeStaleSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("there is a file of another kind")
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return errors.New("another process serves it")
	}
	return os.Remove(path)
}
