package term

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// at returns the middle of the left half of a cell.
func (h *harness) at(x, y int) fyne.Position {
	cell := h.view.cellSize()
	return h.view.origin.AddXY((float32(x)+0.25)*cell.Width, (float32(y)+0.5)*cell.Height)
}

func (h *harness) mouse(button desktop.MouseButton, mod fyne.KeyModifier, x, y int) *desktop.MouseEvent {
	ev := &desktop.MouseEvent{Button: button, Modifier: mod}
	ev.Position = h.at(x, y)
	return ev
}

// click presses and releases the left button, some time after the last click.
func (h *harness) click(x, y int, after time.Duration) {
	h.pass(after)
	h.MouseDown(h.mouse(desktop.MouseButtonPrimary, 0, x, y))
	h.MouseUp(h.mouse(desktop.MouseButtonPrimary, 0, x, y))
}

// drag presses the left button at one cell and releases it at another.
func (h *harness) drag(x0, y0, x1, y1 int) {
	h.pass(time.Hour)
	h.MouseDown(h.mouse(desktop.MouseButtonPrimary, 0, x0, y0))
	ev := &fyne.DragEvent{}
	ev.Position = h.at(x1, y1)
	h.Dragged(ev)
	h.DragEnd()
	h.MouseUp(h.mouse(desktop.MouseButtonPrimary, 0, x1, y1))
}

