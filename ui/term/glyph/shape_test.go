package glyph

import (
	"bytes"
	"fmt"
	"testing"
)

// edge returns the outermost pixels of a glyph on one side: left, up, right, down.
func edge(g *Glyph, height, side int) []byte {
	at := func(x, y int) byte { return g.mask[y*g.width+x] }
	var out []byte
	switch side {
	case 0, 2:
		x := 0
		if side == 2 {
			x = g.width - 1
		}
		for y := range height {
			out = append(out, at(x, y))
		}
	default:
		y := 0
		if side == 3 {
			y = height - 1
		}
		for x := range g.width {
			out = append(out, at(x, y))
		}
	}
	return out
}

// straight are the lines that go through, by weight: horizontal and vertical.
var straight = map[byte][2]rune{'1': {'─', '│'}, '2': {'━', '┃'}, '3': {'═', '║'}}

// TestBoxesClose looks at every arm of every box character: where it leaves the cell it must meet the line of the
// neighbour exactly.
func TestBoxesClose(t *testing.T) {
	for _, size := range sizes {
		a := newAtlas(t, size)
		for i, arms := range boxes {
			ch := rune(0x2500 + i)
			g := glyphOf(a, ch, 0)
			for side := range arms {
				got := edge(g, a.Height, side)
				want := make([]byte, len(got))
				if line, ok := straight[arms[side]]; ok {
					want = edge(glyphOf(a, line[side%2], 0), a.Height, side)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("at %v pixels side %d of %c is %v, want %v", size, side, ch, got, want)
				}
			}
		}
	}
}

func TestRoundCornersMeetStraightLines(t *testing.T) {
	for _, size := range sizes {
		a := newAtlas(t, size)
		for ch, sides := range map[rune][2]int{'╭': {2, 3}, '╮': {0, 3}, '╯': {0, 1}, '╰': {2, 1}} {
			g := glyphOf(a, ch, 0)
			for _, side := range sides {
				want := edge(glyphOf(a, straight['1'][side%2], 0), a.Height, side)
				if got := edge(g, a.Height, side); !covers(got, want) {
					t.Errorf("at %v pixels side %d of %c is %v, want at least %v", size, side, ch, got, want)
				}
			}
		}
	}
}

// covers reports whether a line is where want has one, within what rounding may leave at a curve's end.
func covers(got, want []byte) bool {
	for i := range want {
		if want[i] == 255 && got[i] < 200 {
			return false
		}
	}
	return true
}

func TestBoxCharactersAreConnected(t *testing.T) {
	a := newAtlas(t, 26)
	for i, arms := range boxes {
		if arms == "" {
			continue
		}
		ch := rune(0x2500 + i)
		if n := parts(glyphOf(a, ch, 0), a.Height); n != wantParts(arms) {
			t.Errorf("%c has %d parts, want %d", ch, n, wantParts(arms))
		}
	}
}

// wantParts is how many separate lines a box character has: double lines that only pass stay apart, and so do the
// four corners of a double cross.
func wantParts(arms string) int {
	switch arms {
	case "3030", "0303", "0033", "3003", "0330", "3300":
		return 2
	case "0333", "3303", "3033", "3330":
		return 3
	case "3333":
		return 4
	case "0313", "1303", "3031", "3130":
		return 2
	}
	return 1
}

// parts counts the connected areas of a mask.
func parts(g *Glyph, height int) (n int) {
	seen := make([]bool, len(g.mask))
	var walk func(i int)
	walk = func(i int) {
		if seen[i] || g.mask[i] == 0 {
			return
		}
		seen[i] = true
		if x := i % g.width; x > 0 {
			walk(i - 1)
		}
		if x := i % g.width; x < g.width-1 {
			walk(i + 1)
		}
		if i >= g.width {
			walk(i - g.width)
		}
		if i < g.width*(height-1) {
			walk(i + g.width)
		}
	}
	for i := range g.mask {
		if !seen[i] && g.mask[i] != 0 {
			n++
			walk(i)
		}
	}
	return n
}

func TestBlocksFillTheCell(t *testing.T) {
	for _, size := range sizes {
		a := newAtlas(t, size)
		full := a.Width * a.Height * 255
		if got := ink(glyphOf(a, '█', 0)); got != full {
			t.Errorf("at %v pixels the full block has %d of ink, want %d", size, got, full)
		}
		for _, pair := range []string{"▀▄", "▌▐", "▖▜", "▗▛", "▘▟", "▝▙", "▚▞"} {
			r := []rune(pair)
			if got := ink(glyphOf(a, r[0], 0)) + ink(glyphOf(a, r[1], 0)); got != full {
				t.Errorf("at %v pixels %s together have %d of ink, want %d", size, pair, got, full)
			}
		}
	}
}

func TestEveryShapeIsDrawn(t *testing.T) {
	a := newAtlas(t, 13)
	missing := glyphOf(a, 0xe000, 0).mask
	for _, r := range [][2]rune{{0x2500, 0x259f}, {0x2801, 0x28ff}, {0xe0b0, 0xe0b3}} {
		for ch := r[0]; ch <= r[1]; ch++ {
			t.Run(fmt.Sprintf("%U", ch), func(t *testing.T) {
				g := glyphOf(a, ch, 0)
				if ink(g) == 0 || bytes.Equal(g.mask, missing) {
					t.Error("nothing was drawn")
				}
			})
		}
	}
}

func TestBrailleDotsDoNotTouch(t *testing.T) {
	for _, size := range sizes {
		a := newAtlas(t, size)
		if got := parts(glyphOf(a, '⣿', 0), a.Height); got != 8 {
			t.Errorf("at %v pixels eight dots are %d", size, got)
		}
	}
}
