package vt

import "testing"

func TestKeys(t *testing.T) {
	app := Modes{AppCursor: true}
	tests := []struct {
		name  string
		modes Modes
		key   Key
		mod   Mod
		want  string
	}{
		{"an arrow", Modes{}, KeyUp, 0, "\x1b[A"},
		{"an arrow in application mode", app, KeyLeft, 0, "\x1bOD"},
		{"an arrow with Ctrl, in any mode", app, KeyRight, Ctrl, "\x1b[1;5C"},
		{"Home in application mode", app, KeyHome, 0, "\x1bOH"},
		{"End with Shift and Alt", Modes{}, KeyEnd, Shift | Alt, "\x1b[1;4F"},
		{"F1 is never CSI", Modes{}, KeyF1, 0, "\x1bOP"},
		{"F4 with Shift", Modes{}, KeyF4, Shift, "\x1b[1;2S"},
		{"F5", Modes{}, KeyF5, 0, "\x1b[15~"},
		{"F12 with Ctrl", Modes{}, KeyF12, Ctrl, "\x1b[24;5~"},
		{"Delete", Modes{}, KeyDelete, 0, "\x1b[3~"},
		{"PageUp with Alt", Modes{}, KeyPageUp, Alt, "\x1b[5;3~"},
		{"Enter", Modes{}, KeyEnter, 0, "\r"},
		{"Enter with Alt", Modes{}, KeyEnter, Alt, "\x1b\r"},
		{"Tab", Modes{}, KeyTab, 0, "\t"},
		{"Tab with Shift", Modes{}, KeyTab, Shift, "\x1b[Z"},
		{"Backspace", Modes{}, KeyBackspace, 0, "\x7f"},
		{"Backspace with Ctrl", Modes{}, KeyBackspace, Ctrl, "\b"},
		{"Backspace with Alt", Modes{}, KeyBackspace, Alt, "\x1b\x7f"},
		{"Escape", Modes{}, KeyEscape, 0, "\x1b"},
	}
	for _, tt := range tests {
		if got := string(tt.modes.EncodeKey(tt.key, tt.mod)); got != tt.want {
			t.Errorf("%s sends %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCharactersWithModifiers(t *testing.T) {
	tests := []struct {
		r    rune
		mod  Mod
		want string
	}{
		{'a', 0, "a"}, {'ä', 0, "ä"}, {'a', Ctrl, "\x01"}, {'c', Ctrl, "\x03"}, {'z', Ctrl, "\x1a"}, {'[', Ctrl, "\x1b"},
		{' ', Ctrl, "\x00"}, {'/', Ctrl, "\x1f"}, {'2', Ctrl, "\x00"}, {'3', Ctrl, "\x1b"}, {'7', Ctrl, "\x1f"},
		{'8', Ctrl, "\x7f"}, {'b', Alt, "\x1bb"}, {'B', Alt | Shift, "\x1bB"}, {'c', Alt | Ctrl, "\x1b\x03"},
		{'ä', Ctrl, ""}, {'1', Ctrl, ""},
	}
	for _, tt := range tests {
		if got := string(EncodeRune(tt.r, tt.mod)); got != tt.want {
			t.Errorf("%q with modifiers %d sends %q, want %q", tt.r, tt.mod, got, tt.want)
		}
	}
}

func TestPasting(t *testing.T) {
	tests := []struct{ name, modes, text, want string }{
		{"line ends become returns", "", "a\nb\r\nc\rd", "a\rb\rc\rd"},
		{"a tab stays", "", "a\tb", "a\tb"},
		{"brackets when asked for", "\x1b[?2004h", "a", "\x1b[200~a\x1b[201~"},
		{"brackets cannot be closed from within", "\x1b[?2004h", "a\x1b[201~rm\n", "\x1b[200~a[201~rm\r\x1b[201~"},
		{"nor with an 8-bit control", "\x1b[?2004h", "a\u009b201~b", "\x1b[200~a201~b\x1b[201~"},
		{"controls are no keys", "", "a\x03\x04\x7fb", "ab"},
		{"broken text is left out", "", "a\xffb", "ab"},
		{"nothing is nothing", "\x1b[?2004h", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(feed(10, 3, tt.modes).Modes().EncodePaste(tt.text)); got != tt.want {
				t.Errorf("pasting %q sends %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestMouseReports(t *testing.T) {
	press := MouseEvent{Kind: Press, Button: ButtonLeft, X: 4, Y: 2}
	release := MouseEvent{Kind: Release, Button: ButtonLeft, X: 4, Y: 2}
	drag := MouseEvent{Kind: Move, Button: ButtonLeft, X: 4, Y: 2}
	hover := MouseEvent{Kind: Move, Button: ButtonNone, X: 4, Y: 2}
	tests := []struct {
		name, modes string
		event       MouseEvent
		want        string
	}{
		{"none without a mode", "", press, ""},
		{"a press in SGR form", "\x1b[?1000;1006h", press, "\x1b[<0;5;3M"},
		{"a release in SGR form", "\x1b[?1000;1006h", release, "\x1b[<0;5;3m"},
		{"a press in the old form", "\x1b[?1000h", press, "\x1b[M %#"},
		{"a release in the old form names no button", "\x1b[?1000h", release, "\x1b[M#%#"},
		{"no release in X10 mode", "\x1b[?9h", release, ""},
		{"no drag in click mode", "\x1b[?1000;1006h", drag, ""},
		{"a drag in drag mode", "\x1b[?1002;1006h", drag, "\x1b[<32;5;3M"},
		{"no hover in drag mode", "\x1b[?1002;1006h", hover, ""},
		{"a hover in motion mode", "\x1b[?1003;1006h", hover, "\x1b[<35;5;3M"},
		{"modifiers count", "\x1b[?1000;1006h", MouseEvent{Kind: Press, Button: WheelUp, Mod: Ctrl}, "\x1b[<80;1;1M"},
		{"far away there is no old form", "\x1b[?1000h", MouseEvent{Kind: Press, X: 300}, ""},
		{"far away there is an SGR form", "\x1b[?1000;1006h", MouseEvent{Kind: Press, X: 300}, "\x1b[<0;301;1M"},
		{"none after the mode's end", "\x1b[?1003h\x1b[?1003l", press, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(feed(10, 3, tt.modes).Modes().EncodeMouse(tt.event)); got != tt.want {
				t.Errorf("report is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFocusReports(t *testing.T) {
	on := feed(10, 3, "\x1b[?1004h").Modes()
	if got := string(on.EncodeFocus(true)) + string(on.EncodeFocus(false)); got != "\x1b[I\x1b[O" {
		t.Errorf("reports are %q, want CSI I and CSI O", got)
	}
	if got := (Modes{}).EncodeFocus(true); got != nil {
		t.Errorf("without the mode the report is %q, want none", got)
	}
}
