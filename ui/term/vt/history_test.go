package vt

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "%d\r\n", i)
	}
	return b.String()
}

// past returns the lines of the history, oldest first.
func past(e *Emulator) (lines []string) {
	for y := -e.HistoryLen(); y < 0; y++ {
		lines = append(lines, e.lineText(e.Line(y), 0, e.cols, true))
	}
	return lines
}

func TestLinesThatScrollOffAreKept(t *testing.T) {
	e := New(10, 3, 4)
	write(e, numbered(1, 9))
	if got, want := strings.Join(past(e), " "), "4 5 6 7"; got != want {
		t.Errorf("history is %q, want the last four: %q", got, want)
	}
	if got, want := show(e), "8|9"; got != want {
		t.Errorf("screen is %q, want %q", got, want)
	}
	if e.Scrolled() != 7 {
		t.Errorf("Scrolled() = %d, want 7", e.Scrolled())
	}
	if e.Line(-5) != nil || e.Line(3) != nil {
		t.Error("there are lines beyond the history or the screen")
	}
}

func TestHistoryIsKeptOnlyOfTheMainScreensTop(t *testing.T) {
	tests := []struct {
		name, input string
		want        int
	}{
		{"the alternate screen leaves none", "\x1b[?1049h" + numbered(1, 9) + "\x1b[?1049l", 0},
		{"a region below the top leaves none", "\x1b[2;3r\x1b[3H" + numbered(1, 9), 0},
		{"a region at the top does", "\x1b[1;2r\x1b[2H" + numbered(1, 5), 5},
		{"deleting lines leaves none", numbered(1, 2) + "\x1b[H\x1b[2M", 0},
		{"ED 3 forgets it", numbered(1, 9) + "\x1b[3J", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := feed(10, 3, tt.input).HistoryLen(); got != tt.want {
				t.Errorf("history has %d lines, want %d", got, tt.want)
			}
		})
	}
}

func TestNoHistoryWhereNoneIsWanted(t *testing.T) {
	e := New(10, 3, -1)
	write(e, numbered(1, 9))
	if e.HistoryLen() != 0 {
		t.Errorf("history has %d lines, want none", e.HistoryLen())
	}
}

func TestHistoryLinesTakeOnlyTheirUsedWidth(t *testing.T) {
	e := New(1000, 3, 100)
	write(e, numbered(1, 500))
	for y := -e.HistoryLen(); y < 0; y++ {
		if n := cap(e.Line(y).Cells); n > 16 {
			t.Fatalf("a line of three digits holds %d cells", n)
		}
	}
}

func TestResizing(t *testing.T) {
	tests := []struct {
		name, input  string
		cols, rows   int
		screen, past string
		x, y         int
	}{
		{"lower: the top goes to the history", "a\r\nb\r\nc", 10, 2, "b|c", "a", 1, 1},
		{"lower: empty rows below the cursor go first", "a\r\nb", 10, 2, "a|b", "", 1, 1},
		{"lower: rows below the cursor are cut", "a\r\nb\r\nc\x1b[H", 10, 2, "a|b", "", 0, 0},
		{"higher: the history comes back", numbered(1, 4), 10, 5, "1|2|3|4", "", 0, 4},
		{"higher: without history rows are added below", "a", 10, 5, "a", "", 1, 0},
		{"narrower: lines wrap", "abcdefgh", 4, 3, "abcd|efgh", "", 3, 1},
		{"narrower: the cursor keeps its place in the text", "abcdefgh\x1b[6G", 4, 3, "abcd|efgh", "", 1, 1},
		{"narrower: what no longer fits scrolls off", "abcdefgh\r\nijklmnop", 4, 3, "efgh|ijkl|mnop", "abcd", 3, 2},
		{"narrower: a wide character is not cut in half", "abc漢", 4, 3, "abc|漢", "", 2, 1},
		{"narrower: the cursor beyond the text stays inside", "ab\x1b[9G", 4, 3, "ab", "", 3, 0},
		{"one column: a wide character gives way", "a漢b", 1, 9, "a|||b", "", 0, 3},
		{"wider: what waited to wrap has room", "abcdefghij", 12, 3, "abcdefghij", "", 10, 0},
		{"wider: wrapped lines are joined", "abcdefghijkl", 12, 3, "abcdefghijkl", "", 11, 0},
		{"wider: a wide character comes back", "abcdefghi漢", 12, 3, "abcdefghi漢", "", 11, 0},
		{"wider: lines that were ended are not joined", "abcdefghij\r\nk", 12, 3, "abcdefghij|k", "", 1, 1},
		{"nonsense is bounded", "a", -5, 0, "a", "", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := feed(10, 3, tt.input)
			e.Resize(tt.cols, tt.rows)
			if got := show(e); got != tt.screen {
				t.Errorf("screen is %q, want %q", got, tt.screen)
			}
			if got := strings.Join(past(e), "|"); got != tt.past {
				t.Errorf("history is %q, want %q", got, tt.past)
			}
			if c := e.Cursor(); c.X != tt.x || c.Y != tt.y {
				t.Errorf("cursor is at %d,%d, want %d,%d", c.X, c.Y, tt.x, tt.y)
			}
			checkPairs(t, e)
		})
	}
}

