package term

import (
	"runtime"
	"sync"
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

const (
	// frame is the shortest time between two paintings: 60 a second.
	frame = time.Second / 60
	// maxHeld is how long a synchronized update may hold the painting back.
	maxHeld = 150 * time.Millisecond
	// blinkTime is half a period of a blinking cursor.
	blinkTime = 530 * time.Millisecond
)

// repaint asks for a painting soon.
func (t *Terminal) repaint() {
	if !t.visible.Load() {
		return
	}
	select {
	case t.dirty <- struct{}{}:
	default:
	}
}

// noteHeldLocked notes the begin and the end of synchronized updates.
func (t *Terminal) noteHeldLocked() {
	switch on := t.emulator.Modes().Synchronized; {
	case !on:
		t.held = time.Time{}
	case t.held.IsZero():
		t.held = t.cfg.Now()
	}
}

// heldFor returns how long the painting must still wait for the end of a synchronized update.
func (t *Terminal) heldFor() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held.IsZero() {
		return 0
	}
	return maxHeld - t.cfg.Now().Sub(t.held)
}

// paintLoop turns any number of requests into at most one painting for each frame.
func (t *Terminal) paintLoop() {
	for {
		blinked, ok := t.awaitDirty()
		if !ok {
			return
		}
		painted := make(chan struct{})
		t.cfg.Post(func() {
			defer close(painted)
			// Only time hides the cursor; whatever happens shows it.
			t.blinkOff = blinked && t.focused && !t.blinkOff
			t.paint()
		})
		if !t.wait(painted) || !t.waitTime(frame) {
			return
		}
	}
}

// awaitDirty waits until there is something to paint and no update holds it back, or the cursor blinks. It reports
// false at the end.
func (t *Terminal) awaitDirty() (blinked, ok bool) {
	var blink <-chan time.Time
	if t.cfg.Blink {
		blink = t.cfg.After(blinkTime)
	}
	select {
	case <-t.done:
		return false, false
	case <-t.dirty:
		return false, t.awaitUpdate()
	case <-blink:
		return true, t.awaitUpdate()
	}
}

// awaitUpdate waits for the end of a synchronized update, but not for ever.
func (t *Terminal) awaitUpdate() bool {
	for {
		wait := t.heldFor()
		if wait <= 0 {
			return true
		}
		select {
		case <-t.done:
			return false
		case <-t.dirty: // perhaps the end of the update
		case <-t.cfg.After(wait):
		}
	}
}

func (t *Terminal) wait(c <-chan struct{}) bool {
	select {
	case <-t.done:
		return false
	case <-c:
		return true
	}
}

func (t *Terminal) waitTime(d time.Duration) bool {
	select {
	case <-t.done:
		return false
	case <-t.cfg.After(d):
		return true
	}
}

// paint draws the rows that changed and has the canvas show them.
func (t *Terminal) paint() {
	if !t.visible.Load() || t.Size().IsZero() {
		return
	}
	if t.heldFor() > 0 { // an update began since this painting was asked for
		t.repaint()
		return
	}
	if t.place() {
		t.layout()
	}
	changed := t.collect()
	t.draw(changed)
	for _, r := range changed {
		r.raster.Refresh()
	}
}

// collect copies the rows whose look changed out of the emulator, so that they can be drawn without holding it.
func (t *Terminal) collect() []*rowView {
	t.mu.Lock()
	defer t.mu.Unlock()
	offset := t.viewport.offset(t.emulator)
	t.placeThumb(offset)
	var changed []*rowView
	for y, r := range t.view.rows {
		now := t.lookLocked(y, offset)
		if now == r.shown {
			continue
		}
		r.shown = now
		t.copyLocked(r, now)
		changed = append(changed, r)
	}
	return changed
}

// lookLocked returns how row y must look when the screen is scrolled back by offset.
func (t *Terminal) lookLocked(y, offset int) look {
	modes, cursor := t.emulator.Modes(), t.emulator.Cursor()
	l := look{line: t.emulator.Line(y - offset), epoch: t.view.epoch, cursor: -1, reversed: modes.ReverseScreen}
	if l.line != nil {
		l.generation = l.line.Generation()
	}
	if cursor.Visible && cursor.Y == y-offset && !t.blinkOff {
		l.cursor, l.shape, l.hollow = cursor.X, cursor.Shape, !t.focused
	}
	l.from, l.to = t.selection.columns(y-offset+t.emulator.Scrolled(), t.view.cols)
	return l
}

// copyLocked fills r with what it has to draw.
func (t *Terminal) copyLocked(r *rowView, l look) {
	row := &r.row
	row.Cursor, row.Shape, row.Hollow = l.cursor, l.shape, l.hollow
	row.SelectFrom, row.SelectTo, row.Reversed = l.from, l.to, l.reversed
	n := 0
	if l.line != nil {
		n = copy(row.Cells, l.line.Cells)
	}
	clear(row.Cells[n:])
	if n > 0 && n == len(row.Cells) && n < len(l.line.Cells) && row.Cells[n-1].Attr&vt.Wide != 0 {
		row.Cells[n-1] = vt.Cell{} // a line of the history, from a wider screen
	}
	for x, c := range row.Cells {
		row.Glyphs[x] = t.view.atlas.Glyph(c, t.emulator.Text)
	}
}

// manyPixels is how much must be drawn before it is worth several goroutines.
const manyPixels = 1 << 20

// draw draws rows into their images.
func (t *Terminal) draw(rows []*rowView) {
	m := t.view.atlas.Metrics
	painter := t.view.painter
	workers := 1
	if len(rows)*t.view.cols*m.Width*m.Height >= manyPixels {
		workers = min(runtime.GOMAXPROCS(0), 4, len(rows))
	}
	if workers == 1 {
		for _, r := range rows {
			painter.Draw(r.img, &r.row)
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(rows); i += workers {
				painter.Draw(rows[i].img, &rows[i].row)
			}
		})
	}
	wg.Wait()
}

// placeThumb shows where in the history the screen is, or hides the thumb at its end.
func (t *Terminal) placeThumb(offset int) {
	thumb := t.view.thumb
	if offset == 0 {
		if thumb.Visible() {
			thumb.Hide()
		}
		return
	}
	_, rows := t.emulator.Size()
	total := float32(t.emulator.HistoryLen() + rows)
	size := t.Size()
	height := max(24, size.Height*float32(rows)/total)
	top := (size.Height - height) * float32(t.emulator.HistoryLen()-offset) / (total - float32(rows))
	thumb.Resize(fyne.NewSize(4, height))
	thumb.Move(fyne.NewPos(size.Width-5, top))
	thumb.Show()
}
