package term

import (
	"bytes"
	"runtime"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
)

// harness is a terminal in a window of Fyne's software driver. The test's goroutine is the Fyne thread: what the
// terminal posts waits in a queue until the test runs it.
type harness struct {
	*Terminal
	tb     testing.TB
	window fyne.Window
	posts  chan func()
	news   chan struct{} // something arrived at a callback

	titles []string
	others []fyne.Shortcut
	clip   fyne.Clipboard

	mu    sync.Mutex
	input bytes.Buffer // guarded by mu
	sizes [][2]int     // guarded by mu
	clock time.Time    // guarded by mu
}

// newHarness shows a terminal of size in Fyne's units at a scale, painted once.
func newHarness(tb testing.TB, size fyne.Size, scale float32, configure ...func(*Config)) *harness {
	tb.Helper()
	h := &harness{tb: tb, posts: make(chan func(), 1<<12), news: make(chan struct{}, 1), clock: time.Unix(1000, 0)}
	app := test.NewTempApp(tb)
	h.clip = app.Clipboard()
	h.clip.SetContent("")
	cfg := Config{
		Regular: gomono.TTF, Bold: gomonobold.TTF,
		Post:       func(f func()) { h.posts <- f },
		OnInput:    h.onInput,
		OnResize:   h.onResize,
		OnTitle:    func(s string) { h.titles = append(h.titles, s) },
		OnShortcut: func(s fyne.Shortcut) { h.others = append(h.others, s) },
		Clipboard:  h.clip,
		Now:        func() time.Time { return h.pass(0) },
		After:      func(time.Duration) <-chan time.Time { return fired },
	}
	for _, c := range configure {
		c(&cfg)
	}
	h.Terminal = New(cfg)
	tb.Cleanup(h.Close)
	h.window = test.NewTempWindow(tb, h.Terminal)
	h.window.SetPadded(false)
	h.window.Canvas().(test.WindowlessCanvas).SetScale(scale)
	h.window.Resize(size)
	h.settle()
	return h
}

// fired is a timer that is always due.
var fired = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

func (h *harness) onInput(p []byte) {
	h.mu.Lock()
	h.input.Write(p)
	h.mu.Unlock()
	h.tell()
}

func (h *harness) onResize(cols, rows int) {
	h.mu.Lock()
	h.sizes = append(h.sizes, [2]int{cols, rows})
	h.mu.Unlock()
	h.tell()
}

// pass moves the clock and returns what it shows then.
func (h *harness) pass(d time.Duration) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
	return h.clock
}

func (h *harness) tell() {
	select {
	case h.news <- struct{}{}:
	default:
	}
}

// until runs what was posted until condition holds.
func (h *harness) until(what string, condition func() bool) {
	h.tb.Helper()
	deadline := time.After(10 * time.Second)
	for !condition() {
		select {
		case f := <-h.posts:
			f()
		case <-h.news:
		case <-deadline:
			h.tb.Fatalf("waited too long for %s", what)
		}
	}
}

// settle runs what was posted until the picture shows the emulator's screen.
func (h *harness) settle() {
	h.tb.Helper()
	h.until("the picture", h.painted)
}

func (h *harness) painted() bool {
	h.Terminal.mu.Lock()
	defer h.Terminal.mu.Unlock()
	offset := h.viewport.offset(h.emulator)
	for y, r := range h.view.rows {
		if r.shown != h.lookLocked(y, offset) {
			return false
		}
	}
	return len(h.view.rows) > 0
}

// calm runs what was posted until the paint loop has taken notice of every request so far.
func (h *harness) calm() {
	h.tb.Helper()
	for len(h.dirty) > 0 {
		select {
		case f := <-h.posts:
			f()
		default:
			runtime.Gosched()
		}
	}
}

// tick sends to a timer that the paint loop waits for, and runs what was posted until it arrives.
func (h *harness) tick(timer chan<- time.Time) {
	h.tb.Helper()
	sent := false
	h.until("somebody to wait for the timer", func() bool {
		select {
		case timer <- time.Time{}:
			sent = true
		default:
			runtime.Gosched()
			h.tell()
		}
		return sent
	})
}

// feed interprets s and paints it.
func (h *harness) feed(s string) {
	h.tb.Helper()
	h.Feed([]byte(s))
	h.settle()
}

// wantInput waits until exactly want was sent to the shell since the last call.
func (h *harness) wantInput(want string) {
	h.tb.Helper()
	get := func() string {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.input.String()
	}
	h.until("input to the shell", func() bool { return len(get()) >= len(want) })
	if got := get(); got != want {
		h.tb.Errorf("the shell got %q, want %q", got, want)
	}
	h.mu.Lock()
	h.input.Reset()
	h.mu.Unlock()
}
