package term

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// press does what Fyne's driver does when a key goes down with modifiers held: first KeyDown, then a shortcut or a key.
func (h *harness) press(key fyne.KeyName, held ...fyne.KeyName) {
	for _, name := range held {
		h.KeyDown(&fyne.KeyEvent{Name: name})
	}
	h.KeyDown(&fyne.KeyEvent{Name: key})
	if s := shortcutOf(key, held); s != nil {
		h.TypedShortcut(s)
	} else {
		h.TypedKey(&fyne.KeyEvent{Name: key})
	}
	h.KeyUp(&fyne.KeyEvent{Name: key})
	for _, name := range held {
		h.KeyUp(&fyne.KeyEvent{Name: name})
	}
}

const (
	ctrl  = desktop.KeyControlLeft
	shift = desktop.KeyShiftRight
	alt   = desktop.KeyAltLeft
	super = desktop.KeySuperLeft
)

// shortcutOf mirrors the driver: a few names of its own, a CustomShortcut for everything else but Shift alone.
func shortcutOf(key fyne.KeyName, held []fyne.KeyName) fyne.Shortcut {
	var mod fyne.KeyModifier
	for _, name := range held {
		mod |= map[fyne.KeyName]fyne.KeyModifier{
			ctrl: fyne.KeyModifierControl, shift: fyne.KeyModifierShift, alt: fyne.KeyModifierAlt, super: fyne.KeyModifierSuper,
		}[name]
	}
	if mod == fyne.KeyModifierControl {
		switch key {
		case fyne.KeyC, fyne.KeyInsert:
			return &fyne.ShortcutCopy{}
		case fyne.KeyV:
			return &fyne.ShortcutPaste{}
		case fyne.KeyX:
			return &fyne.ShortcutCut{}
		case fyne.KeyA:
			return &fyne.ShortcutSelectAll{}
		case fyne.KeyZ:
			return &fyne.ShortcutUndo{}
		case fyne.KeyY:
			return &fyne.ShortcutRedo{}
		}
	}
	if mod == fyne.KeyModifierShift {
		switch key {
		case fyne.KeyInsert:
			return &fyne.ShortcutPaste{}
		case fyne.KeyDelete:
			return &fyne.ShortcutCut{}
		}
		return nil
	}
	if mod == 0 {
		return nil
	}
	return &desktop.CustomShortcut{KeyName: key, Modifier: mod}
}

func TestKeysReachTheShell(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	held := func(keys ...fyne.KeyName) []fyne.KeyName { return keys }
	tests := []struct {
		name string
		key  fyne.KeyName
		held []fyne.KeyName
		want string
	}{
		{"Enter", fyne.KeyReturn, nil, "\r"},
		{"Enter of the keypad", fyne.KeyEnter, nil, "\r"},
		{"Backspace", fyne.KeyBackspace, nil, "\x7f"},
		{"Tab", fyne.KeyTab, nil, "\t"},
		{"Shift+Tab", fyne.KeyTab, held(shift), "\x1b[Z"},
		{"Escape", fyne.KeyEscape, nil, "\x1b"},
		{"an arrow", fyne.KeyUp, nil, "\x1b[A"},
		{"Ctrl and an arrow", fyne.KeyLeft, held(ctrl), "\x1b[1;5D"},
		{"Shift and an arrow", fyne.KeyRight, held(shift), "\x1b[1;2C"},
		{"a function key", fyne.KeyF5, nil, "\x1b[15~"},
		{"Ctrl+C", fyne.KeyC, held(ctrl), "\x03"},
		{"Ctrl+V", fyne.KeyV, held(ctrl), "\x16"},
		{"Ctrl+X", fyne.KeyX, held(ctrl), "\x18"},
		{"Ctrl+A", fyne.KeyA, held(ctrl), "\x01"},
		{"Ctrl+Z", fyne.KeyZ, held(ctrl), "\x1a"},
		{"Ctrl+Y", fyne.KeyY, held(ctrl), "\x19"},
		{"Ctrl+D", fyne.KeyD, held(ctrl), "\x04"},
		{"Ctrl+Space", fyne.KeySpace, held(ctrl), "\x00"},
		{"Ctrl+[", fyne.KeyLeftBracket, held(ctrl), "\x1b"},
		{"Ctrl+\\", fyne.KeyBackslash, held(ctrl), "\x1c"},
		{"Ctrl+/", fyne.KeySlash, held(ctrl), "\x1f"},
		{"Alt+B", fyne.KeyB, held(alt), "\x1bb"},
		{"Alt+Shift+B", fyne.KeyB, held(alt, shift), "\x1bB"},
		{"Alt+.", fyne.KeyPeriod, held(alt), "\x1b."},
		{"Ctrl+Alt+C", fyne.KeyC, held(ctrl, alt), "\x1b\x03"},
		{"Alt+Backspace", fyne.KeyBackspace, held(alt), "\x1b\x7f"},
		{"Shift+Delete", fyne.KeyDelete, held(shift), "\x1b[3;2~"},
	}
	for _, tt := range tests {
		h.press(tt.key, tt.held...)
		h.wantInput(tt.want)
		if t.Failed() {
			t.Fatalf("that was %s", tt.name)
		}
	}
}

