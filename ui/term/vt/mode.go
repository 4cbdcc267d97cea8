package vt

// Modes are the switches that the shell sets. The exported ones concern whoever paints, types or clicks.
type Modes struct {
	AppCursor       bool // DECCKM: arrow keys send SS3
	ReverseScreen   bool // DECSCNM: default colours exchanged
	ShowCursor      bool // DECTCEM
	Alternate       bool // the alternate screen is shown
	AlternateScroll bool // 1007: the wheel sends arrow keys on the alternate screen
	BracketedPaste  bool // 2004
	FocusEvents     bool // 1004
	Synchronized    bool // 2026: an update is under way, do not paint yet
	Mouse           MouseMode
	MouseSGR        bool // 1006
	Insert          bool // IRM

	autowrap    bool // DECAWM
	newLine     bool // LNM
	cursorBlink bool // 12; kept because it can be asked for
}

// MouseMode says which mouse events the shell wants.
type MouseMode uint8

// From fewer events to more.
const (
	MouseOff    MouseMode = iota
	MousePress            // 9: presses, without modifiers
	MouseClick            // 1000: presses and releases
	MouseDrag             // 1002: and motion while a button is held
	MouseMotion           // 1003: and all other motion
)

func defaultModes() Modes {
	return Modes{ShowCursor: true, AlternateScroll: true, autowrap: true}
}

func (e *Emulator) setANSIMode(mode int, on bool) {
	switch mode {
	case 4:
		e.modes.Insert = on
	case 20:
		e.modes.newLine = on
	}
}

// flag returns the switch of a private mode that is no more than a switch, or nil.
func (e *Emulator) flag(mode int) *bool {
	m := &e.modes
	switch mode {
	case 1:
		return &m.AppCursor
	case 5:
		return &m.ReverseScreen
	case 6:
		return &e.active.cur.origin
	case 7:
		return &m.autowrap
	case 12:
		return &m.cursorBlink
	case 25:
		return &m.ShowCursor
	case 1004:
		return &m.FocusEvents
	case 1006:
		return &m.MouseSGR
	case 1007:
		return &m.AlternateScroll
	case 2004:
		return &m.BracketedPaste
	case 2026:
		return &m.Synchronized
	}
	return nil
}

// mouseModes maps the private modes for mouse reports.
var mouseModes = map[int]MouseMode{9: MousePress, 1000: MouseClick, 1002: MouseDrag, 1003: MouseMotion}

func (e *Emulator) setPrivateMode(mode int, on bool) {
	if f := e.flag(mode); f != nil {
		*f = on
		switch mode {
		case 5:
			e.touchAll()
		case 6:
			e.moveTo(0, 0)
		}
		return
	}
	if m, ok := mouseModes[mode]; ok {
		e.modes.Mouse = MouseOff
		if on {
			e.modes.Mouse = m
		}
		return
	}
	switch mode {
	case 47, 1047:
		e.showAlternate(on, false)
	case 1048:
		if on {
			e.active.saved = e.active.cur
		} else {
			e.restoreCursor()
		}
	case 1049:
		e.showAlternate(on, true)
	}
}

// showAlternate changes the screen; with 1049 the main screen's cursor is saved before and restored afterwards. The
// alternate screen begins empty.
func (e *Emulator) showAlternate(on, saveCursor bool) {
	if on == e.modes.Alternate {
		return
	}
	cur := e.active.cur
	e.modes.Alternate = on
	if on {
		if saveCursor {
			e.main.saved = cur
		}
		e.active = &e.alt
		e.alt.cur = cur
		e.eraseRows(0, e.rows)
	} else {
		e.active = &e.main
		e.main.cur = cur
		if saveCursor {
			e.restoreCursor()
		}
	}
	e.touchAll()
}
