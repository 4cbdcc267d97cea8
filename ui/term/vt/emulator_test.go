package vt

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// feed makes an emulator of cols by rows that got input.
func feed(cols, rows int, input string) *Emulator {
	e := New(cols, rows, 100)
	write(e, input)
	return e
}

func write(e *Emulator, input string) {
	if _, err := e.Write([]byte(input)); err != nil {
		panic(err)
	}
}

// show returns the screen with its empty rows at the end left out, rows separated by '|'.
func show(e *Emulator) string {
	return strings.TrimRight(strings.ReplaceAll(e.String(), "\n", "|"), "|")
}

func TestSequences(t *testing.T) {
	const filled = "abcdef\r\nghijkl\r\nmnopqr\x1b[2;3H" // the cursor is on the i
	tests := []struct {
		name, input, want string
		x, y              int
	}{
		{"text wraps at the last column", "abcdefgh", "abcdef|gh", 2, 1},
		{"the last column waits before it wraps", "abcdef", "abcdef", 5, 0},
		{"CR ends the wait of the last column", "abcdef\rX", "Xbcdef", 1, 0},
		{"without autowrap the last column is overwritten", "\x1b[?7labcdefgh", "abcdeh", 5, 0},
		{"LF moves down and scrolls at the bottom", "a\nb\nc\nd", " b|  c|   d", 4, 2},
		{"LF returns as well in new line mode", "\x1b[20ha\nb", "a|b", 1, 1},
		{"BS stops at the left edge", "a\b\b\bX", "X", 1, 0},
		{"HT goes to the tab stop or the edge", "a\tb", "a    b", 5, 0},
		{"HTS sets a tab stop and TBC clears it", "\x1b[3G\x1bH\r\tX\x1b[3G\x1b[g\r\tY", "  X  Y", 5, 0},
		{"CBT goes back to a tab stop", "\x1b[3G\x1bH\x1b[6G\x1b[ZX", "  X", 3, 0},
		{"CUP counts from one and stays inside", "\x1b[99;99HX\x1b[0;0HY", "Y||     X", 1, 0},
		{"CUU and CUD stop at the edges", filled + "\x1b[9AX\x1b[9BY", "abXdef|ghijkl|mnoYqr", 4, 2},
		{"CUF and CUB stop at the edges", filled + "\x1b[9CX\x1b[9DY", "abcdef|YhijkX|mnopqr", 1, 1},
		{"CNL and CPL return", filled + "\x1b[EX\x1b[2FY", "Ybcdef|ghijkl|Xnopqr", 1, 0},
		{"CHA and VPA move in one direction", filled + "\x1b[5GX\x1b[3dY", "abcdef|ghijXl|mnopqY", 5, 2},
		{"ED 0 erases from the cursor", filled + "\x1b[J", "abcdef|gh", 2, 1},
		{"ED 1 erases to the cursor", filled + "\x1b[1J", "|   jkl|mnopqr", 2, 1},
		{"ED 2 erases all", filled + "\x1b[2JX", "|  X", 3, 1},
		{"EL 0 erases to the right", filled + "\x1b[K", "abcdef|gh|mnopqr", 2, 1},
		{"EL 1 erases to the left", filled + "\x1b[1K", "abcdef|   jkl|mnopqr", 2, 1},
		{"EL 2 erases the line", filled + "\x1b[2K", "abcdef||mnopqr", 2, 1},
		{"ECH erases without moving", filled + "\x1b[2X", "abcdef|gh  kl|mnopqr", 2, 1},
		{"ICH moves to the right", filled + "\x1b[2@", "abcdef|gh  ij|mnopqr", 2, 1},
		{"DCH moves to the left", filled + "\x1b[2P", "abcdef|ghkl|mnopqr", 2, 1},
		{"IL moves lines down", filled + "\x1b[L", "abcdef||ghijkl", 0, 1},
		{"DL moves lines up", filled + "\x1b[M", "abcdef|mnopqr", 0, 1},
		{"SU and SD move the screen", filled + "\x1b[S\x1b[2T", "||ghijkl", 2, 1},
		{"IRM inserts", filled + "\x1b[4hXY\x1b[4lZ", "abcdef|ghXYZj|mnopqr", 5, 1},
		{"REP repeats the last character", "ab\x1b[3b", "abbbb", 5, 0},
		{"IND, NEL and RI move", filled + "\x1bDX\x1bMY\x1bEZ", "abcdef|ghiYkl|ZnXpqr", 1, 2},
		{"RI scrolls at the top", filled + "\x1b[H\x1bMX", "X|abcdef|ghijkl", 1, 0},
		{"DECSTBM confines scrolling", filled + "\x1b[1;2r\x1b[2;1H\nX", "ghijkl|X|mnopqr", 1, 1},
		{"a cursor below the region stays below", filled + "\x1b[1;2r\x1b[3;1H\x1b[9BX", "abcdef|ghijkl|Xnopqr", 1, 2},
		{"a region of one line is refused", filled + "\x1b[2;2r\x1b[3;1H\nX", "ghijkl|mnopqr|X", 1, 2},
		{"DECOM counts from the region", filled + "\x1b[2;3r\x1b[?6h\x1b[HX\x1b[9;1HY", "abcdef|Xhijkl|Ynopqr", 1, 2},
		{"DECSC and DECRC keep the place", filled + "\x1b7\x1b[H\x1b8X", "abcdef|ghXjkl|mnopqr", 3, 1},
		{"SCOSC and SCORC keep the place", filled + "\x1b[s\x1b[H\x1b[uX", "abcdef|ghXjkl|mnopqr", 3, 1},
		{"DECALN fills the screen", "\x1b#8", "EEEEEE|EEEEEE|EEEEEE", 0, 0},
		{"the graphics set draws lines", "\x1b(0lqk\x1b(Bq", "┌─┐q", 4, 0},
		{"SO and SI choose the set", "\x1b)0q\x0eq\x0fq", "q─q", 3, 0},
		{"RIS begins anew", filled + "\x1b[?7l\x1bcX", "X", 1, 0},
		{"DECSTR keeps the screen", filled + "\x1b[4h\x1b[!pX", "abcdef|ghXjkl|mnopqr", 3, 1},
		{"the alternate screen leaves the main one alone", filled + "\x1b[?1049h\x1b[HXYZ\x1b[?1049lQ", "abcdef|ghQjkl|mnopqr", 3, 1},
		{"the alternate screen begins empty", filled + "\x1b[?1049hX", "|  X", 3, 1},
		{"unknown sequences show nothing", "a\x1b[?99h\x1b[1;2;3y\x1b[>5x\x1b%Gb\x1b[=c", "ab", 2, 0},
		{"OSC, DCS, APC, PM and SOS show nothing", "a\x1b]9;x\x07\x1bPq#1\x1b\\\x1b_x\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\b", "ab", 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := feed(6, 3, tt.input)
			if got := show(e); got != tt.want {
				t.Errorf("screen after %q is\n%q, want\n%q", tt.input, got, tt.want)
			}
			if c := e.Cursor(); c.X != tt.x || c.Y != tt.y {
				t.Errorf("cursor after %q is at %d,%d, want %d,%d", tt.input, c.X, c.Y, tt.x, tt.y)
			}
		})
	}
}

