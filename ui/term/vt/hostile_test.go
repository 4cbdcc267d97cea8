package vt

import (
	"strings"
	"testing"
)

func TestHostileInputHidesNothing(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"a truncated character does not swallow an ESC", "\xe2\x1b[31mZ", "\ufffdZ"},
		{"a lone continuation byte is shown", "a\x9bb", "a\ufffdb"},
		{"an 8-bit CSI is no control", "\x9b31mZ", "\ufffd31mZ"},
		{"a C1 control in UTF-8 is no control", "\u009b31mZ", "31mZ"},
		{"an 8-bit string terminator inside UTF-8 does not end a title", "\x1b]2;ok \u2713 done\x07Z", "Z"},
		{"an overlong encoding is not decoded", "\xc0\xafZ", "\ufffd\ufffdZ"},
		{"a surrogate is not decoded", "\xed\xa0\x80Z", "\ufffd\ufffd\ufffdZ"},
		{"a character beyond Unicode is not decoded", "\xf4\x90\x80\x80Z", "\ufffd\ufffd\ufffd\ufffdZ"},
		{"the valid beginning of a broken character is one mark", "\xf0\x9f\x98Z", "\ufffdZ"},
		{"a new sequence ends one that is not finished", "\x1b[3\x1b[1mZ", "Z"},
		{"CAN ends a sequence", "\x1b[31\x18Z", "Z"},
		{"SUB ends a string", "\x1b]2;x\x1aZ", "Z"},
		{"a control inside a sequence is executed", "a\x1b[1\rmZ", "Z"},
		{"a letter outside ASCII ends a sequence and is shown", "\x1b[3äZ", "äZ"},
		{"an OSC that is cut off by a sequence is dropped", "\x1b]2;x\x1b[31mZ", "Z"},
		{"DEL is nothing", "a\x7fb", "ab"},
		{"too many parameters do no harm", "\x1b[" + strings.Repeat("1;", 1000) + "mZ", "Z"},
		{"a huge parameter does no harm", "\x1b[99999999999999999999CZ", "         Z"},
		{"huge counts do no harm", "\x1b[2147483647b\x1b[2147483647L\x1b[2147483647PZ", "Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := feed(10, 3, tt.input)
			if got := show(e); got != tt.want {
				t.Errorf("screen after %.60q is %q, want %q", tt.input, got, tt.want)
			}
		})
	}
}

func TestTitlesAreCleaned(t *testing.T) {
	tests := []struct{ name, title, want string }{
		{"plain", "alice@web-00: ~", "alice@web-00: ~"},
		{"with letters outside ASCII", "Größe ✓ 漢字", "Größe ✓ 漢字"},
		{"with controls", "a\tb\x01c\u009bd", "a bcd"},
		{"that turns the direction", "exe.\u202etxt", "exe.txt"},
		{"that is broken UTF-8", "a\xffb", "ab"},
		{"of spaces", "   ", ""},
		{"that is long", strings.Repeat("ä", 500), strings.Repeat("ä", maxTitle-1) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := feed(10, 3, "\x1b]0;"+tt.title+"\x1b\\").Title(); got != tt.want {
				t.Errorf("title is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAStringBombIsDroppedWhole(t *testing.T) {
	e := New(10, 3, 0)
	write(e, "\x1b]2;first\x07\x1b]2;")
	for range 100 {
		write(e, strings.Repeat("x", 1<<16))
	}
	write(e, "\x07Z")
	if got := e.Title(); got != "first" {
		t.Errorf("title is %.20q, want the one before", got)
	}
	if n := cap(e.parser.osc); n > 2*maxOSC {
		t.Errorf("the bomb left a buffer of %d bytes", n)
	}
	if got := show(e); got != "Z" {
		t.Errorf("screen is %q, want what came after the bomb", got)
	}
}

func TestAFloodOfQuestionsIsNotAnsweredInFull(t *testing.T) {
	e := feed(10, 3, strings.Repeat("\x1b[c\x1b[6n\x1b[>c", 100_000))
	if n := len(e.TakeReply()); n == 0 || n > maxReply {
		t.Errorf("the reply has %d bytes, want some, at most %d", n, maxReply)
	}
}

func TestLinksAreKeptOnlyWhereTheyCanBeOpened(t *testing.T) {
	tests := []struct{ name, uri, want string }{
		{"a web address", "https://example.com/a?b=c", "https://example.com/a?b=c"},
		{"in upper case", "HTTP://EXAMPLE.COM", "HTTP://EXAMPLE.COM"},
		{"mail", "mailto:a@example.com", "mailto:a@example.com"},
		{"a file", "file:///etc/passwd", ""},
		{"a script", "javascript:alert(1)", ""},
		{"with a space", "https://example.com/ x", ""},
		{"too long", "https://example.com/" + strings.Repeat("x", maxURISize), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := feed(10, 3, "\x1b]8;id=1;"+tt.uri+"\x1b\\X\x1b]8;;\x1b\\Y")
			cells := e.Line(0).Cells
			if got := e.Link(cells[0]); got != tt.want {
				t.Errorf("X links to %q, want %q", got, tt.want)
			}
			if got := e.Link(cells[1]); got != "" {
				t.Errorf("Y, after the link's end, links to %q", got)
			}
		})
	}
}
