package testkit

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ours marks the frames that make a goroutine the program's own affair.
const ours = "github.com/touchstone-app/touchstone/"

// Main runs the tests of a package and fails them when a goroutine of the program is still alive afterwards. Call it
// from TestMain:
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
func Main(m *testing.M) {
	os.Exit(Run(m))
}

// Run is Main for a TestMain that has something to close: it returns the exit status.
func Run(m *testing.M) int {
	status := m.Run()
	runEndings()
	if leaked := leaks(Deadline, nil); status == 0 && len(leaked) > 0 {
		fmt.Fprintf(os.Stderr, "goroutines were left behind:\n\n%s\n", strings.Join(leaked, "\n\n"))
		return 1
	}
	return status
}

var endings struct {
	mu  sync.Mutex
	all []func()
}

// AtEnd has Run call f after the last test of the package, before it looks for goroutines: for what tests share. The
// last f is called first.
func AtEnd(f func()) {
	endings.mu.Lock()
	defer endings.mu.Unlock()
	endings.all = append(endings.all, f)
}

func runEndings() {
	endings.mu.Lock()
	defer endings.mu.Unlock()
	for _, f := range slices.Backward(endings.all) {
		f()
	}
	endings.all = nil
}

// NoLeaks fails the test when a goroutine that began during it, and that runs through code of the program, outlives
// it and its later cleanups. Call it first. It does not suit parallel tests, which would see each other's goroutines.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := identities(goroutines())
	t.Cleanup(func() {
		if leaked := leaks(Deadline, before); len(leaked) > 0 {
			t.Errorf("goroutines were left behind:\n\n%s", strings.Join(leaked, "\n\n"))
		}
	})
}

// leaks returns the stacks of the program's goroutines that are not in except, once there are none or patience is
// over: a goroutine that was told to end may need a moment.
func leaks(patience time.Duration, except []string) []string {
	timeout := time.After(patience)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		left := strangers(except)
		if len(left) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-timeout:
			return left
		}
	}
}

// strangers are the program's goroutines whose identity is not in except. The first goroutine is the caller.
func strangers(except []string) []string {
	return slices.DeleteFunc(goroutines()[1:], func(stack string) bool {
		return !strings.Contains(stack, ours) ||
			strings.Contains(stack, "testing.tRunner") || // a test or the one that waits for it
			slices.Contains(except, identity(stack))
	})
}

// goroutines returns one stack per goroutine, the caller's first.
func goroutines() []string {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			return strings.Split(string(buf[:n]), "\n\n")
		}
		buf = make([]byte, 2*len(buf))
	}
}

func identities(stacks []string) []string {
	ids := make([]string, len(stacks))
	for i, stack := range stacks {
		ids[i] = identity(stack)
	}
	return ids
}

// identity is the goroutine's number, from "goroutine 18 [running]:".
func identity(stack string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(stack, "goroutine "), " ")
	return id
}
