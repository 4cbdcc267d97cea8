package vt

// csi is a control sequence while it is read: prefix, parameters, intermediate byte.
type csi struct {
	prefix       byte // '?', '>', '<', '=' or 0
	intermediate byte
	params       [maxParams]int32 // -1 where none was given
	sub          uint32           // bit i: parameter i was introduced by a colon
	n            int
	full         bool // more parameters than fit; the rest is dropped
}

const (
	maxParams = 32
	maxParam  = 65535
)

func (c *csi) reset() { c.prefix, c.intermediate, c.n, c.sub, c.full = 0, 0, 0, 0, false }

// push takes a digit or a separator.
func (c *csi) push(b byte) {
	if c.n == 0 {
		c.params[0], c.n = -1, 1
	}
	switch {
	case c.full:
	case b <= '9':
		v := max(c.params[c.n-1], 0)*10 + int32(b-'0')
		c.params[c.n-1] = min(v, maxParam)
	case c.n == maxParams:
		c.full = true
	default:
		if b == ':' {
			c.sub |= 1 << c.n
		}
		c.params[c.n] = -1
		c.n++
	}
}

// take takes any byte before the final one. It reports false for a sequence that is malformed or unknown for sure.
func (c *csi) take(b byte) bool {
	switch {
	case b < '0': // an intermediate; no sequence of two is known
		ok := c.intermediate == 0
		c.intermediate = b
		return ok
	case c.intermediate != 0: // a parameter must not follow an intermediate
		return false
	case b <= ';':
		c.push(b)
		return true
	}
	ok := c.n == 0 && c.prefix == 0
	c.prefix = b
	return ok
}

// arg returns parameter i, or def where it is absent or zero.
func (c *csi) arg(i, def int) int {
	if i >= c.n || c.params[i] <= 0 {
		return def
	}
	return int(c.params[i])
}

// isSub reports whether parameter i exists and follows a colon.
func (c *csi) isSub(i int) bool { return i < c.n && c.sub>>i&1 != 0 }

// dispatchCSI executes the control sequence that ends in final.
func (e *Emulator) dispatchCSI(final byte) {
	c := &e.parser.csi
	switch {
	case c.intermediate != 0:
		e.dispatchIntermediate(final)
	case c.prefix == '?':
		e.dispatchPrivate(final)
	case c.prefix == '>':
		if final == 'c' {
			e.answerDA2()
		}
	case c.prefix != 0:
	case final == 'm':
		e.sgr()
	default:
		if !e.moveCursor(final) && !e.edit(final) {
			e.setUp(final)
		}
	}
}

// moveCursor executes the sequences that move the cursor.
func (e *Emulator) moveCursor(final byte) bool {
	c := &e.parser.csi
	n := c.arg(0, 1)
	cur := &e.active.cur
	switch final {
	case 'A': // CUU
		e.moveBy(-n)
	case 'B', 'e': // CUD, VPR
		e.moveBy(n)
	case 'C', 'a': // CUF, HPR
		e.moveAcross(n)
	case 'D': // CUB
		e.moveAcross(-n)
	case 'E': // CNL
		e.moveBy(n)
		cur.x = 0
	case 'F': // CPL
		e.moveBy(-n)
		cur.x = 0
	case 'G', '`': // CHA, HPA
		e.moveAcross(n - 1 - cur.x)
	case 'd': // VPA
		e.moveTo(cur.x, n-1)
	case 'H', 'f': // CUP, HVP
		e.moveTo(c.arg(1, 1)-1, n-1)
	case 'I': // CHT
		e.nextTab(n)
	case 'Z': // CBT
		e.previousTab(n)
	default:
		return false
	}
	return true
}

// edit executes the sequences that change cells.
func (e *Emulator) edit(final byte) bool {
	c := &e.parser.csi
	n := c.arg(0, 1)
	s := e.active
	switch final {
	case 'J':
		e.eraseDisplay(c.arg(0, 0))
	case 'K':
		e.eraseLine(c.arg(0, 0))
	case 'L', 'M': // IL, DL
		if s.cur.y < s.top || s.cur.y > s.bottom {
			break
		}
		if final == 'L' {
			e.scrollDown(s.cur.y, s.bottom, n)
		} else {
			e.deleteRows(s.cur.y, s.bottom, n)
		}
		s.cur.x, s.cur.wrapNext = 0, false
	case '@': // ICH
		l := e.touch()
		l.insert(s.cur.x, n, e.blank())
	case 'P': // DCH
		l := e.touch()
		l.remove(s.cur.x, n, e.blank())
	case 'X': // ECH
		s.cur.wrapNext = false
		e.erase(s.cur.y, s.cur.x, min(s.cur.x+n, e.cols))
	case 'S': // SU
		e.scrollUp(s.top, s.bottom, n)
	case 'T': // SD; with more parameters it is a mouse sequence of another age
		if c.n <= 1 {
			e.scrollDown(s.top, s.bottom, n)
		}
	case 'b': // REP
		e.repeat(n)
	default:
		return false
	}
	return true
}

