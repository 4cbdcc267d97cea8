package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/ui"
)

// settings is the file with what the window remembers, for its owner only. It implements ui.Memory.
type settings struct {
	path string

	mu  sync.Mutex
	now ui.Remembered // guarded by mu
}

// openSettings reads the settings in the home folder. A file that cannot be understood is put aside: what the window
// remembers is a convenience, and must not keep it from opening.
func openSettings(home string) (*settings, error) {
	s := &settings{path: filepath.Join(home, "window.json")}
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("The file %s cannot be read.", s.path), "Make it readable for you, or move it away.")
	}
	if json.Unmarshal(text, &s.now) != nil {
		s.now = ui.Remembered{}
		if err := os.Rename(s.path, s.path+".broken"); err != nil {
			return nil, fault.Wrap(err, fmt.Sprintf("The file %s is damaged.", s.path), "Move it away.")
		}
	}
	return s, nil
}

// Remembered is what was read, or remembered since.
func (s *settings) Remembered() ui.Remembered {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Remember replaces the file as a whole: the old one stays until the new one is on disk.
func (s *settings) Remember(r ui.Remembered) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = r
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding what the window remembers: %w", err)
	}
	if err := replaceFile(s.path, text); err != nil {
		return fault.Wrap(err, fmt.Sprintf("The file %s could not be written.", s.path),
			"Make sure that the disk is not full and that the folder is yours.")
	}
	return nil
}

func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
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
