package term

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
)

func TestWhatIsFedIsOnTheScreen(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("hello\r\n\x1b[31mworld")
	if got, want := strings.TrimRight(h.Text(), "\n"), "hello\nworld"; got != want {
		t.Errorf("Text() = %q, want %q", got, want)
	}
}

func TestTheShellIsToldTheSizeItHasRoomFor(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	cols, rows := h.Cells()
	h.until("the first size", func() bool { return h.lastSize() == [2]int{cols, rows} })
	h.window.Resize(fyne.NewSize(600, 300))
	h.settle()
	wide, high := h.Cells()
	if wide <= cols || high <= rows {
		t.Errorf("a larger window has %d x %d cells, before it had %d x %d", wide, high, cols, rows)
	}
	h.until("the second size", func() bool { return h.lastSize() == [2]int{wide, high} })
}

func TestClosingTwiceIsAllowed(t *testing.T) {
	h := newHarness(t, fyne.NewSize(200, 100), 1)
	h.Close()
	h.Close()
}

func (h *harness) lastSize() (last [2]int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.sizes); n > 0 {
		last = h.sizes[n-1]
	}
	return last
}