func TestResizingOnTheAlternateScreenKeepsTheMainOne(t *testing.T) {
	e := feed(10, 3, "a\r\nlonger\x1b[?1049hX")
	e.Resize(4, 2)
	write(e, "\x1b[?1049l!")
	if got, want := show(e), "long|er!"; got != want {
		t.Errorf("screen is %q, want %q", got, want)
	}
}

// TestWrappingAnewLosesNoText makes lines of all kinds narrower and wider again.
func TestWrappingAnewLosesNoText(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	pieces := []string{"a", "word ", "漢", "e\u0301", "\x1b[41mx\x1b[m", "\r\n", "\r\n\r\n", "longer text without an end "}
	for range 300 {
		e := New(10, 4, 1000)
		for range rng.IntN(60) {
			write(e, pieces[rng.IntN(len(pieces))])
		}
		all := func() string {
			cols, rows := e.Size()
			return strings.TrimRight(e.Between(0, -e.HistoryLen(), cols, rows-1), "\n ")
		}
		want := all()
		for range 4 {
			e.Resize(2+rng.IntN(30), 1+rng.IntN(8))
			checkPairs(t, e)
			if got := all(); got != want {
				t.Fatalf("text is\n%q, before it was\n%q", got, want)
			}
		}
		write(e, "!")
		if got := strings.ReplaceAll(all(), "\n", ""); !strings.HasSuffix(got, "!") {
			t.Fatalf("after wrapping anew the cursor was not at the text's end: %q", got)
		}
	}
}

func TestTheTopOfTheScreenStaysWhenTheWidthChanges(t *testing.T) {
	e := New(10, 4, 100)
	write(e, numbered(1, 20)+"\x1b[H\x1b[2Jprompt") // as clear leaves it: history above, one line
	e.Resize(20, 4)
	if got, want := show(e), "prompt"; got != want {
		t.Errorf("screen is %q, want %q", got, want)
	}
}

func TestTextBetweenJoinsWrappedLines(t *testing.T) {
	e := feed(6, 4, "abcdefghi\r\nx   \r\nlast")
	tests := []struct {
		name           string
		x0, y0, x1, y1 int
		want           string
	}{
		{"a wrapped line is one", 0, 0, 6, 1, "abcdefghi"},
		{"blanks at a line's end are left out", 0, 2, 6, 2, "x"},
		{"lines are separated", 0, 0, 2, 3, "abcdefghi\nx\nla"},
		{"a part of a line", 1, 0, 3, 0, "bc"},
		{"beyond the screen there is nothing", 0, 3, 6, 9, "last"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.TrimRight(e.Between(tt.x0, tt.y0, tt.x1, tt.y1), "\n"); got != tt.want {
				t.Errorf("text is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestConcealedTextIsNotCopied(t *testing.T) {
	if got := feed(20, 1, "a\x1b[8msecret\x1b[0mb").String(); got != "a      b" {
		t.Errorf("text is %q, want the concealed part blank", got)
	}
}
