package app

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// homeFolder is where profiles and certificates live; it is made if need be, for its owner only.
func homeFolder(chosen string) (string, error) {
	if chosen == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return "", fault.Wrap(err, "There is no folder for Touchstone's profiles.",
				"Set HOME, or say where with --home or TOUCHSTONE_HOME.")
		}
		chosen = filepath.Join(config, "touchstone")
	}
	absolute, err := filepath.Abs(chosen)
	if err != nil {
		return "", fmt.Errorf("finding the folder %s: %w", chosen, err)
	}
	return absolute, makePrivate(absolute)
}

// demoFolder is where the demo keeps its cluster and its key.
func demoFolder(chosen string, getenv func(string) string) (string, error) {
	if chosen == "" {
		state := getenv("XDG_STATE_HOME")
		if !filepath.IsAbs(state) { // the XDG specification ignores relative paths
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fault.Wrap(err, "There is no folder for the demo's state.", "Set HOME, or say where with --state.")
			}
			state = filepath.Join(home, ".local", "state")
		}
		chosen = filepath.Join(state, "touchstone", "demo")
	}
	absolute, err := filepath.Abs(chosen)
	if err != nil {
		return "", fmt.Errorf("finding the folder %s: %w", chosen, err)
	}
	return absolute, makePrivate(absolute)
}

// makePrivate makes a folder for its owner only. A folder that others may enter is closed to them.
func makePrivate(folder string) error {
	err := os.MkdirAll(folder, 0o700)
	if err == nil {
		err = os.Chmod(folder, 0o700)
	}
	if err != nil {
		return fault.Wrap(err, fmt.Sprintf("The folder %s cannot be used.", folder),
			"Make it writable for you, or choose another one.")
	}
	return nil
}
