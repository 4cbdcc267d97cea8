package widget

import (
	"fyne.io/fyne/v2"
	fynewidget "fyne.io/fyne/v2/widget"
)

// Veil fills its room invisibly around an object and notices a tap beside it, which closes menus.
type Veil struct {
	fynewidget.BaseWidget
	content fyne.CanvasObject
	tapped  func()
}

// NewVeil makes a veil.
func NewVeil(content fyne.CanvasObject, tapped func()) *Veil {
	v := &Veil{content: content, tapped: tapped}
	v.ExtendBaseWidget(v)
	return v
}

// Inside is the object.
func (v *Veil) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{v.content} }

// CreateRenderer is Fyne's entry.
func (v *Veil) CreateRenderer() fyne.WidgetRenderer { return newRenderer(v.content, nil) }

// Tapped is a tap beside the object.
func (v *Veil) Tapped(*fyne.PointEvent) { v.tapped() }
