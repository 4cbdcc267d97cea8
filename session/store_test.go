package session

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesAreForThisAccountOnly(t *testing.T) {
	w := newWorld(t)
	w.signIn("off")
	files := 0
	err := filepath.WalkDir(filepath.Join(w.home, "clusters"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = fs.ModeDir | 0o700
		} else {
			files++
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
		return nil
	})
	if err != nil || files != 2 {
		t.Errorf("the home has %d files, %v, want a profile and a login", files, err)
	}
}

// damaged signs in, lets a test damage a file of the store, and opens the store again.
func damaged(t *testing.T, file string, damage func(string) string) (m *Manager, w *world, id, path string) {
	t.Helper()
	w = newWorld(t)
	id = w.signIn("off")
	path = filepath.Join(w.home, "clusters", id, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	if err := os.WriteFile(path, []byte(damage(string(text))), 0o600); err != nil {
		t.Fatalf("writing %s: %v", file, err)
	}
	return w.open(w.card), w, id, path
}

func TestDamagedCertificatesAreReportedAndReplacedBySigningIn(t *testing.T) {
	tests := []struct {
		name   string
		damage func(string) string
		want   string
	}{
		{"cut off", func(s string) string { return s[:len(s)/2] }, "cannot be read"},
		{"empty", func(string) string { return "" }, "cannot be read"},
		{"without its key", func(s string) string { return strings.Replace(s, "BEGIN PRIVATE KEY", "BEGIN NOTHING", 1) }, "cannot be read"},
		{"without certificates", func(s string) string { return strings.Replace(s, `"cert"`, `"other"`, 1) }, "cannot be read"},
		{"of a later version", func(s string) string { return strings.Replace(s, `"format": 1`, `"format": 2`, 1) }, "written by a newer Touchstone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, w, id, path := damaged(t, loginFile, test.damage)
			c := show(t, m, id)
			if c.State != SignedOut || c.Problem == nil || c.User != "off" {
				t.Fatalf("the cluster shows %+v", c)
			}
			wantFault(t, c.Problem, path, test.want)
			if err := m.SignIn(t.Context(), id, "", w.password("off"), 0); err != nil {
				t.Errorf("signing in: %v", err)
			}
			if c := show(t, w.open(w.card), id); c.State != SignedIn || c.Problem != nil {
				t.Errorf("the next process shows %+v", c)
			}
		})
	}
}

func TestADamagedProfileIsReportedAndLeftAlone(t *testing.T) {
	tests := []struct {
		name   string
		damage func(string) string
		want   string
	}{
		{"cut off", func(s string) string { return s[:len(s)/2] }, "cannot be read"},
		{"of another proxy", func(s string) string { return strings.Replace(s, "localhost:", "elsewhere:", 1) }, "cannot be read"},
		{"of a later version", func(s string) string { return strings.Replace(s, `"format": 1`, `"format": 2`, 1) }, "written by a newer Touchstone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, w, id, path := damaged(t, profileFile, test.damage)
			before, _ := os.ReadFile(path)
			c := show(t, m, id)
			if c.State != SignedOut || c.Problem == nil {
				t.Fatalf("the cluster shows %+v", c)
			}
			wantFault(t, c.Problem, path, test.want)
			wantFault(t, m.SignIn(t.Context(), id, "off", w.password("off"), 0), path)
			_, err := m.AddCluster(t.Context(), w.ready.Proxy, w.ready.CAFile)
			wantFault(t, err, path)
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the damaged file was changed")
			}
		})
	}
}

func TestAFileThatCannotBeWrittenIsNamedAndNothingIsLost(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	path := filepath.Join(w.home, "clusters", id, loginFile)
	blocked := path + ".blocked"
	// A folder in the file's place stops the replacing as a full disk would, for root as well.
	if err := os.Rename(path, blocked); err != nil {
		t.Fatalf("moving: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatalf("blocking: %v", err)
	}
	err := w.SignIn(t.Context(), id, "off", w.password("off"), 0)
	wantFault(t, err, path, "could not be written", "disk is not full")
	if c := show(t, w.Manager, id); c.State != SignedIn || c.Problem == nil {
		t.Errorf("the cluster shows %+v", c)
	}
	if _, err := w.Servers(t.Context(), id); err != nil {
		t.Errorf("the certificates of before do not work: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 3 {
		t.Errorf("the folder holds %v, %v, want the profile, the blocked file and the folder", entries, err)
	}
	wantFault(t, w.SignOut(t.Context(), id), path, "could not be removed")
}

func TestAHomeThatIsNoFolderIsReported(t *testing.T) {
	home := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(home, nil, 0o600); err != nil {
		t.Fatalf("writing: %v", err)
	}
	_, err := New(Config{Home: home})
	wantFault(t, err, home, "cannot be read")
	if _, err := New(Config{}); err == nil {
		t.Error("a manager without a home was made")
	}
}
