package vt

// reflow wraps the lines of the main screen and of the history anew for a width of cols. What is at the top of the
// screen stays there unless the cursor would fall off the bottom.
func (e *Emulator) reflow(cols int) {
	r := rewrap{cols: cols, gen: e.gen, top: nowhere, cursor: nowhere, saved: nowhere}
	old := e.mainLines()
	for i := 0; i < len(old); {
		n := 1
		for old[i+n-1].Wrapped && i+n < len(old) {
			n++
		}
		r.begin()
		for k, l := range old[i : i+n] {
			e.markRow(&r, i+k-e.history.len())
			r.join(l, e.cols, old[i+k+1:i+n])
		}
		r.end()
		i += n
	}
	e.rebuild(&r)
}

// markRow notes what is in row y of the main screen, which is joined next.
func (e *Emulator) markRow(r *rewrap, y int) {
	s := &e.main
	if y == 0 {
		r.top = r.mark(0)
	}
	if y == s.cur.y {
		r.cursor = r.mark(s.cur.column())
	}
	if y == s.saved.y {
		r.saved = r.mark(s.saved.column())
	}
}

// column returns where the cursor's next character goes: one more than its place where it waits to wrap.
func (c *cursor) column() int {
	if c.wrapNext {
		return c.x + 1
	}
	return c.x
}

// mainLines returns the lines of history and main screen that are to be wrapped anew: not the empty rows below both
// text and cursor.
func (e *Emulator) mainLines() []*Line {
	rows := e.main.rows
	for len(rows)-1 > e.main.cur.y && rows[len(rows)-1].used() == 0 {
		rows = rows[:len(rows)-1]
	}
	lines := make([]*Line, 0, e.history.len()+len(rows))
	for i := range e.history.len() {
		lines = append(lines, e.history.at(i))
	}
	return append(lines, rows...)
}

// rebuild shares the lines out to history and screen.
func (e *Emulator) rebuild(r *rewrap) {
	s := &e.main
	cursorY := r.cursor.line
	top := max(r.top.line, min(cursorY, len(r.lines)-len(s.rows)))
	e.scrolled = e.scrolled - uint64(e.history.len()) + uint64(top)
	e.history.clear()
	e.history.ring = r.lines[max(0, top-max(e.history.limit, 0)):top:top]
	for y := range s.rows {
		l := &Line{}
		if top+y < len(r.lines) {
			l = r.lines[top+y]
		}
		l.resize(r.cols)
		l.gen = e.gen
		s.rows[y] = l
	}
	s.place(&s.cur, r.cursor, top, r.cols)
	if r.saved != nowhere {
		s.place(&s.saved, r.saved, top, r.cols)
	}
}

// place puts a cursor at a place in the new lines, of which line top is the first on the screen.
func (s *screen) place(c *cursor, p position, top, cols int) {
	c.y = clamp(p.line-top, 0, len(s.rows)-1)
	c.x = min(p.offset, cols-1)
	c.wrapNext = p.offset == cols && s.rows[c.y].Cells[cols-1] != (Cell{})
}

// position is a place in the new lines: while its text is still being joined, an offset into that; afterwards a line
// and a column, which may lie beyond the line's end.
type position struct{ line, offset int }

// nowhere is the place of what is not in the lines.
var nowhere = position{line: -1}

// rewrap joins old lines into text without line breaks and cuts that into new lines.
type rewrap struct {
	cols  int
	gen   uint64
	lines []*Line
	text  []Cell
	from  int // the first new line of the text under way
	top   position
	// The cursors' places, beyond a line's end where they stood on free columns.
	cursor, saved position
}

func (r *rewrap) begin() {
	r.text, r.from = r.text[:0], len(r.lines)
}

// mark returns the place at column x of the line that is joined next; end turns it into a line and a column.
func (r *rewrap) mark(x int) position { return position{line: r.from, offset: len(r.text) + x} }

// join adds the cells of an old line of width cols; rest are the lines that it wraps into.
func (r *rewrap) join(l *Line, cols int, rest []*Line) {
	if len(rest) == 0 {
		n := l.used()
		for n > 0 && l.Cells[n-1].Ch == 0 && l.Cells[n-1].Attr&Tail == 0 {
			n-- // colour behind the text's end is not worth a line of its own
		}
		r.text = append(r.text, l.Cells[:n]...)
		return
	}
	n := min(len(l.Cells), cols)
	r.text = append(r.text, l.Cells[:n]...)
	r.text = append(r.text, make([]Cell, cols-n)...)
	if leavesGap(l, rest[0], cols) {
		r.text = r.text[:len(r.text)-1]
	}
}

// end cuts the text into lines and finds the marks in them.
func (r *rewrap) end() {
	starts := []int{}
	for at := 0; at < len(r.text) || len(starts) == 0; {
		n := min(r.cols, len(r.text)-at)
		if at+n < len(r.text) && r.text[at+n].Attr&Tail != 0 {
			n--
		}
		if n == 0 && at < len(r.text) { // a wide character on a screen of one column
			clear(r.text[at : at+2])
			n = 1
		}
		starts = append(starts, at)
		l := &Line{Cells: append([]Cell(nil), r.text[at:at+n]...), high: n, gen: r.gen}
		at += n
		l.Wrapped = at < len(r.text)
		r.lines = append(r.lines, l)
	}
	for _, p := range []*position{&r.top, &r.cursor, &r.saved} {
		if p.line != r.from {
			continue
		}
		for i := len(starts) - 1; i >= 0; i-- {
			if p.offset >= starts[i] {
				p.line, p.offset = r.from+i, p.offset-starts[i]
				break
			}
		}
	}
}
