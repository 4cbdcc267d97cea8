package glyph

import (
	"encoding/binary"
	"image"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// Row is what one row of the screen shows. Its slices are kept and reused by whoever fills it.
type Row struct {
	Cells  []vt.Cell
	Glyphs []*Glyph // of the cells, nil where there is none
	// Cursor is the column of the cursor, -1 for none.
	Cursor int
	Shape  vt.CursorShape
	Hollow bool // a block is drawn as an outline: the terminal has no focus
	// SelectFrom and SelectTo are the selected columns, the second exclusive.
	SelectFrom, SelectTo int
	// Reversed exchanges the colours of all cells.
	Reversed bool

	fg, bg []pixel
}

// Painter draws rows with the metrics of an atlas and a palette. It holds no state, so that rows can be drawn by several
// goroutines at once.
type Painter struct {
	metrics Metrics
	colors  *colors
}

// NewPainter makes a painter.
func NewPainter(m Metrics, p Palette) *Painter { return &Painter{metrics: m, colors: compile(p)} }

// Draw fills dst, as high as one cell and as wide as all cells of the row, with the row.
func (p *Painter) Draw(dst *image.RGBA, row *Row) {
	p.colorCells(row)
	p.drawGround(dst, row)
	for x := range row.Cells {
		c := &row.Cells[x]
		if g := row.Glyphs[x]; g != nil && c.Attr&vt.Conceal == 0 {
			blend(dst, x*p.metrics.Width, g, row.fg[x], row.bg[x])
		}
		if c.Attr&(vt.Underline|vt.Strike) != 0 {
			p.drawLines(dst, x, c.Attr, row.fg[x])
		}
	}
	p.drawCursor(dst, row)
}

// colorCells decides the colours of each cell, selection and block cursor included.
func (p *Painter) colorCells(row *Row) {
	row.fg, row.bg = resized(row.fg, len(row.Cells)), resized(row.bg, len(row.Cells))
	for x := range row.Cells {
		row.fg[x], row.bg[x] = p.colors.of(&row.Cells[x], row.Reversed)
	}
	for x := max(row.SelectFrom, 0); x < min(row.SelectTo, len(row.Cells)); x++ {
		row.bg[x] = p.colors.selection
	}
	if row.Shape != vt.CursorBlock || row.Hollow || row.Cursor < 0 {
		return
	}
	for x := row.Cursor; x < min(row.Cursor+p.cursorWidth(row), len(row.Cells)); x++ {
		row.fg[x], row.bg[x] = p.colors.cursorText, p.colors.cursor
	}
}

// cursorWidth is 2 on a wide character.
func (p *Painter) cursorWidth(row *Row) int {
	if row.Cursor < len(row.Cells) && row.Cells[row.Cursor].Attr&vt.Wide != 0 {
		return 2
	}
	return 1
}

func resized(s []pixel, n int) []pixel {
	if cap(s) < n {
		return make([]pixel, n)
	}
	return s[:n]
}

// drawGround draws the background of all cells: one pixel row, copied down.
func (p *Painter) drawGround(dst *image.RGBA, row *Row) {
	first := dst.Pix[:dst.Rect.Dx()*4]
	w := p.metrics.Width * 4
	for x, c := range row.bg {
		cell := first[x*w : (x+1)*w]
		for len(cell) >= 4 {
			binary.LittleEndian.PutUint32(cell, uint32(c))
			cell = cell[4:]
		}
	}
	for y := 1; y < p.metrics.Height; y++ {
		copy(dst.Pix[y*dst.Stride:], first)
	}
}

// blend draws a glyph in colour fg at pixel column left onto a ground of colour bg.
func blend(dst *image.RGBA, left int, g *Glyph, fg, bg pixel) {
	for y, e := range g.extent {
		if e.to <= e.from {
			continue
		}
		mask := g.mask[y*g.width+int(e.from) : y*g.width+int(e.to)]
		at := y*dst.Stride + (left+int(e.from))*4
		out := dst.Pix[at : at+len(mask)*4]
		for i, alpha := range mask {
			switch alpha {
			case 0:
			case 255:
				binary.LittleEndian.PutUint32(out[i*4:], uint32(fg))
			default:
				weight := uint32(alpha) + uint32(alpha>>7)
				binary.LittleEndian.PutUint32(out[i*4:], uint32(mix(bg, fg, weight)))
			}
		}
	}
}

// drawLines draws what lies under or through a cell.
func (p *Painter) drawLines(dst *image.RGBA, x int, attr vt.Attr, c pixel) {
	m := p.metrics
	left, right := x*m.Width, (x+1)*m.Width
	line := func(y int) {
		y = min(y, m.Height-m.Line)
		fill(dst, image.Rect(left, y, right, y+m.Line), c)
	}
	under := m.Baseline + max(1, (m.Height-m.Baseline-m.Line)/2)
	switch {
	case attr&vt.CurlyUnderline != 0:
		for px := left; px < right; px++ {
			y := min(under+wave(px, m.Width)*m.Line, m.Height-m.Line)
			fill(dst, image.Rect(px, y, px+1, y+m.Line), c)
		}
	case attr&vt.DoubleUnderline != 0:
		line(m.Height - m.Line)
		line(m.Height - 3*m.Line)
	case attr&vt.Underline != 0:
		line(under)
	}
	if attr&vt.Strike != 0 {
		line(m.Baseline - m.Height*2/9)
	}
}

// wave is a zigzag of period width with values -1, 0, 1.
func wave(x, width int) int {
	switch phase := x % width * 4 / width; phase {
	case 0, 2:
		return 0
	case 1:
		return -1
	}
	return 1
}

// drawCursor draws the cursors that are not a filled block.
func (p *Painter) drawCursor(dst *image.RGBA, row *Row) {
	if row.Cursor < 0 || row.Cursor >= len(row.Cells) {
		return
	}
	m := p.metrics
	left, right := row.Cursor*m.Width, (row.Cursor+p.cursorWidth(row))*m.Width
	c := p.colors.cursor
	switch {
	case row.Hollow && row.Shape == vt.CursorBlock:
		fill(dst, image.Rect(left, 0, right, m.Line), c)
		fill(dst, image.Rect(left, m.Height-m.Line, right, m.Height), c)
		fill(dst, image.Rect(left, 0, left+m.Line, m.Height), c)
		fill(dst, image.Rect(right-m.Line, 0, right, m.Height), c)
	case row.Shape == vt.CursorUnderline:
		fill(dst, image.Rect(left, m.Height-2*m.Line, right, m.Height), c)
	case row.Shape == vt.CursorBar:
		fill(dst, image.Rect(left, 0, left+2*m.Line, m.Height), c)
	}
}

// fill fills a rectangle, as far as it lies in the image.
func fill(dst *image.RGBA, r image.Rectangle, c pixel) {
	r = r.Intersect(dst.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		at := y * dst.Stride
		for x := r.Min.X; x < r.Max.X; x++ {
			binary.LittleEndian.PutUint32(dst.Pix[at+x*4:], uint32(c))
		}
	}
}
