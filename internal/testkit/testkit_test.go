package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeTB records what a helper says about a test.
type fakeTB struct {
	testing.TB
	said     []string
	cleanups []func()
}

func (f *fakeTB) Helper()                   {}
func (f *fakeTB) Cleanup(cleanup func())    { f.cleanups = append(f.cleanups, cleanup) }
func (f *fakeTB) Errorf(s string, a ...any) { f.said = append(f.said, fmt.Sprintf(s, a...)) }

func TestEventuallyReturnsWhenTheConditionHolds(t *testing.T) {
	looks := 0
	Eventually(t, "third look", func() bool { looks++; return looks == 3 })
	if looks != 3 {
		t.Errorf("Eventually looked %d times, want 3", looks)
	}
}

func TestReceiveReturnsTheValue(t *testing.T) {
	c := make(chan int, 1)
	c <- 7
	if got := Receive(t, "number", c); got != 7 {
		t.Errorf("Receive() = %d, want 7", got)
	}
}

func TestALeftGoroutineIsFound(t *testing.T) {
	before := identities(goroutines())
	stop := make(chan struct{})
	go func() { <-stop }()
	left := leaks(50*time.Millisecond, before)
	if len(left) != 1 || !strings.Contains(left[0], "TestALeftGoroutineIsFound") {
		t.Errorf("leaks() = %q, want the goroutine that this test left", left)
	}
	close(stop)
	if left := leaks(Deadline, before); len(left) != 0 {
		t.Errorf("leaks() = %q after the goroutine was told to end, want none", left)
	}
}

func TestNoLeaksIsContentWithATidyTest(t *testing.T) {
	f := &fakeTB{TB: t}
	NoLeaks(f)
	done := make(chan struct{})
	go func() { close(done) }()
	<-done
	for _, cleanup := range f.cleanups {
		cleanup()
	}
	if len(f.said) != 0 {
		t.Errorf("NoLeaks complained: %q", f.said)
	}
}

func TestSocketDirLeavesRoomForASocketName(t *testing.T) {
	dir := SocketDir(t)
	if len(dir) > 60 {
		t.Errorf("the path %q has %d bytes, want at most 60", dir, len(dir))
	}
	if err := os.WriteFile(filepath.Join(dir, "s"), nil, 0o600); err != nil {
		t.Errorf("the folder cannot be used: %v", err)
	}
}

func TestGoldenComparesBytes(t *testing.T) {
	t.Chdir(t.TempDir())
	writeGolden(t, filepath.Join("testdata", "a.txt"), []byte("one\n"))
	f := &fakeTB{TB: t}
	Golden(f, "a.txt", []byte("one\n"))
	if len(f.said) != 0 {
		t.Errorf("Golden refused equal bytes: %q", f.said)
	}
	Golden(f, "a.txt", []byte("two\n"))
	if len(f.said) != 1 {
		t.Errorf("Golden accepted other bytes")
	}
}
