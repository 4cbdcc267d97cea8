package virtual

import (
	"crypto"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMemorySurvivesTheDisk(t *testing.T) {
	b := newBench(t)
	b.want(verifyWrong, "63c2")
	b.manage()
	b.generate("9a", "02", "03")
	b.want(putCHUID, "9000")
	b.want(changePUK, "9000")
	path := filepath.Join(t.TempDir(), cardFile)
	if err := b.card.memory.save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := loadOrMakeMemory(filepath.Dir(path), Firmware{}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	sameKey := cmp.Comparer(func(a, b *slotKey) bool {
		public := a.private.Public().(interface{ Equal(crypto.PublicKey) bool })
		return public.Equal(b.private.Public()) && a.Algorithm == b.Algorithm &&
			a.PINPolicy == b.PINPolicy && a.TouchPolicy == b.TouchPolicy && a.Origin == b.Origin
	})
	if diff := cmp.Diff(b.card.memory, loaded, sameKey); diff != "" {
		t.Errorf("the card changed on disk (-saved +loaded):\n%s", diff)
	}
}

func TestAFolderHoldsOneCard(t *testing.T) {
	root, err := newRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	made, err := loadOrMakeMemory(dir, Firmware{}, 0, root)
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadOrMakeMemory(dir, Firmware{}, made.Serial, root)
	if err != nil || again.Serial != made.Serial {
		t.Errorf("opening the folder again gives serial %v, %v, want %d", again, err, made.Serial)
	}
	if _, err := loadOrMakeMemory(dir, Firmware{}, made.Serial+1, root); !errors.Is(err, errSerial) {
		t.Errorf("opening it for another serial: %v, want %v", err, errSerial)
	}
}

func TestDamagedStateIsRefused(t *testing.T) {
	original, err := factory()
	if err != nil {
		t.Fatal(err)
	}
	text, err := original.encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string]string{
		"an empty file":             "",
		"half a file":               string(text[:len(text)/2]),
		"a format of the future":    strings.Replace(string(text), `"Format": 1`, `"Format": 2`, 1),
		"a PIN of another length":   strings.Replace(string(text), `"MTIzNDU2//8="`, `"MTIz"`, 1),
		"a management key too long": strings.Replace(string(text), `"Algorithm": 3`, `"Algorithm": 8`, 1),
		"no attestation key":        strings.Replace(string(text), `"249"`, `"130"`, 1),
		"a key that is none":        strings.Replace(string(text), `"PKCS8": "MII`, `"PKCS8": "AAI`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if damaged == string(text) {
				t.Fatal("the test damages nothing")
			}
			path := filepath.Join(t.TempDir(), cardFile)
			if err := os.WriteFile(path, []byte(damaged), fileMode); err != nil {
				t.Fatal(err)
			}
			if _, err := loadOrMakeMemory(filepath.Dir(path), Firmware{}, 0, nil); err == nil {
				t.Error("the card was loaded")
			}
			if left, err := os.ReadFile(path); err != nil || string(left) != damaged {
				t.Errorf("the file was touched: %v", err)
			}
		})
	}
}

func TestFilesAreForTheirOwnerAndReplacedWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := makePrivateDir(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "file")
	for _, content := range []string{"first", "second"} {
		if err := replaceFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	wantMode(t, dir, fs.ModeDir|0o700)
	wantMode(t, path, 0o600)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v, want the one file", entries, err)
	}
	if err := writeNew(path, []byte("third")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("writeNew over a file: %v, want %v", err, fs.ErrExist)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "second" {
		t.Errorf("the file holds %q, %v, want %q", got, err, "second")
	}
}

func TestAnOpenFolderIsClosed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := makePrivateDir(dir); err != nil {
		t.Fatal(err)
	}
	wantMode(t, dir, fs.ModeDir|0o700)
}

func TestAFailedReplacementLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(path, "inside"), dirMode); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(path, []byte("content")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v, want what it held before", entries, err)
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != want {
		t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
	}
}
