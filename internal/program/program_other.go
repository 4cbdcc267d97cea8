//go:build !unix

package program

import (
	"context"
	"io"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Running is a program on a terminal of its own; there is none on this system.
type Running struct{}

// Start says that programs cannot be run in a tab on this system.
func Start(context.Context, Config) (*Running, error) {
	return nil, fault.New("Touchstone cannot run programs in a tab on this system yet.",
		"Copy the command and run it in a terminal of your own.")
}

// Stdin is never called, as are all the others: Start makes no Running.
func (*Running) Stdin() io.WriteCloser { return nil }

// Stdout is never called.
func (*Running) Stdout() io.Reader { return nil }

// Stderr is never called.
func (*Running) Stderr() io.Reader { return nil }

// Resize is never called.
func (*Running) Resize(int, int) error { return nil }

// Wait is never called.
func (*Running) Wait() (int, error) { return 0, nil }

// Close is never called.
func (*Running) Close() error { return nil }
