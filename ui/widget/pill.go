package widget

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"
)

// Pill is a short state in its colour on a faded ground: "PIN cached 14 min".
type Pill struct {
	fynewidget.BaseWidget
	text  *Text
	color fyne.ThemeColorName
	back  *Box
}

// NewPill makes a pill.
func NewPill(text string, color fyne.ThemeColorName) *Pill {
	p := &Pill{color: color, text: NewText(text, Style{Size: 11, Color: color})}
	p.back = NewBox(BoxStyle{}, Inset(2, 9, 2, 9, p.text))
	p.ExtendBaseWidget(p)
	return p
}

// Describe names the pill by its text.
func (p *Pill) Describe() Description { return p.text.Describe() }

// CreateRenderer is Fyne's entry.
func (p *Pill) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(Middle(p.back), func() {
		p.back.SetStyle(BoxStyle{Fill: p.color, FillAlpha: 30, Radius: 10})
	})
}

// NewTag is a small framed text in the mono font: a label of a server, a key of a shortcut.
func NewTag(text string) fyne.CanvasObject {
	words := NewText(text, Style{Size: 10.5, Color: ColorMuted, Mono: true})
	style := BoxStyle{Fill: ColorRaised, Stroke: ColorBorder, StrokeWidth: 1, Radius: RadiusS}
	return Middle(NewBox(style, Inset(2, 6, 2, 6, words)))
}

// Dot is a small round light.
type Dot struct {
	fynewidget.BaseWidget
	color  fyne.ThemeColorName
	circle *canvas.Circle
}

// NewDot makes a light in a theme colour.
func NewDot(c fyne.ThemeColorName) *Dot {
	d := &Dot{color: c, circle: canvas.NewCircle(color.Transparent)}
	d.ExtendBaseWidget(d)
	return d
}

// Set changes the colour.
func (d *Dot) Set(c fyne.ThemeColorName) {
	if d.color != c {
		d.color = c
		d.Refresh()
	}
}

// CreateRenderer is Fyne's entry.
func (d *Dot) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(Middle(AtLeast(8, 8, d.circle)), func() { d.circle.FillColor = theme.Color(d.color) })
}
