//go:build unix

package keystore

import (
	"os"
	"path/filepath"
	"syscall"
)

// lockFolderOf keeps other processes of ours from writing activity into the same folder. The system drops the lock
// with the process at the latest.
func lockFolderOf(path string) (unlock func(), err error) {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		_ = folder.Close()
		return nil, err
	}
	return func() { _ = folder.Close() }, nil
}
