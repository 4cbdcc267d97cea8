//go:build unix

package virtual

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile takes the lock at path, which the system drops with the process at the latest. Two cards on one folder would
// overwrite each other's counters.
func lockFile(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("locking the state folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking the state folder, which another virtual key may be using: %w", err)
	}
	return f.Close, nil
}
