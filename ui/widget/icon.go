package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// Icon is a line icon in a theme colour, centred in its room.
type Icon struct {
	fynewidget.BaseWidget

	icon  assets.Icon
	color fyne.ThemeColorName
	image *canvas.Image
}

// NewIcon makes an icon with the given edge.
func NewIcon(icon assets.Icon, color fyne.ThemeColorName, edge float32) *Icon {
	i := &Icon{icon: icon, color: color, image: &canvas.Image{FillMode: canvas.ImageFillContain}}
	i.image.SetMinSize(fyne.NewSquareSize(edge))
	i.ExtendBaseWidget(i)
	return i
}

// Set changes icon and colour and does nothing when both are the same.
func (i *Icon) Set(icon assets.Icon, color fyne.ThemeColorName) {
	if i.icon == icon && i.color == color {
		return
	}
	i.icon, i.color = icon, color
	i.Refresh()
}

// CreateRenderer is Fyne's entry.
func (i *Icon) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(container.NewCenter(i.image), i.apply)
}

func (i *Icon) apply() {
	if r := i.icon.In(theme.Color(i.color)); i.image.Resource != r {
		i.image.Resource = r
		i.image.Refresh()
	}
}
