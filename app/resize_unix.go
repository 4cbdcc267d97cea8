//go:build unix

package app

import (
	"os"
	"syscall"
)

// resizeSignals announce that the terminal changed its size.
var resizeSignals = []os.Signal{syscall.SIGWINCH}
