package vt

import "fmt"

// answerDA1 claims a VT220 with colour (22), and nothing that is not there: whoever reads VT420 uses margins on the
// left and right.
func (e *Emulator) answerDA1() { e.answer("\x1b[?62;22c") }

// answerDA2 says VT220, firmware 10, no cartridge.
func (e *Emulator) answerDA2() { e.answer("\x1b[>1;10;0c") }

// answerStatus is DSR: 5 asks whether all is well, 6 where the cursor is.
func (e *Emulator) answerStatus(what int, prefix string) {
	switch {
	case what == 5 && prefix == "":
		e.answer("\x1b[0n")
	case what == 6:
		s := e.active
		y := s.cur.y
		if s.cur.origin {
			y -= s.top
		}
		e.answer(fmt.Sprintf("\x1b[%s%d;%dR", prefix, y+1, s.cur.x+1))
	}
}

// answerWindow answers the one question of XTWINOPS that gives nothing away: how many rows and columns there are. It
// never answers with the title, which the other side may have chosen to look like a command.
func (e *Emulator) answerWindow(what int) {
	if what == 18 {
		e.answer(fmt.Sprintf("\x1b[8;%d;%dt", e.rows, e.cols))
	}
}

// answerMode is DECRQM for a private mode: 1 set, 2 reset, 0 unknown.
func (e *Emulator) answerMode(mode int) {
	state := 0
	if on, known := e.privateMode(mode); known {
		state = 2
		if on {
			state = 1
		}
	}
	e.answer(fmt.Sprintf("\x1b[?%d;%d$y", mode, state))
}

func (e *Emulator) privateMode(mode int) (on, known bool) {
	if f := e.flag(mode); f != nil {
		return *f, true
	}
	if m, ok := mouseModes[mode]; ok {
		return e.modes.Mouse == m, true
	}
	switch mode {
	case 47, 1047, 1049:
		return e.modes.Alternate, true
	}
	return false, false
}

// SetDefaultColors tells the emulator what the default colours look like, for those who ask in order to choose theirs.
// Both are as RGB makes them.
func (e *Emulator) SetDefaultColors(fg, bg Color) { e.fg, e.bg = fg, bg }

// answerColor answers OSC 10 and 11 with a question mark: the default text colour and its ground.
func (e *Emulator) answerColor(n int) {
	c := e.fg
	if n == 11 {
		c = e.bg
	}
	if r, g, b, ok := c.RGB(); ok {
		const wide = 0x101 // xterm answers with 16 bits for each
		e.answer(fmt.Sprintf("\x1b]%d;rgb:%04x/%04x/%04x\x1b\\", n, int(r)*wide, int(g)*wide, int(b)*wide))
	}
}
