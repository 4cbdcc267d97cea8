package virtual

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
)

// fidoLink is the name of the link to the terminal beside the PC/SC socket. The terminal's own path changes each time
// the key is plugged in, and once it is unplugged somebody else's terminal may get it.
const fidoLink = "fido"

// fidoDoor is the socket that the FIDO side is plugged into.
type fidoDoor struct {
	path   string
	device *authenticator
	log    *slog.Logger

	mu     sync.Mutex
	link   *hidLink // nil while the key is unplugged; guarded by mu
	closed bool     // guarded by mu
}

// plug opens a terminal and serves it. A second plug does nothing.
func (d *fidoDoor) plug() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.link != nil || d.closed {
		return nil
	}
	master, slave, err := openTerminal()
	if err != nil {
		return err
	}
	if err := replaceLink(slave, d.path); err != nil {
		master.Close()
		return err
	}
	d.link = startHIDLink(master, d.device, d.log)
	return nil
}

// unplug closes the terminal: a client's read fails at once. It waits for what the key was doing.
func (d *fidoDoor) unplug() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.link == nil {
		return nil
	}
	err := errors.Join(os.Remove(d.path), d.link.close()) // the link first: its terminal may be another's soon
	d.link = nil
	d.device.powerOff()
	return err
}

// close is unplug for good.
func (d *fidoDoor) close() error {
	err := d.unplug()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return err
}

// replaceLink makes path a symbolic link to target. What another run left behind is replaced, nothing else.
func replaceLink(target, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("linking the FIDO device: %w", err)
	case info.Mode().Type() != fs.ModeSymlink:
		return fmt.Errorf("linking the FIDO device: %s is a file of another kind", filepath.Base(path))
	default:
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("linking the FIDO device: %w", err)
		}
	}
	if err := os.Symlink(target, path); err != nil {
		return fmt.Errorf("linking the FIDO device: %w", err)
	}
	return nil
}
