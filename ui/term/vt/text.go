package vt

import "strings"

// String returns the text of the screen, one line for each row, without blanks at the ends of lines.
func (e *Emulator) String() string {
	var b strings.Builder
	for y := range e.rows {
		if y > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.lineText(e.active.rows[y], 0, e.cols, true))
	}
	return b.String()
}

// Between returns the text from column x0 of line y0 up to before column x1 of line y1, lines counted as by Line. Lines
// that only wrapped are joined again.
func (e *Emulator) Between(x0, y0, x1, y1 int) string {
	var b strings.Builder
	for y := y0; y <= y1; y++ {
		l := e.Line(y)
		if l == nil {
			continue
		}
		from, to := 0, e.cols
		if y == y0 {
			from = x0
		}
		if y == y1 {
			to = x1
		} else if l.Wrapped && leavesGap(l, e.Line(y+1), e.cols) {
			to--
		}
		b.WriteString(e.lineText(l, from, to, !l.Wrapped || y == y1))
		if y < y1 && !l.Wrapped {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// leavesGap reports whether the last of cols columns of l is free only because the wide character that begins the next
// line did not fit.
func leavesGap(l, next *Line, cols int) bool {
	free := len(l.Cells) < cols || l.Cells[cols-1].Ch == 0 && l.Cells[cols-1].Attr&Tail == 0
	return free && next != nil && len(next.Cells) > 0 && next.Cells[0].Attr&Wide != 0
}

// lineText returns the text of columns from up to to, where trim without the blanks at its end.
func (e *Emulator) lineText(l *Line, from, to int, trim bool) string {
	var b strings.Builder
	for x := max(from, 0); x < min(to, len(l.Cells)); x++ {
		switch c := l.Cells[x]; {
		case c.Attr&Tail != 0:
		case c.Attr&Conceal != 0 || c.Ch == 0:
			b.WriteByte(' ')
		default:
			b.WriteString(e.Text(c))
		}
	}
	if trim {
		return strings.TrimRight(b.String(), " ")
	}
	return b.String()
}