// touch returns the cursor's line, marked as changed, for a sequence that also ends a pending wrap.
func (e *Emulator) touch() *Line {
	cur := &e.active.cur
	cur.wrapNext = false
	l := e.active.rows[cur.y]
	l.gen = e.gen
	return l
}

// repeat is REP. A screen full is the most that can be seen of it.
func (e *Emulator) repeat(n int) {
	if e.last == 0 {
		return
	}
	for range min(n, e.cols*e.rows) {
		e.print(e.last)
	}
}

func (e *Emulator) eraseDisplay(what int) {
	cur := &e.active.cur
	switch what {
	case 0:
		e.eraseLine(0)
		e.eraseRows(cur.y+1, e.rows)
	case 1:
		e.eraseRows(0, cur.y)
		e.eraseLine(1)
	case 2:
		e.eraseRows(0, e.rows)
	case 3:
		e.history.clear()
	}
	cur.wrapNext = false
}

func (e *Emulator) eraseLine(what int) {
	cur := &e.active.cur
	switch what {
	case 0:
		e.erase(cur.y, cur.x, e.cols)
	case 1:
		e.erase(cur.y, 0, cur.x+1)
	case 2:
		e.erase(cur.y, 0, e.cols)
	}
	cur.wrapNext = false
}

// setUp executes the sequences that set tab stops, modes and margins, save the cursor, or ask something.
func (e *Emulator) setUp(final byte) {
	c := &e.parser.csi
	switch final {
	case 'g': // TBC
		switch c.arg(0, 0) {
		case 0:
			e.tabs[e.active.cur.x] = false
		case 3:
			clear(e.tabs)
		}
	case 'h', 'l':
		for i := range c.n {
			e.setANSIMode(int(c.params[i]), final == 'h')
		}
	case 'r':
		e.setMargins(c.arg(0, 1)-1, c.arg(1, e.rows)-1)
	case 's':
		e.active.saved = e.active.cur
	case 'u':
		e.restoreCursor()
	case 'c': // DA1
		if c.arg(0, 0) == 0 {
			e.answerDA1()
		}
	case 'n': // DSR
		e.answerStatus(c.arg(0, 0), "")
	case 't':
		e.answerWindow(c.arg(0, 0))
	}
}

// setMargins is DECSTBM, rows from 0. A region of less than two rows is refused.
func (e *Emulator) setMargins(top, bottom int) {
	bottom = min(bottom, e.rows-1)
	if top >= bottom {
		return
	}
	e.active.top, e.active.bottom = top, bottom
	e.moveTo(0, 0)
}

// dispatchPrivate executes sequences with '?'.
func (e *Emulator) dispatchPrivate(final byte) {
	c := &e.parser.csi
	switch final {
	case 'h', 'l':
		for i := range c.n {
			e.setPrivateMode(int(c.params[i]), final == 'h')
		}
	case 'J': // DECSED and DECSEL: without protected cells they are ED and EL
		e.eraseDisplay(c.arg(0, 0))
	case 'K':
		e.eraseLine(c.arg(0, 0))
	case 'n':
		e.answerStatus(c.arg(0, 0), "?")
	}
}

// dispatchIntermediate executes sequences with an intermediate byte.
func (e *Emulator) dispatchIntermediate(final byte) {
	c := &e.parser.csi
	switch {
	case c.intermediate == ' ' && final == 'q' && c.prefix == 0: // DECSCUSR
		e.shape = cursorShape(c.arg(0, 0))
	case c.intermediate == '!' && final == 'p' && c.prefix == 0: // DECSTR
		e.softReset()
	case c.intermediate == '$' && final == 'p' && c.prefix == '?': // DECRQM
		e.answerMode(c.arg(0, 0))
	}
}

func cursorShape(n int) CursorShape {
	switch n {
	case 3, 4:
		return CursorUnderline
	case 5, 6:
		return CursorBar
	}
	return CursorBlock
}
