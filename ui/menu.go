package ui

import (
	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/ui/widget"
)

// choice is one line of a menu.
type choice struct {
	label string
	pick  func()
}

// showMenu opens a menu under an object, aligned with its right edge. Up and Down move, Return picks, Escape closes.
func showMenu(m *modals, under fyne.CanvasObject, title string, choices []choice) {
	driver := fyne.CurrentApp().Driver()
	corner := driver.AbsolutePositionForObject(under).AddXY(under.Size().Width, under.Size().Height+4)
	card := &modal{anchor: &corner}
	card.cancel = func() { m.hide(card) }
	column := widget.Column(1, widget.Inset(5, 12, 4, 12, widget.NewText(title, widget.Overline)))
	var buttons []*widget.Button
	for _, c := range choices {
		button := widget.NewSmallButton(c.label, "", "", widget.Quiet, func() {
			m.hide(card)
			c.pick()
		})
		buttons = append(buttons, button)
		column.Add(button)
	}
	card.content = widget.AtLeast(130, 0, column)
	card.focus = func() fyne.Focusable { return buttons[0] }
	card.key = func(key *fyne.KeyEvent) bool {
		switch key.Name {
		case fyne.KeyDown:
			m.canvas.FocusNext()
		case fyne.KeyUp:
			m.canvas.FocusPrevious()
		default:
			return false
		}
		return true
	}
	m.show(card)
}
