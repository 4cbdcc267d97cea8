package term

import (
	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// viewport is which part of history and screen is shown.
type viewport struct {
	follow bool // the screen itself
	top    int  // else: the first line shown, counted as vt.Emulator.Scrolled does
}

// offset returns how many lines of the history are shown above the screen.
func (v *viewport) offset(e *vt.Emulator) int {
	if v.follow {
		return 0
	}
	return min(max(e.Scrolled()-v.top, 0), e.HistoryLen())
}

// scrollBy moves what is shown back by lines, or forward where negative.
func (t *Terminal) scrollBy(lines int) {
	t.mu.Lock()
	offset := min(max(t.viewport.offset(t.emulator)+lines, 0), t.emulator.HistoryLen())
	t.viewport = viewport{follow: offset == 0, top: t.emulator.Scrolled() - offset}
	t.mu.Unlock()
	t.repaint()
}

const (
	// notch is what Fyne reports for one step of a wheel.
	notch = 10
	// linesPerNotch is how far that scrolls.
	linesPerNotch = 3
)

// Scrolled is part of fyne.Scrollable: the wheel goes to the shell that asked for it, as arrow keys to a program on the
// alternate screen, else through the history.
func (t *Terminal) Scrolled(ev *fyne.ScrollEvent) {
	t.wheel += ev.Scrolled.DY * linesPerNotch / notch
	lines := int(t.wheel)
	if lines == 0 {
		return
	}
	t.wheel -= float32(lines)
	m := t.modes()
	switch {
	case m.Mouse != vt.MouseOff && t.keys.mods&vt.Shift == 0:
		t.reportWheel(m, ev.Position, lines)
	case m.Alternate && m.AlternateScroll:
		key := vt.KeyUp
		if lines < 0 {
			key = vt.KeyDown
		}
		for range abs(lines) {
			t.send(m.EncodeKey(key, 0))
		}
	default:
		t.scrollBy(lines)
	}
}

// reportWheel sends one report for each notch.
func (t *Terminal) reportWheel(m vt.Modes, pos fyne.Position, lines int) {
	button := vt.WheelUp
	if lines < 0 {
		button = vt.WheelDown
	}
	x, y := t.cellAt(pos)
	for range (abs(lines) + linesPerNotch - 1) / linesPerNotch {
		t.send(m.EncodeMouse(vt.MouseEvent{Kind: vt.Press, Button: button, Mod: t.keys.mods, X: x, Y: y}))
	}
}

func abs(n int) int { return max(n, -n) }

// cellAt returns the cell of the screen at a position in the widget; outside, the nearest.
func (t *Terminal) cellAt(pos fyne.Position) (x, y int) {
	cell := t.view.cellSize()
	x = int((pos.X - t.view.origin.X) / cell.Width)
	y = int((pos.Y - t.view.origin.Y) / cell.Height)
	return min(max(x, 0), max(t.view.cols-1, 0)), min(max(y, 0), max(len(t.view.rows)-1, 0))
}
