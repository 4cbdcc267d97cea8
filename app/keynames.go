package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// keyNames is the file with what the person calls each key. It implements keystore.Names.
type keyNames struct {
	path string

	mu    sync.Mutex
	names map[uint32]string // guarded by mu
}

// openKeyNames reads the file in the home folder. One that cannot be read holds no names: keys have serials as well.
func openKeyNames(home string) *keyNames {
	n := &keyNames{path: filepath.Join(home, "keys.json"), names: map[uint32]string{}}
	if names, err := n.read(); err == nil {
		n.names = names
	}
	return n
}

func (n *keyNames) read() (map[uint32]string, error) {
	names := map[uint32]string{}
	text, err := os.ReadFile(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return names, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the names of keys: %w", err)
	}
	if err := json.Unmarshal(text, &names); err != nil || names == nil {
		return map[uint32]string{}, nil // damaged: names are a convenience
	}
	return names, nil
}

// Name is what the key with this serial is called.
func (n *keyNames) Name(serial uint32) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[serial]
}

// SetName keeps a name, or forgets it if it is empty. It reads the file again first: the window and the commands share
// it.
func (n *keyNames) SetName(serial uint32, name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	names, err := n.read()
	if err != nil {
		return err
	}
	names[serial] = name
	maps.DeleteFunc(names, func(_ uint32, name string) bool { return name == "" })
	text, err := json.MarshalIndent(names, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the names of keys: %w", err)
	}
	if err := replaceFile(n.path, text); err != nil {
		return fmt.Errorf("writing the names of keys: %w", err)
	}
	n.names = names
	return nil
}
