package virtual

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestARootIsMadeOncePerFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	first, err := Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Equal(second) {
		t.Error("the folder has two roots")
	}
	other, err := Root(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if first.Equal(other) || first.Subject.CommonName == other.Subject.CommonName {
		t.Errorf("two folders share the root %q", first.Subject.CommonName)
	}
	wantMode(t, filepath.Join(dir, rootFile), 0o600)
	if !first.IsCA || first.CheckSignatureFrom(first) != nil {
		t.Error("the root does not sign itself as a CA")
	}
}

func TestManyWhoAskAtOnceGetTheSameRoot(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	roots := make([]*authority, 8)
	for i := range roots {
		wg.Go(func() {
			root, err := loadOrMakeRoot(dir)
			if err != nil {
				t.Errorf("asking for the root: %v", err)
			}
			roots[i] = root
		})
	}
	wg.Wait()
	for _, root := range roots {
		if root != nil && !root.certificate.Equal(roots[0].certificate) {
			t.Error("two callers got different roots")
		}
	}
}

func TestADamagedRootIsRefusedNotReplaced(t *testing.T) {
	for name, text := range map[string]string{
		"an empty file":      "",
		"a key that is none": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"no certificate":     "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, rootFile)
			if err := os.WriteFile(path, []byte(text), fileMode); err != nil {
				t.Fatal(err)
			}
			if root, err := Root(dir); err == nil {
				t.Errorf("Root gives %v, want an error", root.Subject)
			}
			if left, err := os.ReadFile(path); err != nil || string(left) != text {
				t.Errorf("the file was touched: %v", err)
			}
		})
	}
}
