package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// EmptyState says in the middle of its room why there is nothing and what to do next.
type EmptyState struct {
	fynewidget.BaseWidget
	column *fyne.Container
}

// NewEmptyState makes one. action may be nil.
func NewEmptyState(icon assets.Icon, title, text string, action *Button) *EmptyState {
	well := NewBox(BoxStyle{Fill: ColorRaised, Radius: 28}, AtLeast(56, 56, NewIcon(icon, ColorAccent, 26)))
	e := &EmptyState{column: Column(10,
		container.NewCenter(well),
		NewCentered(title, Style{Size: 16, Color: theme.ColorNameForeground, Bold: true}),
	)}
	for _, line := range wrap(text, Muted, 440) {
		e.column.Add(NewCentered(line, Muted))
	}
	if action != nil {
		e.column.Add(Inset(SpaceS, 0, 0, 0, container.NewCenter(action)))
	}
	e.ExtendBaseWidget(e)
	return e
}

// Inside is the text and the button.
func (e *EmptyState) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{e.column} }

// CreateRenderer is Fyne's entry.
func (e *EmptyState) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(container.NewCenter(e.column), nil)
}
