package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// makeFolder makes the folder for its owner only, or closes the one that is there to others. Somebody else's folder is
// refused: it may stand where everybody can write.
func makeFolder(folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the key agent's folder: %w", err)
	}
	if err := checkFolder(folder); err != nil {
		return err
	}
	if err := os.Chmod(folder, 0o700); err != nil {
		return fmt.Errorf("closing the key agent's folder to others: %w", err)
	}
	return nil
}

// checkFolder refuses what is not a folder of this account. A link is not followed: another account may have put it
// there.
func checkFolder(folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return fmt.Errorf("looking at the key agent's folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("looking at the key agent's folder: %s is not a folder", folder)
	}
	return checkOwner(folder, info)
}

// writePrivate puts a file for its owner only in the place of the one that was there.
func writePrivate(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // err says more
	}
	return err
}
