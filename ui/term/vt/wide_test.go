package vt

import (
	"strings"
	"testing"
)

func TestWidths(t *testing.T) {
	tests := []struct {
		name string
		r    rune
		want int
	}{
		{"a letter", 'a', 1}, {"an umlaut", 'ä', 1}, {"a box line", '─', 1}, {"an ambiguous symbol", '±', 1},
		{"the replacement character", 0xfffd, 1}, {"a private use arrow", 0xe0b0, 1}, {"a soft hyphen", 0xad, 1},
		{"an ideograph", '漢', 2}, {"a kana", 'カ', 2}, {"a Hangul syllable", '한', 2}, {"a fullwidth letter", 'Ａ', 2},
		{"an emoji", '😀', 2}, {"a plane 2 ideograph", 0x20000, 2}, {"an emoji of the BMP", '⌚', 2},
		{"a text symbol", '✓', 1}, {"a combining accent", 0x301, 0}, {"an enclosing mark", 0x20dd, 0},
		{"a joiner", 0x200d, 0}, {"a variation selector", 0xfe0f, 0}, {"a Hangul vowel", 0x1161, 0},
		{"a zero width space", 0x200b, 0}, {"a direction mark", 0x202e, 0},
	}
	for _, tt := range tests {
		if got := Width(tt.r); got != tt.want {
			t.Errorf("Width(%U), %s, is %d, want %d", tt.r, tt.name, got, tt.want)
		}
	}
}

func TestWideCharactersAreNeverHalved(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"one that does not fit wraps whole", "abcde漢", "abcde|漢"},
		{"writing on the right half removes it", "漢字\x1b[2GX", " X字"},
		{"writing on the left half removes it", "漢字\x1b[1GX", "X 字"},
		{"a wide one over two halves removes both", "漢字\x1b[2G語", " 語"},
		{"erasing a half removes it", "漢字\x1b[2G\x1b[X", "  字"},
		{"erasing to the right from a half removes it", "漢字\x1b[2G\x1b[K", ""},
		{"erasing to the left up to a half removes it", "漢字\x1b[3G\x1b[1K", ""},
		{"deleting a half removes it", "漢字X\x1b[2G\x1b[P", " 字X"},
		{"inserting in the middle removes it", "漢字\x1b[2G\x1b[@X", " X 字"},
		{"pushing a half over the edge removes it", "abcd漢\x1b[1G\x1b[@X", "Xabcd"},
		{"a wide one in the last column is not written without autowrap", "\x1b[?7labcde漢", "abcde"},
		{"insert mode keeps pairs together", "漢字\x1b[2G\x1b[4hX", " X 字"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := feed(6, 3, tt.input)
			if got := show(e); got != tt.want {
				t.Errorf("screen after %q is %q, want %q", tt.input, got, tt.want)
			}
			checkPairs(t, e)
		})
	}
}

// checkPairs fails where a half of a wide character stands alone, or a line does not know how far it was written.
func checkPairs(tb testing.TB, e *Emulator) {
	tb.Helper()
	cols, rows := e.Size()
	for y := range rows {
		cells := e.Line(y).Cells
		for x, c := range cells[e.Line(y).high:] {
			if c != (Cell{}) {
				tb.Fatalf("row %d holds %+v beyond what was written, at %d", y, c, x)
			}
		}
		if len(cells) != cols {
			tb.Fatalf("row %d has %d cells, want %d", y, len(cells), cols)
		}
		for x, c := range cells {
			if c.Attr&Wide != 0 && (x+1 == cols || cells[x+1].Attr&Tail == 0) {
				tb.Errorf("column %d of row %d is a left half without its right", x, y)
			}
			if c.Attr&Tail != 0 && (x == 0 || cells[x-1].Attr&Wide == 0) {
				tb.Errorf("column %d of row %d is a right half without its left", x, y)
			}
		}
	}
}

func TestMarksJoinTheCharacterBeforeThem(t *testing.T) {
	tests := []struct {
		name, input, want string
		x                 int
	}{
		{"an accent", "e\u0301x", "e\u0301x", 2},
		{"on a wide character", "漢\u0301x", "漢\u0301x", 3},
		{"in the last column", "abcdef\u0301", "abcdef\u0301", 5},
		{"at the beginning of a line there is nothing to join", "\u0301x", "x", 1},
		{"on a blank there is nothing to join", "\x1b[3G\u0301x", "  x", 3},
		{"split over two writes", "e\xcc", "e", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := feed(6, 3, tt.input)
			if got := show(e); got != tt.want {
				t.Errorf("screen is %q, want %q", got, tt.want)
			}
			if x := e.Cursor().X; x != tt.x {
				t.Errorf("cursor is in column %d, want %d", x, tt.x)
			}
		})
	}
}

func TestATowerOfMarksIsBounded(t *testing.T) {
	e := feed(6, 3, "e"+strings.Repeat("\u0301", 10_000))
	if got := len(e.Text(e.Line(0).Cells[0])); got > maxClusterSize {
		t.Errorf("one character is %d bytes, want at most %d", got, maxClusterSize)
	}
}

func TestClustersThatAreGoneFreeTheirPlace(t *testing.T) {
	e := New(80, 24, 10)
	for i := range 3 * maxClusters {
		write(e, string(rune(0x4e00+i%20_000))+string(rune(0x300+i%100))+"\r")
	}
	if n := len(e.clusters.texts); n > maxClusters {
		t.Errorf("the table holds %d clusters, want at most %d", n, maxClusters)
	}
	write(e, "\x1b[2J\x1b[He\u0301")
	if got, want := show(e), "e\u0301"; got != want {
		t.Errorf("after many clusters the screen is %q, want %q", got, want)
	}
}

func TestDirectionMarksDoNotReachTheText(t *testing.T) {
	e := feed(20, 3, "a\u202ecod.exe\u202c\u200b")
	if got, want := show(e), "acod.exe"; got != want {
		t.Errorf("screen is %q, want %q", got, want)
	}
}
