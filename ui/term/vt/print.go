package vt

// printASCII writes printable ASCII characters: the path that most bytes take.
func (e *Emulator) printASCII(p []byte) {
	cur := &e.active.cur
	if e.modes.Insert || !e.modes.autowrap || cur.charsets[cur.gl] == charsetGraphics {
		for _, b := range p {
			e.print(rune(b))
		}
		return
	}
	e.last = rune(p[len(p)-1])
	for len(p) > 0 {
		if cur.wrapNext {
			e.wrap()
		}
		n := min(e.cols-cur.x, len(p))
		e.writeRun(p[:n])
		p = p[n:]
	}
}

// writeRun writes ASCII characters that fit into the rest of the cursor's row.
func (e *Emulator) writeRun(p []byte) {
	cur := &e.active.cur
	l := e.active.rows[cur.y]
	l.gen = e.gen
	l.split(cur.x)
	l.split(cur.x + len(p))
	l.high = max(l.high, cur.x+len(p))
	cell := cur.pen
	cells := l.Cells[cur.x : cur.x+len(p)]
	for i, b := range p {
		cell.Ch = rune(b)
		cells[i] = cell
	}
	e.advance(len(p))
}

// advance moves the cursor right by n columns that were just written.
func (e *Emulator) advance(n int) {
	cur := &e.active.cur
	if cur.x += n; cur.x >= e.cols {
		cur.x = e.cols - 1
		cur.wrapNext = true
	}
}

// wrap continues on the next row.
func (e *Emulator) wrap() {
	cur := &e.active.cur
	e.active.rows[cur.y].Wrapped = true
	cur.x, cur.wrapNext = 0, false
	e.index()
}

// print writes one character.
func (e *Emulator) print(r rune) {
	cur := &e.active.cur
	if cur.charsets[cur.gl] == charsetGraphics {
		r = graphics(r)
	}
	w := Width(r)
	switch {
	case w == 0:
		e.combine(r)
		return
	case w > e.cols:
		return
	}
	if !e.makeRoom(w) {
		return
	}
	l := e.active.rows[cur.y]
	l.gen = e.gen
	if e.modes.Insert {
		l.insert(cur.x, w, Cell{})
	}
	l.split(cur.x)
	l.split(cur.x + w)
	l.high = max(l.high, cur.x+w)
	cell := cur.pen
	cell.Ch = r
	if w == 2 {
		cell.Attr |= Wide
		tail := cur.pen
		tail.Attr |= Tail
		l.Cells[cur.x+1] = tail
	}
	l.Cells[cur.x] = cell
	e.last = r
	e.advance(w)
}

// makeRoom wraps where a character of width w needs it. It reports false where the character finds no room: a wide one
// in the last column without autowrap.
func (e *Emulator) makeRoom(w int) bool {
	cur := &e.active.cur
	if cur.wrapNext {
		if e.modes.autowrap {
			e.wrap()
		}
		cur.wrapNext = false
	}
	if w == 2 && cur.x == e.cols-1 {
		if !e.modes.autowrap {
			return false
		}
		// The column that stays free still belongs to the line.
		e.erase(cur.y, cur.x, e.cols)
		e.wrap()
	}
	return true
}

// combine adds a character without width to the one before the cursor.
func (e *Emulator) combine(r rune) {
	cur := &e.active.cur
	x := cur.x
	if !cur.wrapNext {
		x--
	}
	l := e.active.rows[cur.y]
	if x > 0 && l.Cells[x].Attr&Tail != 0 {
		x--
	}
	if x < 0 || l.Cells[x].Ch == 0 || invisible(r) {
		return
	}
	if !e.join(&l.Cells[x], r) {
		return
	}
	l.gen = e.gen
}

const charsetGraphics = '0'

// graphics maps a character of the DEC special graphics set.
func graphics(r rune) rune {
	if r < '_' || r > '~' {
		return r
	}
	return decGraphics[r-'_']
}

// decGraphics is the DEC special character and line drawing set from '_' to '~' (VT220 manual, table 2-4).
var decGraphics = [...]rune{
	' ', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼',
	'⎺', '⎻', '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
}
