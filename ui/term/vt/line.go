package vt

// Line is one row of the screen or of the history. Cells may be shorter than the screen is wide: the rest is blank.
// A Line belongs to its Emulator and is valid until the next Write or Resize.
type Line struct {
	Cells []Cell
	// Wrapped says that the text goes on in the next line without a line break.
	Wrapped bool
	gen     uint64
	high    int // cells from here on are blank in the default colours; those before may be
}

// Generation changes whenever the line's contents do. Two looks at the same row show the same cells if both the
// pointer and the generation are the same.
func (l *Line) Generation() uint64 { return l.gen }

// used returns the number of cells up to the last that is not blank in the default colours.
func (l *Line) used() int {
	n := l.high
	for n > 0 && l.Cells[n-1] == (Cell{}) {
		n--
	}
	l.high = n
	return n
}

// reset blanks the whole line in the colours of c. Most of a line was never written, and need not be cleared.
func (l *Line) reset(c Cell) {
	clear(l.Cells[:l.high])
	l.high, l.Wrapped = 0, false
	if c != (Cell{}) {
		l.fill(0, len(l.Cells), c)
	}
}

// fill writes c into the cells from a up to b. A wide character that loses one half loses the other as well.
func (l *Line) fill(a, b int, c Cell) {
	if a >= b {
		return
	}
	l.split(a)
	l.split(b)
	cells := l.Cells[a:b]
	if c == (Cell{}) {
		clear(cells)
		return
	}
	l.high = max(l.high, b)
	for i := range cells {
		cells[i] = c
	}
}

// split blanks the wide character that lies across the border before column x, if there is one.
func (l *Line) split(x int) {
	if x <= 0 || x >= len(l.Cells) || l.Cells[x].Attr&Tail == 0 {
		return
	}
	for i := x - 1; i <= x; i++ {
		c := &l.Cells[i]
		c.Ch, c.Attr = 0, c.Attr&^(Wide|Tail|Cluster)
	}
}

// insert moves the cells from x on to the right by n and fills the gap with c.
func (l *Line) insert(x, n int, c Cell) {
	n = min(n, len(l.Cells)-x)
	l.split(x)
	l.high = len(l.Cells)
	copy(l.Cells[x+n:], l.Cells[x:])
	if last := &l.Cells[len(l.Cells)-1]; last.Attr&Wide != 0 {
		*last = c // its right half fell off the edge
	}
	cells := l.Cells[x : x+n]
	for i := range cells {
		cells[i] = c
	}
}

// remove deletes n cells at x, moves the rest to the left and fills the end with c.
func (l *Line) remove(x, n int, c Cell) {
	n = min(n, len(l.Cells)-x)
	l.split(x)
	l.split(x + n)
	l.high = len(l.Cells)
	copy(l.Cells[x:], l.Cells[x+n:])
	cells := l.Cells[len(l.Cells)-n:]
	for i := range cells {
		cells[i] = c
	}
}

// resize gives the line exactly cols cells.
func (l *Line) resize(cols int) {
	if cols <= len(l.Cells) {
		l.split(cols)
		l.Cells = l.Cells[:cols]
		l.high = min(l.high, cols)
		return
	}
	old := len(l.Cells)
	if cols <= cap(l.Cells) {
		l.Cells = l.Cells[:cols]
		clear(l.Cells[old:])
		return
	}
	cells := make([]Cell, cols)
	copy(cells, l.Cells)
	l.Cells = cells
}
