package vt

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTitle is the length of a title in characters: what a tab can show many times over.
const maxTitle = 128

// dispatchOSC executes an operating system command. All that is allowed is to set the title, to mark links, and to ask
// whether the ground is dark or light: a server neither reads nor writes the clipboard, and changes no colours.
func (e *Emulator) dispatchOSC(data []byte) {
	number, rest, _ := bytes.Cut(data, []byte{';'})
	n, err := strconv.Atoi(string(number))
	if err != nil {
		return
	}
	switch n {
	case 0, 2:
		e.title = CleanTitle(string(rest))
	case 8:
		_, uri, ok := strings.Cut(string(rest), ";")
		if ok {
			e.active.cur.pen.Link = e.links.id(uri)
		}
	case 10, 11:
		if string(rest) == "?" {
			e.answerColor(n)
		}
	}
}

// CleanTitle makes text that a server chose fit for a window title: no controls, no characters that change the writing
// direction or cannot be seen, no broken UTF-8, spaces folded, at most maxTitle characters.
func CleanTitle(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if n := utf8.RuneCountInString(s); n > maxTitle {
		s = string([]rune(s)[:maxTitle-1]) + "…"
	}
	return s
}

// links is the table of hyperlinks (OSC 8); cells hold numbers from 1.
type links struct {
	uris  []string
	index map[string]uint16
}

const (
	maxLinks   = 4096
	maxURISize = 2048
)

// id returns the number of uri, or 0 for none: the end of a link, one that is too long or of another kind than those a
// browser or a mail program opens, or one too many.
func (t *links) id(uri string) uint16 {
	if len(uri) > maxURISize || !openable(uri) {
		return 0
	}
	if id, ok := t.index[uri]; ok {
		return id
	}
	if len(t.uris) >= maxLinks {
		return 0
	}
	if t.index == nil {
		t.index = map[string]uint16{}
	}
	t.uris = append(t.uris, uri)
	id := uint16(len(t.uris))
	t.index[uri] = id
	return id
}

func openable(uri string) bool {
	for _, scheme := range []string{"https://", "http://", "mailto:"} {
		if len(uri) > len(scheme) && strings.EqualFold(uri[:len(scheme)], scheme) {
			return !strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r >= del })
		}
	}
	return false
}

// Link returns the address that a cell links to, or "".
func (e *Emulator) Link(c Cell) string {
	if c.Link == 0 || int(c.Link) > len(e.links.uris) {
		return ""
	}
	return e.links.uris[c.Link-1]
}
