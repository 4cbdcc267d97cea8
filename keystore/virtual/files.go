package virtual

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

// makePrivateDir makes dir for this account alone, also when it exists with wider permissions.
func makePrivateDir(dir string) error {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("making the state folder: %w", err)
	}
	if err := os.Chmod(dir, dirMode); err != nil {
		return fmt.Errorf("closing the state folder to other accounts: %w", err)
	}
	return nil
}

// replaceFile writes path so that a crash leaves either the old or the new content.
func replaceFile(path string, content []byte) error {
	return throughTemporary(path, content, os.Rename)
}

// writeNew is replaceFile for a file that must not exist yet; if it does, the error is fs.ErrExist.
func writeNew(path string, content []byte) error {
	return throughTemporary(path, content, os.Link)
}

func throughTemporary(path string, content []byte, install func(temporary, path string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // CreateTemp makes it 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	defer func() {
		if removed := os.Remove(f.Name()); removed != nil && !errors.Is(removed, fs.ErrNotExist) && err == nil {
			err = removed
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := install(f.Name(), path); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	return nil
}
