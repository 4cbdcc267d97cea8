package term

import (
	"runtime"
	"strings"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// keys is what Fyne's key events leave out of each other: the modifiers that are down and the last key.
type keys struct {
	mods  vt.Mod
	super bool
	last  fyne.KeyName
}

// named are Fyne's keys that are not characters.
var named = map[fyne.KeyName]vt.Key{
	fyne.KeyReturn: vt.KeyEnter, fyne.KeyEnter: vt.KeyEnter, fyne.KeyTab: vt.KeyTab,
	fyne.KeyBackspace: vt.KeyBackspace, fyne.KeyEscape: vt.KeyEscape,
	fyne.KeyUp: vt.KeyUp, fyne.KeyDown: vt.KeyDown, fyne.KeyRight: vt.KeyRight, fyne.KeyLeft: vt.KeyLeft,
	fyne.KeyHome: vt.KeyHome, fyne.KeyEnd: vt.KeyEnd, fyne.KeyInsert: vt.KeyInsert, fyne.KeyDelete: vt.KeyDelete,
	fyne.KeyPageUp: vt.KeyPageUp, fyne.KeyPageDown: vt.KeyPageDown,
	fyne.KeyF1: vt.KeyF1, fyne.KeyF2: vt.KeyF2, fyne.KeyF3: vt.KeyF3, fyne.KeyF4: vt.KeyF4,
	fyne.KeyF5: vt.KeyF5, fyne.KeyF6: vt.KeyF6, fyne.KeyF7: vt.KeyF7, fyne.KeyF8: vt.KeyF8,
	fyne.KeyF9: vt.KeyF9, fyne.KeyF10: vt.KeyF10, fyne.KeyF11: vt.KeyF11, fyne.KeyF12: vt.KeyF12,
}

// AcceptsTab is part of fyne.Tabbable: Tab belongs to the shell.
func (t *Terminal) AcceptsTab() bool { return true }

// FocusGained is part of fyne.Focusable.
func (t *Terminal) FocusGained() { t.setFocus(true) }

// FocusLost is part of fyne.Focusable. Keys that are released elsewhere are never reported, so all count as released.
func (t *Terminal) FocusLost() {
	t.keys = keys{}
	t.setFocus(false)
}

func (t *Terminal) setFocus(on bool) {
	t.focused, t.blinkOff = on, false
	if report := t.modes().EncodeFocus(on); report != nil {
		t.out.input(report)
	}
	t.repaint()
}

// KeyDown is part of desktop.Keyable; it comes before the shortcut or key that it causes.
func (t *Terminal) KeyDown(ev *fyne.KeyEvent) {
	t.keys.last = ev.Name
	t.hold(ev.Name, true)
}

// KeyUp is part of desktop.Keyable.
func (t *Terminal) KeyUp(ev *fyne.KeyEvent) { t.hold(ev.Name, false) }

func (t *Terminal) hold(name fyne.KeyName, down bool) {
	var mod vt.Mod
	switch name {
	case desktop.KeyShiftLeft, desktop.KeyShiftRight:
		mod = vt.Shift
	case desktop.KeyControlLeft, desktop.KeyControlRight:
		mod = vt.Ctrl
	case desktop.KeyAltLeft, desktop.KeyAltRight:
		mod = vt.Alt
	case desktop.KeySuperLeft, desktop.KeySuperRight:
		t.keys.super = down
	}
	if down {
		t.keys.mods |= mod
	} else {
		t.keys.mods &^= mod
	}
}

// TypedRune is part of fyne.Focusable: a character was typed.
func (t *Terminal) TypedRune(r rune) { t.send([]byte(string(r))) }

// TypedKey is part of fyne.Focusable. Characters arrive as runes besides; other keys come here when no modifier but
// Shift is held.
func (t *Terminal) TypedKey(ev *fyne.KeyEvent) {
	k, ok := named[ev.Name]
	if !ok {
		return
	}
	mod := t.keys.mods & vt.Shift
	if mod != 0 && t.scrollKey(k) {
		return
	}
	t.send(t.modes().EncodeKey(k, mod))
}

// scrollKey scrolls with Shift and the keys that move by a page or to the end.
func (t *Terminal) scrollKey(k vt.Key) bool {
	if t.modes().Alternate {
		return false
	}
	page := max(len(t.view.rows)-1, 1)
	switch k {
	case vt.KeyPageUp:
		t.scrollBy(page)
	case vt.KeyPageDown:
		t.scrollBy(-page)
	case vt.KeyHome:
		t.scrollBy(1 << 30)
	case vt.KeyEnd:
		t.scrollBy(-1 << 30)
	default:
		return false
	}
	return true
}

// standard are the shortcuts that Fyne makes of Ctrl and a letter.
var standard = map[string]rune{"Copy": 'c', "Paste": 'v', "Cut": 'x', "SelectAll": 'a', "Undo": 'z', "Redo": 'y'}

// TypedShortcut is part of fyne.Shortcutable: keys with Ctrl, Alt or Super.
func (t *Terminal) TypedShortcut(s fyne.Shortcut) {
	if custom, ok := s.(*desktop.CustomShortcut); ok {
		t.typedCustom(custom)
		return
	}
	letter, ok := standard[s.ShortcutName()]
	switch {
	case !ok:
		t.cfg.OnShortcut(s)
	case t.keys.last == fyne.KeyDelete: // Shift+Delete arrives as Cut
		t.send(t.modes().EncodeKey(vt.KeyDelete, vt.Shift))
	case t.keys.super || t.keys.last == fyne.KeyInsert: // as on macOS, and Ctrl+Insert, Shift+Insert
		t.edit(letter, s)
	default:
		t.send(vt.EncodeRune(letter, vt.Ctrl))
	}
}

// edit copies or pastes, whatever letter asked for it; other editing is nothing that a terminal can do.
func (t *Terminal) edit(letter rune, s fyne.Shortcut) {
	switch letter {
	case 'c':
		t.Copy()
	case 'v':
		t.Paste()
	case 'a':
		t.SelectAll()
	default:
		t.cfg.OnShortcut(s)
	}
}

// typedCustom handles keys with modifiers that Fyne has no name for.
func (t *Terminal) typedCustom(s *desktop.CustomShortcut) {
	mod := modOf(s.Modifier)
	k, special := named[s.KeyName]
	switch {
	case s.Modifier == fyne.KeyModifierControl|fyne.KeyModifierShift && s.KeyName == fyne.KeyC:
		t.Copy()
	case s.Modifier == fyne.KeyModifierControl|fyne.KeyModifierShift && s.KeyName == fyne.KeyV:
		t.Paste()
	case s.Modifier&fyne.KeyModifierSuper != 0, special && k == vt.KeyTab:
		t.cfg.OnShortcut(s)
	case special:
		t.send(t.modes().EncodeKey(k, mod))
	case mod&(vt.Ctrl|vt.Shift) == vt.Ctrl|vt.Shift && isLetter(s.KeyName):
		t.cfg.OnShortcut(s)
	case composes(runtime.GOOS, mod): // the character comes as a rune besides
	default:
		t.send(encodeCharacter(s.KeyName, mod))
	}
}

// composes reports whether modifiers make another character of a key, instead of a key for the shell: Option on macOS,
// AltGr on Windows, which says Ctrl+Alt.
func composes(system string, mod vt.Mod) bool {
	switch system {
	case "darwin":
		return mod&(vt.Alt|vt.Ctrl) == vt.Alt
	case "windows":
		return mod&(vt.Alt|vt.Ctrl) == vt.Alt|vt.Ctrl
	}
	return false
}

// encodeCharacter returns what a character key sends. Fyne names letters in upper case whatever Shift says.
func encodeCharacter(name fyne.KeyName, mod vt.Mod) []byte {
	text := string(name)
	switch {
	case name == fyne.KeySpace:
		text = " "
	case mod&vt.Shift == 0:
		text = strings.ToLower(text)
	}
	r, size := utf8.DecodeRuneInString(text)
	if size == 0 || size != len(text) {
		return nil // a key that neither we nor the shell know
	}
	return vt.EncodeRune(r, mod)
}

func isLetter(name fyne.KeyName) bool {
	return len(name) == 1 && name[0] >= 'A' && name[0] <= 'Z'
}

func modOf(m fyne.KeyModifier) (mod vt.Mod) {
	if m&fyne.KeyModifierShift != 0 {
		mod |= vt.Shift
	}
	if m&fyne.KeyModifierAlt != 0 {
		mod |= vt.Alt
	}
	if m&fyne.KeyModifierControl != 0 {
		mod |= vt.Ctrl
	}
	return mod
}
