package session

import (
	"log/slog"
	"testing"
)

// slogTo writes a log into the test's own.
func slogTo(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
