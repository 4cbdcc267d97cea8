package vt

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// snippets are pieces that interesting input is made of.
var snippets = []string{
	"a", "hello world", "\r\n", "\n", "\r", "\t", "\b", "漢字", "e\u0301", "\u0301", "😀", "ä", "\x1b", "\x1b[", "\x1b[31m",
	"\x1b[1;38;2;1;2;3m", "\x1b[4:3m", "\x1b[m", "\x1b[H", "\x1b[2;3H", "\x1b[J", "\x1b[1J", "\x1b[2J", "\x1b[3J", "\x1b[K",
	"\x1b[1K", "\x1b[L", "\x1b[2M", "\x1b[3P", "\x1b[2@", "\x1b[4X", "\x1b[S", "\x1b[T", "\x1b[5b", "\x1b[2;3r", "\x1b[r",
	"\x1b[?6h", "\x1b[?6l", "\x1b[?7l", "\x1b[?7h", "\x1b[4h", "\x1b[4l", "\x1b[?1049h", "\x1b[?1049l", "\x1b7", "\x1b8",
	"\x1bM", "\x1bD", "\x1bE", "\x1bH", "\x1b[3g", "\x1b(0", "\x1b(B", "\x0e", "\x0f", "\x1b#8", "\x1b[!p", "\x1bc",
	"\x1b]2;title\x07", "\x1b]2;title\x1b\\", "\x1b]8;;https://a.example\x07", "\x1bPq\x1b\\", "\x1b_x\x1b\\", "\x18", "\x1a",
	"\xe2", "\x9b", "\xf0\x9f", "\xff", "\x7f", "\x1b[6n", "\x1b[c", "\x1b[?2026h", "\x1b[?2026l", "\x1b[9999999999C",
	"\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28;29;30;31;32;33;34m", ";", ":", "5", "?",
}

// describe returns everything that can be seen of an emulator.
func describe(e *Emulator) string {
	var b strings.Builder
	cols, rows := e.Size()
	fmt.Fprintf(&b, "%dx%d cursor %+v modes %+v title %q history %d\n", cols, rows, e.Cursor(), e.Modes(), e.Title(), e.HistoryLen())
	for y := -e.HistoryLen(); y < rows; y++ {
		l := e.Line(y)
		fmt.Fprintf(&b, "%v ", l.Wrapped)
		for _, c := range l.Cells {
			fmt.Fprintf(&b, "%q%x/%x/%x/%s ", e.Text(c), c.FG, c.BG, c.Attr, e.Link(c))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// checkBlocks fails where input gives another screen byte by byte than in one piece or in pieces of size.
func checkBlocks(tb testing.TB, input []byte, size int) {
	tb.Helper()
	whole, pieces, bytes := New(12, 5, 8), New(12, 5, 8), New(12, 5, 8)
	write(whole, string(input))
	for i := range input {
		write(bytes, string(input[i:i+1]))
	}
	for rest := input; len(rest) > 0; {
		n := min(size, len(rest))
		write(pieces, string(rest[:n]))
		rest = rest[n:]
	}
	want := describe(whole)
	if got := describe(bytes); got != want {
		tb.Fatalf("%q byte by byte gives\n%s\nin one piece\n%s", input, got, want)
	}
	if got := describe(pieces); got != want {
		tb.Fatalf("%q in pieces of %d gives\n%s\nin one piece\n%s", input, size, got, want)
	}
	checkPairs(tb, whole)
	if string(whole.TakeReply()) != string(bytes.TakeReply()) {
		tb.Fatalf("%q is answered differently byte by byte", input)
	}
}

func TestPiecesGiveTheSameScreenAsTheWhole(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var b strings.Builder
		for range 1 + rng.IntN(40) {
			b.WriteString(snippets[rng.IntN(len(snippets))])
		}
		checkBlocks(t, []byte(b.String()), 1+rng.IntN(7))
	}
}

func FuzzPieces(f *testing.F) {
	for i, s := range snippets {
		f.Add([]byte(s+snippets[(i+17)%len(snippets)]), uint8(i))
	}
	f.Fuzz(func(t *testing.T, input []byte, size uint8) {
		checkBlocks(t, input, 1+int(size))
	})
}

// FuzzResize changes the size in between: whatever comes, the screen stays well formed.
func FuzzResize(f *testing.F) {
	f.Add([]byte("a漢\x1b[?1049hb\r\n"), []byte("\x1b[3;3Hc\x1b8"), uint8(3), uint8(2))
	f.Add([]byte(numbered(1, 20)), []byte("\x1b[?1049l\x1b8"), uint8(1), uint8(9))
	f.Fuzz(func(t *testing.T, before, after []byte, cols, rows uint8) {
		e := New(10, 4, 6)
		write(e, string(before))
		e.Resize(int(cols), int(rows))
		checkPairs(t, e)
		write(e, string(after))
		e.Resize(10, 4)
		checkPairs(t, e)
		c := e.Cursor()
		if c.X < 0 || c.X >= 10 || c.Y < 0 || c.Y >= 4 {
			t.Fatalf("the cursor is outside: %+v", c)
		}
		e.Between(0, -e.HistoryLen(), 10, 3)
	})
}
