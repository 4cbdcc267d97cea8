package vt

import (
	"strings"
	"unicode/utf8"
)

// EncodePaste returns what pasting text sends. Line ends become CR as if typed; every control but TAB is removed, so
// that pasted text can neither end the brackets of bracketed paste nor act as keys.
func (m Modes) EncodePaste(text string) []byte {
	text = strings.ReplaceAll(text, "\r\n", "\r")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r':
			return '\r'
		case r == '\t':
			return r
		case r < ' ', r >= del && r < 0xa0, r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
	if text == "" {
		return nil
	}
	if m.BracketedPaste {
		return []byte("\x1b[200~" + text + "\x1b[201~")
	}
	return []byte(text)
}

// EncodeFocus returns the report that the terminal got or lost the focus, or nil where the shell does not want it.
func (m Modes) EncodeFocus(focused bool) []byte {
	switch {
	case !m.FocusEvents:
		return nil
	case focused:
		return []byte("\x1b[I")
	}
	return []byte("\x1b[O")
}
