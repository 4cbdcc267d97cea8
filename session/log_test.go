package session

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// slogTo writes a log into the test's own.
func slogTo(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestPasswordsReachNeitherLogNorDisk(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.config.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	id := w.signIn("touch")
	if _, err := w.Servers(t.Context(), id); err != nil {
		t.Fatalf("listing servers: %v", err)
	}
	password := w.password("touch")
	defer password.Wipe()
	if log.Len() == 0 || bytes.Contains(log.Bytes(), password.Reveal()) {
		t.Errorf("the log is empty or holds the password: %s", log.Bytes())
	}
	err := fs.WalkDir(os.DirFS(w.home), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(w.home, path))
		if bytes.Contains(data, password.Reveal()) {
			t.Errorf("%s holds the password", path)
		}
		return err
	})
	if err != nil {
		t.Errorf("looking through the home: %v", err)
	}
}
