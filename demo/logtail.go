package demo

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

// tailLines is how many lines of a program's log go into an error.
const tailLines = 5

// logTail passes the log of a program on and remembers its last lines.
type logTail struct {
	log *slog.Logger

	mu    sync.Mutex
	begun []byte   // of a line, guarded by mu
	last  []string // guarded by mu
}

// Write implements io.Writer.
func (l *logTail) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = append(l.begun, text...)
	for {
		line, rest, whole := bytes.Cut(l.begun, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		l.begun = rest
		l.log.Debug("a program's log", "line", string(line))
		l.last = append(l.last, string(line))
		l.last = l.last[max(0, len(l.last)-tailLines):]
	}
}

// String returns the last lines.
func (l *logTail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, "\n")
}
