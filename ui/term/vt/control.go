package vt

// control executes a C0 control.
func (e *Emulator) control(b byte) {
	cur := &e.active.cur
	switch b {
	case '\b':
		e.moveAcross(-1)
	case '\t':
		e.nextTab(1)
	case '\n', '\v', '\f':
		cur.wrapNext = false
		e.index()
		if e.modes.newLine {
			cur.x = 0
		}
	case '\r':
		cur.x, cur.wrapNext = 0, false
	case 0x0e: // SO
		cur.gl = 1
	case 0x0f: // SI
		cur.gl = 0
	}
}

// dispatchEscape executes an ESC sequence.
func (e *Emulator) dispatchEscape(intermediate, final byte) {
	cur := &e.active.cur
	switch intermediate {
	case 0:
		e.dispatchPlainEscape(final)
	case '(', ')', '*', '+':
		cur.charsets[intermediate-'('] = final
	case '#':
		if final == '8' {
			e.alignmentTest()
		}
	}
}

func (e *Emulator) dispatchPlainEscape(final byte) {
	cur := &e.active.cur
	switch final {
	case '7': // DECSC
		e.active.saved = *cur
	case '8': // DECRC
		e.restoreCursor()
	case 'D': // IND
		cur.wrapNext = false
		e.index()
	case 'E': // NEL
		cur.x, cur.wrapNext = 0, false
		e.index()
	case 'M': // RI
		cur.wrapNext = false
		e.reverseIndex()
	case 'H': // HTS
		e.tabs[cur.x] = true
	case 'n': // LS2
		cur.gl = 2
	case 'o': // LS3
		cur.gl = 3
	case 'c': // RIS
		e.reset()
	}
}

// restoreCursor is DECRC. What was saved before a resize may lie outside.
func (e *Emulator) restoreCursor() {
	e.active.cur = e.active.saved
	cur := &e.active.cur
	cur.x, cur.y = min(cur.x, e.cols-1), min(cur.y, e.rows-1)
	if cur.x < e.cols-1 {
		cur.wrapNext = false
	}
}

// alignmentTest is DECALN: the screen full of E.
func (e *Emulator) alignmentTest() {
	s := e.active
	s.top, s.bottom = 0, e.rows-1
	e.moveTo(0, 0)
	for _, l := range s.rows {
		l.fill(0, e.cols, Cell{Ch: 'E'})
		l.gen, l.Wrapped = e.gen, false
	}
}

// softReset is DECSTR: modes, margins and pen as new, the screen as it is.
func (e *Emulator) softReset() {
	alternate, sync := e.modes.Alternate, e.modes.Synchronized
	e.modes = defaultModes()
	e.modes.Alternate, e.modes.Synchronized = alternate, sync
	s := e.active
	s.top, s.bottom = 0, e.rows-1
	s.cur = cursor{x: s.cur.x, y: s.cur.y}
	s.saved = cursor{}
	e.shape = CursorBlock
	e.touchAll()
}
