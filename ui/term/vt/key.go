package vt

import "fmt"

// Key is a key that is not a character.
type Key uint8

// The keys that a shell can be told of.
const (
	KeyEnter Key = iota
	KeyTab
	KeyBackspace
	KeyEscape
	KeyUp
	KeyDown
	KeyRight
	KeyLeft
	KeyHome
	KeyEnd
	KeyInsert
	KeyDelete
	KeyPageUp
	KeyPageDown
	KeyF1
	KeyF2
	KeyF3
	KeyF4
	KeyF5
	KeyF6
	KeyF7
	KeyF8
	KeyF9
	KeyF10
	KeyF11
	KeyF12
)

// Mod is a set of modifiers, with the bits of xterm's parameter.
type Mod uint8

// The modifiers.
const (
	Shift Mod = 1 << iota
	Alt
	Ctrl
)

// finals are the keys sent as CSI or SS3 and a letter; tildes those sent as CSI, a number and "~" (xterm, "PC-style
// function keys").
var (
	finals = map[Key]byte{
		KeyUp: 'A', KeyDown: 'B', KeyRight: 'C', KeyLeft: 'D', KeyHome: 'H', KeyEnd: 'F',
		KeyF1: 'P', KeyF2: 'Q', KeyF3: 'R', KeyF4: 'S',
	}
	tildes = map[Key]int{
		KeyInsert: 2, KeyDelete: 3, KeyPageUp: 5, KeyPageDown: 6, KeyF5: 15, KeyF6: 17, KeyF7: 18, KeyF8: 19,
		KeyF9: 20, KeyF10: 21, KeyF11: 23, KeyF12: 24,
	}
)

// EncodeKey returns what key k with modifiers sends to the shell in these modes.
func (m Modes) EncodeKey(k Key, mod Mod) []byte {
	if final, ok := finals[k]; ok {
		switch {
		case mod != 0:
			return fmt.Appendf(nil, "\x1b[1;%d%c", 1+mod, final)
		case k >= KeyF1 || m.AppCursor:
			return []byte{esc, 'O', final}
		}
		return []byte{esc, '[', final}
	}
	if n, ok := tildes[k]; ok {
		if mod != 0 {
			return fmt.Appendf(nil, "\x1b[%d;%d~", n, 1+mod)
		}
		return fmt.Appendf(nil, "\x1b[%d~", n)
	}
	return withAlt(mod, simpleKey(k, mod)...)
}

func simpleKey(k Key, mod Mod) []byte {
	switch k {
	case KeyEnter:
		return []byte{'\r'}
	case KeyTab:
		if mod&Shift != 0 {
			return []byte("\x1b[Z")
		}
		return []byte{'\t'}
	case KeyBackspace:
		if mod&Ctrl != 0 {
			return []byte{'\b'}
		}
		return []byte{del}
	case KeyEscape:
		return []byte{esc}
	}
	return nil
}

// EncodeRune returns what a character with modifiers sends: Ctrl makes a control of it, Alt puts an ESC before it. It
// returns nil where Ctrl has no meaning.
func EncodeRune(r rune, mod Mod) []byte {
	if mod&Ctrl == 0 {
		return withAlt(mod, []byte(string(r))...)
	}
	c, ok := controlOf(r)
	if !ok {
		return nil
	}
	return withAlt(mod, c)
}

func withAlt(mod Mod, b ...byte) []byte {
	if mod&Alt != 0 {
		return append([]byte{esc}, b...)
	}
	return b
}

// controlOf returns the control that Ctrl makes of a key, with the digits and the slash as on a VT220.
func controlOf(r rune) (byte, bool) {
	switch {
	case r >= 'a' && r <= 'z', r >= '@' && r <= '_':
		return byte(r) & 0x1f, true
	case r == ' ' || r == '2' || r == '`':
		return 0, true
	case r >= '3' && r <= '7':
		return byte(r-'3') + esc, true
	case r == '8' || r == '?':
		return del, true
	case r == '/' || r == '-':
		return 0x1f, true
	}
	return 0, false
}
