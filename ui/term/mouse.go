package term

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// Cursor is part of desktop.Cursorable.
func (t *Terminal) Cursor() desktop.Cursor {
	if t.modes().Mouse != vt.MouseOff {
		return desktop.DefaultCursor
	}
	return desktop.TextCursor
}

// MouseDown is part of desktop.Mouseable. The shell gets the mouse where it asked for it; with Shift it is ours.
func (t *Terminal) MouseDown(ev *desktop.MouseEvent) {
	t.takeFocus()
	button := buttonOf(ev.Button)
	if m := t.modes(); m.Mouse != vt.MouseOff && ev.Modifier&fyne.KeyModifierShift == 0 {
		t.pressed = button
		t.reportMouse(m, vt.Press, button, modOf(ev.Modifier), ev.Position)
		return
	}
	if button == vt.ButtonLeft {
		t.beginSelection(ev.Position)
	}
}

// MouseUp is part of desktop.Mouseable.
func (t *Terminal) MouseUp(ev *desktop.MouseEvent) {
	if t.pressed == vt.ButtonNone {
		t.selection.active = false
		return
	}
	button := t.pressed
	t.pressed = vt.ButtonNone
	t.reportMouse(t.modes(), vt.Release, button, modOf(ev.Modifier), ev.Position)
}

// Dragged is part of fyne.Draggable.
func (t *Terminal) Dragged(ev *fyne.DragEvent) {
	if t.pressed != vt.ButtonNone {
		t.reportMouse(t.modes(), vt.Move, t.pressed, t.keys.mods, ev.Position)
		return
	}
	t.extendSelection(ev.Position)
}

// DragEnd is part of fyne.Draggable; MouseUp comes as well.
func (t *Terminal) DragEnd() {}

// MouseIn is part of desktop.Hoverable.
func (t *Terminal) MouseIn(*desktop.MouseEvent) {}

// MouseOut is part of desktop.Hoverable.
func (t *Terminal) MouseOut() {}

// MouseMoved is part of desktop.Hoverable: motion without a button, which some programs want.
func (t *Terminal) MouseMoved(ev *desktop.MouseEvent) {
	if m := t.modes(); m.Mouse == vt.MouseMotion {
		t.reportMouse(m, vt.Move, vt.ButtonNone, modOf(ev.Modifier), ev.Position)
	}
}

// reportMouse tells the shell of a mouse event. Unlike a key it does not bring the screen back from the history.
func (t *Terminal) reportMouse(m vt.Modes, kind vt.MouseKind, button int, mod vt.Mod, pos fyne.Position) {
	x, y := t.cellAt(pos)
	if report := m.EncodeMouse(vt.MouseEvent{Kind: kind, Button: button, Mod: mod, X: x, Y: y}); report != nil {
		t.out.input(report)
	}
}

func buttonOf(b desktop.MouseButton) int {
	switch b {
	case desktop.MouseButtonTertiary:
		return vt.ButtonMiddle
	case desktop.MouseButtonSecondary:
		return vt.ButtonRight
	}
	return vt.ButtonLeft
}

// takeFocus gives the terminal the keyboard.
func (t *Terminal) takeFocus() {
	if c := fyne.CurrentApp().Driver().CanvasForObject(t); c != nil && c.Focused() != fyne.Focusable(t) {
		c.Focus(t)
	}
}
