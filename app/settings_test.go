package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/ui"
)

func TestWhatTheWindowRemembersSurvivesARestartForItsOwnerOnly(t *testing.T) {
	home := t.TempDir()
	want := ui.Remembered{StaysInTray: true, Pins: []ui.Place{{Cluster: "c", Server: "1", Name: "web", Login: "root"}}}
	s, err := openSettings(home)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Remember(want); err != nil {
		t.Fatal(err)
	}
	again, err := openSettings(home)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again.Remembered()); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	info, err := os.Stat(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v", info.Mode())
	}
	if files, _ := os.ReadDir(home); len(files) != 1 {
		t.Errorf("%d files are left in the folder", len(files))
	}
}

func TestADamagedMemoryIsPutAside(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "window.json"), []byte(`{"pins": 3`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := openSettings(home)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ui.Remembered{}, s.Remembered()); diff != "" {
		t.Errorf("something was read from it:\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(home, "window.json.broken")); err != nil {
		t.Errorf("the damaged file is gone: %v", err)
	}
}

func TestAMemoryThatCannotBeWrittenSaysSo(t *testing.T) {
	s := &settings{path: filepath.Join(t.TempDir(), "gone", "window.json")}
	if err := s.Remember(ui.Remembered{}); err == nil {
		t.Error("nobody was told")
	}
}