func TestPens(t *testing.T) {
	tests := []struct {
		name, input string
		want        Cell
	}{
		{"SGR 0 and an empty SGR reset", "\x1b[1;31;42m\x1b[mX", Cell{Ch: 'X'}},
		{"attributes add up", "\x1b[1;3;4;7;9mX", Cell{Ch: 'X', Attr: Bold | Italic | Underline | Reverse | Strike}},
		{"22 ends bold and faint", "\x1b[1;2;5;22mX", Cell{Ch: 'X', Attr: Blink}},
		{"the sixteen colours", "\x1b[31;107mX", Cell{Ch: 'X', FG: Indexed(1), BG: Indexed(15)}},
		{"39 and 49 give the default colours", "\x1b[31;41;39;49mX", Cell{Ch: 'X'}},
		{"256 colours with semicolons", "\x1b[38;5;200;48;5;7mX", Cell{Ch: 'X', FG: Indexed(200), BG: Indexed(7)}},
		{"256 colours with colons", "\x1b[38:5:200;1mX", Cell{Ch: 'X', FG: Indexed(200), Attr: Bold}},
		{"direct colour with semicolons", "\x1b[38;2;1;2;3;1mX", Cell{Ch: 'X', FG: RGB(1, 2, 3), Attr: Bold}},
		{"direct colour with colons", "\x1b[48:2:1:2:3;1mX", Cell{Ch: 'X', BG: RGB(1, 2, 3), Attr: Bold}},
		{"direct colour with a colour space", "\x1b[48:2::1:2:3;1mX", Cell{Ch: 'X', BG: RGB(1, 2, 3), Attr: Bold}},
		{"an underline's colour is passed over", "\x1b[58;2;1;2;3;4mX", Cell{Ch: 'X', Attr: Underline}},
		{"underline styles", "\x1b[4:3mX", Cell{Ch: 'X', Attr: Underline | CurlyUnderline}},
		{"underline style 0 is none", "\x1b[4m\x1b[4:0mX", Cell{Ch: 'X'}},
		{"a colour that ends too early changes nothing", "\x1b[38;2;1mX", Cell{Ch: 'X'}},
		{"a colour out of range changes nothing", "\x1b[38;5;999mX", Cell{Ch: 'X'}},
		{"erasing keeps the background", "\x1b[41mab\x1b[H\x1b[K", Cell{BG: Indexed(1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := feed(6, 3, tt.input)
			if diff := cmp.Diff(tt.want, e.Line(0).Cells[0]); diff != "" {
				t.Errorf("first cell after %q (-want +got):\n%s", tt.input, diff)
			}
		})
	}
}

func TestReplies(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"DA1 claims a VT220 with colour", "\x1b[c", "\x1b[?62;22c"},
		{"DA2 claims a VT220", "\x1b[>c", "\x1b[>1;10;0c"},
		{"DSR 5 says that all is well", "\x1b[5n", "\x1b[0n"},
		{"DSR 6 tells the cursor", "ab\x1b[2;3H\x1b[6n", "\x1b[2;3R"},
		{"DSR 6 counts from the region in origin mode", "\x1b[2;3r\x1b[?6h\x1b[6n", "\x1b[1;1R"},
		{"DECXCPR has a question mark", "\x1b[?6n", "\x1b[?1;1R"},
		{"DECRQM knows synchronized output", "\x1b[?2026$p", "\x1b[?2026;2$y"},
		{"DECRQM sees a mode that is set", "\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"},
		{"DECRQM does not know what is not there", "\x1b[?69$p", "\x1b[?69;0$y"},
		{"the size is told", "\x1b[18t", "\x1b[8;3;6t"},
		{"the title is never told", "\x1b]2;rm -rf\x07\x1b[21t", ""},
		{"the colours are told to who asks", "\x1b]10;?\x07\x1b]11;?\x1b\\", "\x1b]10;rgb:d7d7/dbdb/e6e6\x1b\\\x1b]11;rgb:0e0e/1010/1616\x1b\\"},
		{"the colours cannot be changed", "\x1b]11;#ffffff\x07\x1b]11;?\x07", "\x1b]11;rgb:0e0e/1010/1616\x1b\\"},
		{"a clipboard question is not answered", "\x1b]52;c;?\x07", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New(6, 3, 0)
			e.SetDefaultColors(RGB(0xd7, 0xdb, 0xe6), RGB(0x0e, 0x10, 0x16))
			write(e, tt.input)
			if got := string(e.TakeReply()); got != tt.want {
				t.Errorf("reply to %q is %q, want %q", tt.input, got, tt.want)
			}
			if again := e.TakeReply(); again != nil {
				t.Errorf("the reply came twice: %q", again)
			}
		})
	}
}

func TestTheCursorHasAShape(t *testing.T) {
	for input, want := range map[string]CursorShape{
		"": CursorBlock, "\x1b[2 q": CursorBlock, "\x1b[4 q": CursorUnderline, "\x1b[5 q": CursorBar, "\x1b[5 q\x1b[0 q": CursorBlock,
	} {
		if got := feed(6, 3, input).Cursor().Shape; got != want {
			t.Errorf("shape after %q is %d, want %d", input, got, want)
		}
	}
	if feed(6, 3, "\x1b[?25l").Cursor().Visible {
		t.Error("the cursor is visible after DECTCEM was reset")
	}
}

func TestUnchangedLinesKeepTheirGeneration(t *testing.T) {
	e := feed(6, 3, "a\r\nb\r\nc")
	line, before := e.Line(0), e.Line(0).Generation()
	write(e, "x")
	if e.Line(0) != line || line.Generation() != before {
		t.Error("writing on the third row changed the first")
	}
	changed := e.Line(2).Generation()
	write(e, "y")
	if e.Line(2).Generation() == changed {
		t.Error("writing on the third row did not change it")
	}
}