func TestTypedTextReachesTheShell(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	test.Type(h.Terminal, "größe 漢")
	h.wantInput("größe 漢")
}

func TestArrowsFollowTheApplicationMode(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("\x1b[?1h")
	h.press(fyne.KeyDown)
	h.wantInput("\x1bOB")
}

func TestCharactersAreNotSentTwice(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.press(fyne.KeyA) // Fyne tells of the key besides the rune
	h.press(fyne.KeySpace)
	h.press(desktop.KeyShiftLeft)
	h.TypedRune('!')
	h.wantInput("!")
}

func TestCopyAndPasteHaveKeysOfTheirOwn(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("copied text")
	tests := []struct {
		name        string
		copy, paste func()
	}{
		{"Ctrl+Shift+C and V", func() { h.press(fyne.KeyC, ctrl, shift) }, func() { h.press(fyne.KeyV, ctrl, shift) }},
		{"Ctrl+Insert and Shift+Insert", func() { h.press(fyne.KeyInsert, ctrl) }, func() { h.press(fyne.KeyInsert, shift) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.clip.SetContent("before")
			h.SelectAll()
			tt.copy()
			if got := h.clip.Content(); got != "copied text" && got != h.SelectedText() {
				t.Errorf("the clipboard holds %q", got)
			}
			h.clip.SetContent("line\nline\x1b[201~")
			h.feed("\x1b[?2004h")
			tt.paste()
			h.wantInput("\x1b[200~line\rline[201~\x1b[201~")
		})
	}
}

func TestCopyWithoutASelectionLeavesTheClipboardAlone(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.clip.SetContent("precious")
	h.press(fyne.KeyC, ctrl, shift)
	if got := h.clip.Content(); got != "precious" {
		t.Errorf("the clipboard holds %q, want what it held before", got)
	}
}

func TestShortcutsThatAreNoneOfTheShellsGoToTheWindow(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.press(fyne.KeyT, ctrl, shift)
	h.press(fyne.KeyTab, ctrl)
	h.press(fyne.KeyTab, ctrl, shift)
	h.press(fyne.KeyK, super)
	if got := len(h.others); got != 4 {
		t.Errorf("the window got %d shortcuts, want 4: %v", got, h.others)
	}
	h.TypedRune('.')
	h.wantInput(".") // and the shell none
}

func TestModifiersDoNotSurviveALossOfFocus(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.window.Canvas().Focus(h.Terminal)
	h.KeyDown(&fyne.KeyEvent{Name: shift}) // released in another window, which does not tell us
	h.window.Canvas().Unfocus()
	h.window.Canvas().Focus(h.Terminal)
	h.press(fyne.KeyTab)
	h.wantInput("\t")
}

func TestFocusIsReportedToWhoAsks(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.window.Canvas().Focus(h.Terminal)
	h.window.Canvas().Unfocus()
	h.feed("\x1b[?1004h")
	h.window.Canvas().Focus(h.Terminal)
	h.wantInput("\x1b[I")
	h.window.Canvas().Unfocus()
	h.wantInput("\x1b[O")
}

func TestTheShellIsAnsweredInOrder(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("\x1b[c\x1b[6n")
	h.wantInput("\x1b[?62;22c\x1b[1;1R")
}

func TestModifiersThatComposeCharactersAreNotKeys(t *testing.T) {
	tests := []struct {
		system string
		mod    vt.Mod
		want   bool
	}{
		{"linux", vt.Alt, false}, {"linux", vt.Alt | vt.Ctrl, false},
		{"darwin", vt.Alt, true}, {"darwin", vt.Alt | vt.Shift, true}, {"darwin", vt.Alt | vt.Ctrl, false}, {"darwin", vt.Ctrl, false},
		{"windows", vt.Alt, false}, {"windows", vt.Alt | vt.Ctrl, true}, {"windows", vt.Ctrl, false},
	}
	for _, tt := range tests {
		if got := composes(tt.system, tt.mod); got != tt.want {
			t.Errorf("on %s modifiers %d compose: %v, want %v", tt.system, tt.mod, got, tt.want)
		}
	}
}
