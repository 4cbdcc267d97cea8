package widget

import (
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	fynewidget "fyne.io/fyne/v2/widget"
)

// SecretEntry takes a PIN or a password into memory that its owner can wipe. Fyne's own entry keeps its text in Go
// strings, which nobody can. Typing appends, Backspace takes back, select all lets the next key start afresh, paste works,
// copy does not. While the eye is open each character is drawn by itself, so that no string ever holds the whole.
type SecretEntry struct {
	fynewidget.BaseWidget

	// OnChanged runs after every change of the content.
	OnChanged func()
	// OnSubmitted runs at Return; without it the window gets the key.
	OnSubmitted func()

	name     string
	store    []byte // the owner's memory, never grown
	length   int    // bytes used in store
	shown    bool
	selected bool
	focused  bool
	disabled bool
	wrong    bool

	back  *Box
	marks *marks
	eye   *eye
}

// NewSecretEntry makes an entry that is called name and keeps what is typed in store, whose length is the most it takes.
// The owner of store wipes it when the entry is gone.
func NewSecretEntry(name string, store []byte) *SecretEntry {
	e := &SecretEntry{name: name, store: store}
	e.marks = newMarks(e)
	e.eye = newEye(e)
	line := AtLeast(0, 34, Ends(nil, Inset(0, 11, 0, 4, e.eye)))
	line.Add(Inset(0, 40, 0, 12, e.marks))
	e.back = NewBox(BoxStyle{}, line)
	e.ExtendBaseWidget(e)
	return e
}

// Bytes is what was typed: the entry's own memory, valid until the next change.
func (e *SecretEntry) Bytes() []byte { return e.store[:e.length] }

// Len is the number of bytes typed.
func (e *SecretEntry) Len() int { return e.length }

// SetBytes replaces the content by a copy of text, cut off where it does not fit.
func (e *SecretEntry) SetBytes(text []byte) {
	clear(e.store)
	e.length = copy(e.store, text)
	e.changed()
}

// Wipe zeroes the content.
func (e *SecretEntry) Wipe() { e.SetBytes(nil) }

// Discard zeroes the content and lets go of the memory: the owner may give it back. What is typed afterwards is dropped.
func (e *SecretEntry) Discard() {
	clear(e.store)
	e.store, e.length = nil, 0
	e.Refresh()
}

// SetWrong frames the entry in the colour of danger until the next change.
func (e *SecretEntry) SetWrong(wrong bool) {
	e.wrong = wrong
	e.Refresh()
}

// SetDisabled makes the entry deaf or not.
func (e *SecretEntry) SetDisabled(disabled bool) {
	e.disabled = disabled
	e.Refresh()
}

// Describe names the entry and never tells what is in it.
func (e *SecretEntry) Describe() Description {
	return Description{Kind: "secret", Text: e.name, Focused: e.focused, Disabled: e.disabled}
}

// Inside is the eye.
func (e *SecretEntry) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{e.eye} }

// CreateRenderer is Fyne's entry.
func (e *SecretEntry) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(e.back, e.apply)
}

func (e *SecretEntry) apply() {
	style := BoxStyle{Fill: ColorSurface, Stroke: ColorBorder, StrokeWidth: 1, Radius: RadiusM}
	switch {
	case e.wrong:
		style.Stroke = ColorDanger
	case e.focused:
		style.Stroke, style.StrokeWidth = ColorAccent, 2
	}
	e.back.SetStyle(style)
	e.marks.Refresh()
}

func (e *SecretEntry) changed() {
	e.wrong, e.selected = false, false
	e.Refresh()
	if e.OnChanged != nil {
		e.OnChanged()
	}
}

// toggle shows or hides what was typed.
func (e *SecretEntry) toggle() {
	e.shown = !e.shown
	e.eye.Refresh()
	e.Refresh()
	e.focus()
}

func (e *SecretEntry) focus() {
	if c := canvasOf(e); c != nil {
		c.Focus(e)
	}
}

// append takes text in as far as it fits; a character that does not fit whole is left out.
func (e *SecretEntry) append(text []byte) {
	if e.disabled {
		return
	}
	if e.selected {
		clear(e.store)
		e.length = 0
	}
	if len(text) <= len(e.store)-e.length {
		e.length += copy(e.store[e.length:], text)
	}
	e.changed()
}

// TypedRune takes one character in.
func (e *SecretEntry) TypedRune(r rune) {
	var buffer [utf8.UTFMax]byte
	n := utf8.EncodeRune(buffer[:], r)
	e.append(buffer[:n])
	clear(buffer[:])
}

// TypedKey takes back, submits, or hands the key on.
func (e *SecretEntry) TypedKey(key *fyne.KeyEvent) {
	switch {
	case key.Name == fyne.KeyBackspace || key.Name == fyne.KeyDelete:
		e.takeBack()
	case (key.Name == fyne.KeyReturn || key.Name == fyne.KeyEnter) && e.OnSubmitted != nil:
		e.OnSubmitted()
	default:
		passKey(e, key)
	}
}

func (e *SecretEntry) takeBack() {
	if e.disabled {
		return
	}
	start := 0
	if !e.selected && e.length > 0 {
		_, size := utf8.DecodeLastRune(e.Bytes())
		start = e.length - size
	}
	clear(e.store[start:e.length])
	e.length = start
	e.changed()
}

// TypedShortcut pastes, selects all, and with Ctrl+R (Cmd+R) shows what was typed. The clipboard hands out a Go string: that copy is the one we cannot wipe.
func (e *SecretEntry) TypedShortcut(shortcut fyne.Shortcut) {
	switch s := shortcut.(type) {
	case *fyne.ShortcutPaste:
		e.paste(s.Clipboard.Content())
	case *fyne.ShortcutSelectAll:
		e.selected = e.length > 0
		e.Refresh()
	case *desktop.CustomShortcut:
		if s.KeyName == fyne.KeyR && s.Modifier == fyne.KeyModifierShortcutDefault {
			e.toggle()
			return
		}
		passShortcut(e, s)
	}
}

// paste takes text in up to its first line feed, which copying from a file or a terminal likes to add.
func (e *SecretEntry) paste(text string) {
	copied := []byte(text)
	defer clear(copied)
	end := len(copied)
	for i, b := range copied {
		if b == '\n' || b == '\r' {
			end = i
			break
		}
	}
	e.append(copied[:end])
}

// MouseDown takes the focus at once. Fyne waits before it calls Tapped, because a second click may follow, and what is
// typed in the meantime would land in the field before: in the open, where that is the user's name.
func (e *SecretEntry) MouseDown(*desktop.MouseEvent) { e.focus() }

// MouseUp is of no use to an entry.
func (e *SecretEntry) MouseUp(*desktop.MouseEvent) {}

// Tapped takes the focus.
func (e *SecretEntry) Tapped(*fyne.PointEvent) { e.focus() }

// DoubleTapped selects all.
func (e *SecretEntry) DoubleTapped(*fyne.PointEvent) { e.TypedShortcut(&fyne.ShortcutSelectAll{}) }

// FocusGained shows cursor and frame.
func (e *SecretEntry) FocusGained() { e.focused = true; e.Refresh() }

// FocusLost hides cursor, frame and selection.
func (e *SecretEntry) FocusLost() { e.focused, e.selected = false, false; e.Refresh() }

// Cursor is the text cursor.
func (e *SecretEntry) Cursor() desktop.Cursor { return desktop.TextCursor }
