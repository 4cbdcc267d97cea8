package vt

// screen is the main or the alternate screen.
type screen struct {
	rows        []*Line
	cur, saved  cursor
	top, bottom int // the scroll region, both inclusive
}

// cursor is what DECSC saves.
type cursor struct {
	x, y int
	pen  Cell // colours, attributes and link of what is written next; Ch is 0
	// wrapNext says that the last column was just written: the next character goes to the next line first.
	wrapNext bool
	origin   bool    // DECOM
	charsets [4]byte // final bytes of the designated sets, 0 for ASCII
	gl       int     // which of them is in use
}

func newScreen(cols, rows int, gen uint64) screen {
	s := screen{rows: make([]*Line, rows), bottom: rows - 1}
	for y := range s.rows {
		s.rows[y] = &Line{Cells: make([]Cell, cols), gen: gen}
	}
	return s
}

// blank is what erasing leaves: nothing, in the background colour of the pen.
func (e *Emulator) blank() Cell { return Cell{BG: e.active.cur.pen.BG} }

// erase blanks columns a up to b of row y.
func (e *Emulator) erase(y, a, b int) {
	l := e.active.rows[y]
	l.fill(a, b, e.blank())
	l.gen = e.gen
	if b == e.cols {
		l.Wrapped = false
	}
}

// eraseRows blanks rows from a up to b.
func (e *Emulator) eraseRows(a, b int) {
	for _, l := range e.active.rows[a:b] {
		l.reset(e.blank())
		l.gen = e.gen
	}
}

// scrollUp moves rows top to bottom up by n. What leaves the main screen at its very top goes to the history.
func (e *Emulator) scrollUp(top, bottom, n int) {
	s := e.active
	n = min(n, bottom-top+1)
	keep := top == 0 && s == &e.main
	for range n {
		l := s.rows[top]
		if keep {
			e.history.push(l, e.gen)
			e.scrolled++
		}
		copy(s.rows[top:bottom], s.rows[top+1:bottom+1])
		s.rows[bottom] = l
		e.eraseRows(bottom, bottom+1)
	}
}

// deleteRows is scrollUp without the history.
func (e *Emulator) deleteRows(top, bottom, n int) {
	s := e.active
	for range min(n, bottom-top+1) {
		l := s.rows[top]
		copy(s.rows[top:bottom], s.rows[top+1:bottom+1])
		s.rows[bottom] = l
		e.eraseRows(bottom, bottom+1)
	}
}

// scrollDown moves rows top to bottom down by n.
func (e *Emulator) scrollDown(top, bottom, n int) {
	s := e.active
	for range min(n, bottom-top+1) {
		l := s.rows[bottom]
		copy(s.rows[top+1:bottom+1], s.rows[top:bottom])
		s.rows[top] = l
		e.eraseRows(top, top+1)
	}
}

// index moves the cursor down a line and scrolls at the bottom of the region.
func (e *Emulator) index() {
	s := e.active
	switch {
	case s.cur.y == s.bottom:
		e.scrollUp(s.top, s.bottom, 1)
	case s.cur.y < e.rows-1:
		s.cur.y++
	}
}

// reverseIndex moves the cursor up a line and scrolls at the top of the region.
func (e *Emulator) reverseIndex() {
	s := e.active
	switch {
	case s.cur.y == s.top:
		e.scrollDown(s.top, s.bottom, 1)
	case s.cur.y > 0:
		s.cur.y--
	}
}

// moveTo puts the cursor at column x of row y, both from 0; with origin mode y counts from the scroll region's top.
func (e *Emulator) moveTo(x, y int) {
	s := e.active
	lo, hi := 0, e.rows-1
	if s.cur.origin {
		lo, hi = s.top, s.bottom
	}
	s.cur.x = clamp(x, 0, e.cols-1)
	s.cur.y = clamp(y+lo, lo, hi)
	s.cur.wrapNext = false
}

// moveBy moves the cursor by dy rows; a scroll region holds a cursor that starts inside it.
func (e *Emulator) moveBy(dy int) {
	s := e.active
	lo, hi := 0, e.rows-1
	if s.cur.y >= s.top {
		lo = s.top
	}
	if s.cur.y <= s.bottom {
		hi = s.bottom
	}
	s.cur.y = clamp(s.cur.y+dy, lo, hi)
	s.cur.wrapNext = false
}

// moveAcross moves the cursor by dx columns.
func (e *Emulator) moveAcross(dx int) {
	c := &e.active.cur
	c.x = clamp(c.x+dx, 0, e.cols-1)
	c.wrapNext = false
}

// nextTab moves the cursor right by n tab stops.
func (e *Emulator) nextTab(n int) {
	c := &e.active.cur
	for ; n > 0 && c.x < e.cols-1; n-- {
		for c.x++; c.x < e.cols-1 && !e.tabs[c.x]; c.x++ {
		}
	}
}

// previousTab moves the cursor left by n tab stops.
func (e *Emulator) previousTab(n int) {
	c := &e.active.cur
	c.wrapNext = false
	for ; n > 0 && c.x > 0; n-- {
		for c.x--; c.x > 0 && !e.tabs[c.x]; c.x-- {
		}
	}
}

// touchAll marks every row as changed, for a switch of screens or of a colour that all share.
func (e *Emulator) touchAll() {
	for _, l := range e.active.rows {
		l.gen = e.gen
	}
}