func TestDraggingSelects(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("first line\r\nsecond 漢字 line\r\nthird")
	tests := []struct {
		name           string
		x0, y0, x1, y1 int
		want           string
	}{
		{"in a line", 6, 0, 10, 0, "line"},
		{"backwards", 10, 0, 6, 0, "line"},
		{"over lines", 6, 0, 6, 1, "line\nsecond"},
		{"upwards over lines", 6, 1, 6, 0, "line\nsecond"},
		{"past the end of a line", 6, 0, 30, 0, "line"},
		{"nowhere", 3, 0, 3, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.drag(tt.x0, tt.y0, tt.x1, tt.y1)
			if got := h.SelectedText(); got != tt.want {
				t.Errorf("selected %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTwoClicksSelectAWordAndThreeALine(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	cols, _ := h.Cells()
	long := strings.Repeat("x", cols) + "end"
	h.feed("see https://a.example/b?c=d, (now)\r\n" + long)
	steps := []struct {
		name  string
		x, y  int
		after time.Duration
		want  string
	}{
		{"one click selects nothing", 8, 0, time.Hour, ""},
		{"the second selects the word", 8, 0, 100 * time.Millisecond, "https://a.example/b?c=d"},
		{"the third selects the line", 8, 0, 100 * time.Millisecond, "see https://a.example/b?c=d, (now)"},
		{"the fourth begins anew", 8, 0, 100 * time.Millisecond, ""},
		{"a slow second click is a first", 8, 0, time.Second, ""},
		{"elsewhere a click is a first", 30, 0, 100 * time.Millisecond, ""},
		{"a word ends at a bracket", 30, 0, 100 * time.Millisecond, "now"},
		{"on a wrapped line", 1, 2, time.Hour, ""},
		{"the word ends with its row", 1, 2, 100 * time.Millisecond, "end"},
		{"the line goes over both rows", 1, 2, 100 * time.Millisecond, long},
	}
	for _, s := range steps {
		h.click(s.x, s.y, s.after)
		if got := strings.TrimSpace(h.SelectedText()); got != s.want {
			t.Errorf("%s: selected %q, want %q", s.name, got, s.want)
		}
	}
}

func TestASelectionStaysOnItsTextWhileOutputScrolls(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	_, rows := h.Cells()
	h.feed("keep me\r\n")
	h.drag(0, 0, 7, 0)
	h.feed(strings.Repeat("more\r\n", 2*rows))
	if got := h.SelectedText(); got != "keep me" {
		t.Errorf("selected %q, want what was selected before", got)
	}
}

func TestTheWheelScrollsThroughTheHistory(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	_, rows := h.Cells()
	for i := range 10 * rows {
		h.Feed(fmt.Appendf(nil, "line %d\r\n", i))
	}
	h.settle()
	bottom := h.topLine()
	h.wheelBy(2)
	if got := h.topLine(); got != bottom-2*linesPerNotch {
		t.Errorf("two notches up show line %d, want %d", got, bottom-2*linesPerNotch)
	}
	back := h.topLine()
	h.feed("more\r\nmore\r\n")
	if got := h.topLine(); got != back {
		t.Errorf("output moved the view from line %d to %d", back, got)
	}
	h.wheelBy(1000)
	if got := h.topLine(); got != 0 {
		t.Errorf("far up is line %d, want 0", got)
	}
	h.wheelBy(-1000)
	if !h.viewport.follow {
		t.Error("far down does not follow the output again")
	}
	h.wheelBy(3)
	h.TypedRune('x')
	h.settle()
	if !h.viewport.follow {
		t.Error("typing did not bring the screen back")
	}
	h.press(fyne.KeyPageUp, shift)
	if got, want := h.topLine(), bottom+2-(rows-1); got != want {
		t.Errorf("Shift+PageUp shows line %d, want %d", got, want)
	}
}

// topLine returns the number in the first row that is shown.
func (h *harness) topLine() (n int) {
	h.settle()
	h.Terminal.mu.Lock()
	y := -h.viewport.offset(h.emulator)
	text := h.emulator.Between(0, y, 40, y)
	h.Terminal.mu.Unlock()
	if _, err := fmt.Sscanf(text, "line %d", &n); err != nil {
		h.tb.Fatalf("the first row is %q", text)
	}
	return n
}

func (h *harness) wheelBy(notches float32) {
	h.Scrolled(&fyne.ScrollEvent{
		PointEvent: fyne.PointEvent{Position: h.at(2, 1)},
		Scrolled:   fyne.NewDelta(0, notches*notch),
	})
}

func TestTheWheelSendsArrowsOnTheAlternateScreen(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("\x1b[?1049h")
	h.wheelBy(1)
	h.wantInput("\x1b[A\x1b[A\x1b[A")
	h.wheelBy(-1)
	h.wantInput("\x1b[B\x1b[B\x1b[B")
}

func TestSmallWheelStepsAddUp(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("\x1b[?1049h")
	for range 10 {
		h.wheelBy(0.1)
	}
	h.TypedRune('.')
	h.until("three arrows, give or take the last fraction", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		s := h.input.String()
		return strings.HasSuffix(s, ".") && strings.Count(s, "\x1b[A") >= 2 && strings.Count(s, "\x1b[A") <= 3
	})
}

func TestTheMouseIsTheShellsWhereItAsks(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("text\x1b[?1002;1006h")
	h.drag(1, 0, 3, 0)
	h.wantInput("\x1b[<0;2;1M\x1b[<32;4;1M\x1b[<0;4;1m")
	h.wheelBy(1)
	h.wantInput("\x1b[<64;3;2M")
	h.MouseMoved(h.mouse(0, 0, 5, 1))
	h.feed("\x1b[?1003h")
	h.MouseMoved(h.mouse(0, 0, 5, 1))
	h.wantInput("\x1b[<35;6;2M")
	h.MouseDown(h.mouse(desktop.MouseButtonSecondary, fyne.KeyModifierControl, 0, 0))
	h.MouseUp(h.mouse(desktop.MouseButtonSecondary, 0, 0, 0))
	h.wantInput("\x1b[<18;1;1M\x1b[<2;1;1m")
	if got := h.SelectedText(); got != "" {
		t.Errorf("the shell's mouse selected %q", got)
	}
}

func TestShiftGivesTheMouseBack(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("text\x1b[?1002;1006h")
	h.MouseDown(h.mouse(desktop.MouseButtonPrimary, fyne.KeyModifierShift, 0, 0))
	ev := &fyne.DragEvent{}
	ev.Position = h.at(4, 0)
	h.Dragged(ev)
	h.MouseUp(h.mouse(desktop.MouseButtonPrimary, fyne.KeyModifierShift, 4, 0))
	if got := h.SelectedText(); got != "text" {
		t.Errorf("selected %q, want text", got)
	}
	h.TypedRune('.')
	h.wantInput(".")
}

func TestAClickTakesTheFocus(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.click(0, 0, time.Hour)
	if h.window.Canvas().Focused() != fyne.Focusable(h.Terminal) {
		t.Error("a click did not give the terminal the focus")
	}
}

func TestThePointerTellsWhoseTheMouseIs(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	if got := h.Cursor(); got != desktop.TextCursor {
		t.Errorf("pointer is %v, want the one for text", got)
	}
	h.feed("\x1b[?1000h")
	if got := h.Cursor(); got != desktop.DefaultCursor {
		t.Errorf("pointer over a shell that has the mouse is %v, want the default", got)
	}
}
