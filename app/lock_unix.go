//go:build unix

package app

import (
	"os"
	"syscall"
)

// lockFile waits for the lock at path, which the system drops with the process at the latest.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, closeAfter(err, f)
	}
	return func() { _ = f.Close() }, nil
}
