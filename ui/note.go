package ui

import (
	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// newNote is a line of good news above a page. away runs when it is closed.
func newNote(text string, away func()) fyne.CanvasObject {
	button := widget.NewSmallButton("", assets.IconClose, "", widget.Quiet, away).SetName("Close note")
	mark := widget.NewIcon(assets.IconCheck, widget.ColorOK, 16)
	line := widget.Border(nil, mark, button, widget.Inset(0, 0, 0, 10, widget.NewCell(text, widget.Small.In(widget.ColorOK))))
	return widget.Inset(0, 0, widget.SpaceM, 0, widget.NewBox(widget.Tinted(widget.ColorOK), widget.Inset(5, 6, 5, 13, line)))
}
