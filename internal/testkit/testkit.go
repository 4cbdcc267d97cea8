// Package testkit is what tests of several rooms share: waiting for a condition, finding goroutines that were left
// behind, short socket paths and golden files. It knows nothing of the program.
package testkit

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Deadline is how long a test waits for something that normally takes milliseconds, on a machine that may be busy.
const Deadline = 20 * time.Second

// pause is how long Eventually rests between two looks.
const pause = 2 * time.Millisecond

// Eventually looks at condition until it is true, and fails the test with what when it is not true by Deadline.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	timeout := time.After(Deadline)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("after %v there was still no: %s", Deadline, what)
		}
	}
}

// Receive waits for one value of a channel, and fails the test with what when none comes by Deadline. A closed
// channel gives the zero value.
func Receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(Deadline):
		t.Fatalf("after %v there was still no: %s", Deadline, what)
		panic("unreachable: Fatalf does not return")
	}
}

// SocketDir makes a folder whose path is short enough for Unix sockets, whose addresses hold about 100 bytes
// (unix(7), sun_path); the folders of t.TempDir may be longer. It is removed with the test.
func SocketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ts")
	if err != nil {
		t.Fatalf("making a folder for sockets: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

var update = flag.Bool("update", false, "rewrite the golden files; a person reviews the difference")

// Golden compares got with testdata/name. With -update it writes the file instead.
func Golden(t testing.TB, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		writeGolden(t, path, got)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading a golden file (-update writes it): %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

func writeGolden(t testing.TB, path string, got []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatalf("writing a golden file: %v", err)
	}
	if err := os.WriteFile(path, got, 0o644); err != nil {
		t.Fatalf("writing a golden file: %v", err)
	}
}
