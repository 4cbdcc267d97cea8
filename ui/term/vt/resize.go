package vt

// Resize changes the size of the screen. Lines of the main screen and the history are wrapped anew; rows that no longer
// fit above the cursor go to the history and come back when there is room. The alternate screen is cut or padded: what
// runs there draws itself again.
func (e *Emulator) Resize(cols, rows int) {
	cols, rows = clamp(cols, 1, MaxCols), clamp(rows, 1, MaxRows)
	if cols == e.cols && rows == e.rows {
		return
	}
	e.gen++
	if cols != e.cols {
		e.reflow(cols)
	}
	e.resizeRows(&e.main, rows, true)
	e.resizeRows(&e.alt, rows, false)
	e.rows = rows
	for _, s := range []*screen{&e.main, &e.alt} {
		for y, l := range s.rows {
			if l == nil {
				l = &Line{Cells: make([]Cell, cols)}
				s.rows[y] = l
			}
			l.resize(cols)
			l.gen = e.gen
		}
		s.top, s.bottom = 0, rows-1
		s.cur.x = min(s.cur.x, cols-1)
		s.cur.wrapNext = s.cur.wrapNext && s.cur.x == cols-1
	}
	old := len(e.tabs)
	e.tabs = append(e.tabs[:min(old, cols)], make([]bool, max(cols-old, 0))...)
	for x := old; x < cols; x++ {
		e.tabs[x] = x%8 == 0
	}
	e.cols = cols
}

// resizeRows gives s the number of rows, nil where they are new.
func (e *Emulator) resizeRows(s *screen, rows int, keep bool) {
	for len(s.rows) > rows && s.cur.y < len(s.rows)-1 && s.rows[len(s.rows)-1].used() == 0 {
		s.rows = s.rows[:len(s.rows)-1]
	}
	for len(s.rows) > rows {
		if s.cur.y == 0 { // the rest is below the cursor
			s.rows = s.rows[:rows]
			break
		}
		if keep {
			e.history.push(s.rows[0], e.gen)
			e.scrolled++
		}
		s.rows = s.rows[1:]
		s.cur.y--
		s.saved.y = max(s.saved.y-1, 0)
	}
	for keep && len(s.rows) < rows {
		l := e.history.pop()
		if l == nil {
			break
		}
		e.scrolled--
		s.rows = append([]*Line{l}, s.rows...)
		s.cur.y++
		s.saved.y++
	}
	for len(s.rows) < rows {
		s.rows = append(s.rows, nil)
	}
}
