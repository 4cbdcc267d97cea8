package term

import (
	"strings"
	"time"
	"unicode"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// place is a border between two cells: before column x of line y, counted as vt.Emulator.Scrolled does, so that it
// stays where it is in the text while output scrolls.
type place struct{ x, y int }

func (p place) before(q place) bool { return p.y < q.y || p.y == q.y && p.x < q.x }

// selection is the selected text: from is before to. While the button is down it grows from what the click selected.
type selection struct {
	from, to           place
	anchorFrom, anchor place
	unit               int // 1 characters, 2 words, 3 lines
	active             bool
}

func (s *selection) clear() { *s = selection{} }

func (s *selection) empty() bool { return !s.from.before(s.to) }

// columns returns which of cols columns of a line are selected.
func (s *selection) columns(line, cols int) (from, to int) {
	if s.empty() || line < s.from.y || line > s.to.y {
		return 0, 0
	}
	from, to = 0, cols
	if line == s.from.y {
		from = s.from.x
	}
	if line == s.to.y {
		to = s.to.x
	}
	return from, to
}

// clicks counts clicks that follow each other at one place.
type clicks struct {
	count int
	at    time.Time
	place place
}

// doubleClick is the longest time between the clicks of a double click.
const doubleClick = 400 * time.Millisecond

func (c *clicks) click(now time.Time, p place) int {
	if p != c.place || now.Sub(c.at) > doubleClick || c.count == 3 {
		c.count = 0
	}
	c.count++
	c.at, c.place = now, p
	return c.count
}

// beginSelection starts a selection: by characters, on a double click by words, on a triple one by lines.
func (t *Terminal) beginSelection(pos fyne.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.placeLocked(pos, false)
	s := &t.selection
	s.unit = t.clicks.click(t.cfg.Now(), p)
	if s.unit == 1 {
		p = t.placeLocked(pos, true)
	}
	s.from, s.to = t.unitLocked(p)
	s.anchorFrom, s.anchor = s.from, s.to
	s.active = true
	t.repaint()
}

// extendSelection lets the selection reach to pos. Beyond the upper or lower edge it scrolls.
func (t *Terminal) extendSelection(pos fyne.Position) {
	if !t.selection.active {
		return
	}
	switch {
	case pos.Y < 0:
		t.scrollBy(1)
	case pos.Y > t.Size().Height:
		t.scrollBy(-1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.selection
	from, to := t.unitLocked(t.placeLocked(pos, s.unit == 1))
	s.from, s.to = s.anchorFrom, s.anchor
	if from.before(s.from) {
		s.from = from
	}
	if s.to.before(to) {
		s.to = to
	}
	t.repaint()
}

// placeLocked returns the place in the text at pos: of the cell, or of the border that is nearest.
func (t *Terminal) placeLocked(pos fyne.Position, border bool) place {
	x, y := t.cellAt(pos)
	if cell := t.view.cellSize(); border && pos.X-t.view.origin.X > (float32(x)+0.5)*cell.Width {
		x++
	}
	return place{x, y - t.viewport.offset(t.emulator) + t.emulator.Scrolled()}
}

// unitLocked returns the borders of the selection's unit at p.
func (t *Terminal) unitLocked(p place) (from, to place) {
	switch t.selection.unit {
	case 2:
		return t.wordLocked(p)
	case 3:
		return t.wholeLineLocked(p)
	}
	return p, p
}

// wordLocked returns the word at p, which may go on over wrapped lines' ends no further than its own line.
func (t *Terminal) wordLocked(p place) (from, to place) {
	l := t.emulator.Line(p.y - t.emulator.Scrolled())
	from, to = p, place{p.x + 1, p.y}
	if l == nil || p.x >= len(l.Cells) {
		return from, to
	}
	kind := t.kindLocked(l.Cells[p.x])
	if kind == other {
		return from, to
	}
	for from.x > 0 && t.kindLocked(l.Cells[from.x-1]) == kind {
		from.x--
	}
	for to.x < len(l.Cells) && t.kindLocked(l.Cells[to.x]) == kind {
		to.x++
	}
	return from, to
}

// wholeLineLocked returns the line at p with all that it wrapped from and to.
func (t *Terminal) wholeLineLocked(p place) (from, to place) {
	scrolled := t.emulator.Scrolled()
	first, last := p.y, p.y
	for l := t.emulator.Line(first - 1 - scrolled); l != nil && l.Wrapped; l = t.emulator.Line(first - 1 - scrolled) {
		first--
	}
	for l := t.emulator.Line(last - scrolled); l != nil && l.Wrapped; l = t.emulator.Line(last - scrolled) {
		last++
	}
	return place{0, first}, place{t.view.cols, last}
}

// The kinds of cells that make up words.
const (
	blank = iota
	letter
	other
)

func (t *Terminal) kindLocked(c vt.Cell) int {
	if c.Attr&vt.Tail != 0 || c.Attr&vt.Cluster != 0 {
		return letter
	}
	switch {
	case c.Ch == 0 || c.Ch == ' ':
		return blank
	case unicode.IsLetter(c.Ch), unicode.IsDigit(c.Ch), strings.ContainsRune("_-./~:@%+=?&#$", c.Ch):
		return letter
	}
	return other
}

// SelectAll selects the screen and the history.
func (t *Terminal) SelectAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	cols, rows := t.emulator.Size()
	scrolled := t.emulator.Scrolled()
	t.selection = selection{
		from: place{0, scrolled - t.emulator.HistoryLen()},
		to:   place{cols, scrolled + rows - 1},
	}
	t.repaint()
}

// SelectedText returns the selected text, or "".
func (t *Terminal) SelectedText() string {
	s := &t.selection
	if s.empty() {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	scrolled := t.emulator.Scrolled()
	return t.emulator.Between(s.from.x, s.from.y-scrolled, s.to.x, s.to.y-scrolled)
}

// Copy puts the selected text on the clipboard, if there is any.
func (t *Terminal) Copy() {
	if text := t.SelectedText(); text != "" {
		t.cfg.clipboard().SetContent(text)
	}
}

// Paste sends the clipboard's text to the shell as if it were typed, without controls.
func (t *Terminal) Paste() { t.send(t.modes().EncodePaste(t.cfg.clipboard().Content())) }
