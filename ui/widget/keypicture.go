package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// KeyPicture is the drawing of a key whose contact can glow.
type KeyPicture struct {
	fynewidget.BaseWidget

	lit   bool
	image *canvas.Image
}

// KeyPictureRatio is the picture's height in widths.
const KeyPictureRatio = 270.0 / 150.0

// NewKeyPicture draws a key of the given height.
func NewKeyPicture(height float32) *KeyPicture {
	p := &KeyPicture{image: &canvas.Image{FillMode: canvas.ImageFillContain}}
	p.image.SetMinSize(fyne.NewSize(height/KeyPictureRatio, height))
	p.ExtendBaseWidget(p)
	return p
}

// SetLit lets the contact glow or not.
func (p *KeyPicture) SetLit(lit bool) {
	if p.lit != lit {
		p.lit = lit
		p.Refresh()
	}
}

// Lit says whether the contact glows.
func (p *KeyPicture) Lit() bool { return p.lit }

// SetFaded shows the key as absent.
func (p *KeyPicture) SetFaded(faded bool) {
	p.image.Translucency = 0
	if faded {
		p.image.Translucency = 0.65
	}
	p.Refresh()
}

// CreateRenderer is Fyne's entry.
func (p *KeyPicture) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(container.NewCenter(p.image), p.apply)
}

func (p *KeyPicture) apply() {
	p.image.Resource = assets.YubiKey
	if p.lit {
		p.image.Resource = assets.YubiKeyLit
	}
	p.image.Refresh()
}
