//go:build !linux

package virtual

import (
	"errors"
	"fmt"
	"os"
)

// openTerminal fails: only Linux lets libfido2 take a terminal for a device.
func openTerminal() (*os.File, string, error) {
	return nil, "", fmt.Errorf("opening a FIDO device: %w", errors.ErrUnsupported)
}
