package vt

import (
	"unicode"

	"golang.org/x/text/width"
)

// widths holds the columns of each character of the Basic Multilingual Plane.
var widths = makeWidths()

// Width returns the columns that r takes: 0 for marks and what cannot be seen, 2 for wide East Asian characters and
// emoji, else 1. Ambiguous characters are narrow, as in every locale but the East Asian ones.
func Width(r rune) int {
	if uint32(r) < uint32(len(widths)) {
		return int(widths[r])
	}
	return computeWidth(r)
}

func makeWidths() *[1 << 16]uint8 {
	var t [1 << 16]uint8
	for r := range t {
		t[r] = uint8(computeWidth(rune(r)))
	}
	return &t
}

func computeWidth(r rune) int {
	switch {
	case r == 0xad: // a soft hyphen is shown
		return 1
	case r >= 0x1160 && r <= 0x11ff: // Hangul vowels and finals join the consonant before them
		return 0
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r < 0x1100: // nothing wide below Hangul
		return 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// invisible reports whether r, of width 0, must not even be kept with the character before it: it would change the
// direction of what is copied, or hide text in it.
func invisible(r rune) bool {
	switch {
	case r == 0x061c, r == 0x200b, r == 0x200e, r == 0x200f, r == 0xfeff:
	case r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
	case r >= 0xe0000 && r <= 0xe0fff && (r < 0xe0100 || r > 0xe01ef): // tags
	default:
		return false
	}
	return true
}
