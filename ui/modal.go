package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/ui/widget"
)

// dialogWidth is the width of the content of every dialog.
const dialogWidth float32 = 430

// modal is a card above the window that has the keyboard while it is the topmost.
type modal struct {
	content fyne.CanvasObject
	focus   func() fyne.Focusable // what gets the keyboard; nil, or a nil result, for the first control
	submit  func()                // Return
	cancel  func()                // Escape

	// anchor places the card's top right corner for a menu; nil puts a dialog in the middle.
	anchor *fyne.Position
	// key is offered every key first; nil for none.
	key func(*fyne.KeyEvent) bool

	overlay fyne.CanvasObject
}

// modals is the stack of cards of one window.
type modals struct {
	canvas fyne.Canvas
	open   []*modal
	below  fyne.Focusable // what had the keyboard before the first card came
	idle   func()         // gives the keyboard to someone when that has gone meanwhile
}

// show puts a card on top.
func (s *modals) show(m *modal) {
	if len(s.open) == 0 {
		s.below = s.canvas.Focused()
	}
	m.overlay = m.build()
	s.open = append(s.open, m)
	s.raise(m)
}

// build puts the content on a card and the card on a veil, which for a menu is invisible and closes it when tapped.
func (m *modal) build() fyne.CanvasObject {
	if m.anchor != nil {
		card := widget.NewBox(widget.Card, widget.Inset(5, 5, 5, 5, m.content))
		return widget.NewVeil(container.New(anchored(*m.anchor), card), m.cancel)
	}
	card := widget.NewBox(widget.Dialog, widget.Inset(24, 26, 22, 26, widget.AtLeast(dialogWidth, 0, m.content)))
	return widget.NewBox(widget.BoxStyle{Fill: widget.ColorDim}, container.NewCenter(card))
}

// refresh gives the card the room that its content needs now.
func (m *modal) refresh() {
	if m.overlay != nil {
		m.overlay.Refresh()
	}
}

// anchored lays one object out with its top right corner at a position, moved as far as it must to stay visible.
type anchored fyne.Position

func (a anchored) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

func (a anchored) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		need := o.MinSize()
		o.Resize(need)
		o.Move(fyne.NewPos(max(a.X-need.Width, 0), max(min(a.Y, size.Height-need.Height), 0)))
	}
}

func (s *modals) raise(m *modal) {
	s.canvas.Overlays().Add(m.overlay)
	m.overlay.Resize(s.canvas.Size())
	s.focusOn(m)
}

// focusOn gives a card the keyboard.
func (s *modals) focusOn(m *modal) {
	var f fyne.Focusable
	if m.focus != nil {
		f = m.focus()
	}
	if f == nil {
		f = firstFocus(m.content)
	}
	if f != nil {
		s.canvas.Focus(f)
	}
}

// hide takes a card away, wherever in the stack it is, and gives the keyboard back to what had it before.
func (s *modals) hide(m *modal) {
	i := slices.Index(s.open, m)
	if i < 0 {
		return
	}
	s.open = slices.Delete(s.open, i, i+1)
	s.canvas.Overlays().Remove(m.overlay) // Fyne takes those above with it
	for _, above := range s.open[i:] {
		s.raise(above)
	}
	if len(s.open) == 0 {
		s.giveBack()
	}
}

// giveBack returns the keyboard after the last card.
func (s *modals) giveBack() {
	below, _ := s.below.(fyne.CanvasObject)
	if below != nil && contains(s.canvas.Content(), below) {
		s.canvas.Focus(s.below)
	} else if s.idle != nil {
		s.idle()
	}
	s.below = nil
}

// key answers a key that no control had a use for; false when no card is open.
func (s *modals) key(key *fyne.KeyEvent) bool {
	if len(s.open) == 0 {
		return false
	}
	top := s.open[len(s.open)-1]
	switch {
	case top.key != nil && top.key(key):
	case key.Name == fyne.KeyEscape && top.cancel != nil:
		top.cancel()
	case (key.Name == fyne.KeyReturn || key.Name == fyne.KeyEnter) && top.submit != nil:
		top.submit()
	}
	return true
}
