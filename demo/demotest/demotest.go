// Package demotest makes demo clusters cheap for tests that start many. It knows only files of a state folder.
package demotest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/touchstone-app/touchstone/demo"
)

// State makes a state folder that already holds keys and authorities, so that demo.Start need not generate RSA keys.
// All folders of one test process have the same ones: a test about certificates of another cluster wants a folder of
// its own instead. Passwords, users and everything else are made by demo.Start. The folder is removed with the test.
func State(t testing.TB) string {
	t.Helper()
	files, err := authorities()
	if err != nil {
		t.Fatalf("making a state folder: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "cluster")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatalf("making a state folder: %v", err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatalf("making a state folder: %v", err)
		}
	}
	return dir
}

// authorities starts one cluster and takes every PEM file that it leaves.
var authorities = sync.OnceValues(func() (files map[string][]byte, err error) {
	dir, err := os.MkdirTemp("", "demotest")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cluster, err := demo.Start(context.Background(), demo.Config{State: dir})
	if err != nil {
		return nil, err
	}
	if err := cluster.Close(); err != nil {
		return nil, fmt.Errorf("closing the first cluster: %w", err)
	}
	return pemFiles(dir)
})

func pemFiles(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".pem") {
			continue
		}
		if files[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}
