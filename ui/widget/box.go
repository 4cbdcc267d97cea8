package widget

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"
)

// BoxStyle is how a box is drawn. An empty colour name draws nothing; an alpha of zero stands for opaque.
type BoxStyle struct {
	Fill        fyne.ThemeColorName
	FillAlpha   uint8
	Stroke      fyne.ThemeColorName
	StrokeAlpha uint8
	StrokeWidth float32
	Radius      float32
}

// The boxes in use.
var (
	Card    = BoxStyle{Fill: ColorSurface, Stroke: ColorBorder, StrokeWidth: 1, Radius: RadiusL}
	Dialog  = BoxStyle{Fill: ColorSurface, Stroke: ColorBorder, StrokeWidth: 1, Radius: 16}
	Well    = BoxStyle{Fill: ColorRaised, Radius: 10}
	SidePan = BoxStyle{Fill: ColorSide}
)

// Tinted is a box in a faded colour with a border of the same, for banners.
func Tinted(c fyne.ThemeColorName) BoxStyle {
	return BoxStyle{Fill: c, FillAlpha: 24, Stroke: c, StrokeAlpha: 90, StrokeWidth: 1, Radius: 10}
}

// Box is a rounded rectangle with something on it.
type Box struct {
	fynewidget.BaseWidget

	style   BoxStyle
	back    *canvas.Rectangle
	content fyne.CanvasObject
}

// NewBox puts content on a rectangle. Space around the content is the content's own business, see Inset.
func NewBox(style BoxStyle, content fyne.CanvasObject) *Box {
	b := &Box{style: style, back: canvas.NewRectangle(color.Transparent), content: content}
	b.ExtendBaseWidget(b)
	return b
}

// SetStyle changes how the box is drawn.
func (b *Box) SetStyle(style BoxStyle) {
	if b.style == style {
		return
	}
	b.style = style
	b.Refresh()
}

// Inside is the content.
func (b *Box) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{b.content} }

// CreateRenderer is Fyne's entry.
func (b *Box) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(container.NewStack(b.back, b.content), b.apply)
}

func (b *Box) apply() {
	b.back.FillColor = boxColor(b.style.Fill, b.style.FillAlpha)
	b.back.StrokeColor = boxColor(b.style.Stroke, b.style.StrokeAlpha)
	b.back.StrokeWidth, b.back.CornerRadius = b.style.StrokeWidth, b.style.Radius
}

func boxColor(name fyne.ThemeColorName, alpha uint8) color.Color {
	switch {
	case name == "":
		return color.Transparent
	case alpha == 0:
		return theme.Color(name)
	default:
		return faded(name, alpha)
	}
}

// NewHairline is a line of one pixel, as wide or as high as its room.
func NewHairline() fyne.CanvasObject {
	return NewBox(BoxStyle{Fill: ColorBorder}, AtLeast(1, 1, canvas.NewRectangle(color.Transparent)))
}
