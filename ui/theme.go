package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// palette is the colours of one variant by name. A test checks the contrast of every text on every ground it stands on.
type palette map[fyne.ThemeColorName]color.NRGBA

var dark = palette{
	theme.ColorNameBackground: rgb(0x11141b),
	widget.ColorSide:          rgb(0x0c0e14),
	widget.ColorSurface:       rgb(0x181b24),
	widget.ColorRaised:        rgb(0x21252f),
	widget.ColorBorder:        rgb(0x2c3140),
	theme.ColorNameForeground: rgb(0xe9ebf1),
	widget.ColorMuted:         rgb(0xa6aebf),
	widget.ColorFaint:         rgb(0x8b93a6),
	widget.ColorAccent:        rgb(0x8199ff),
	widget.ColorAccentFill:    rgb(0x4f69e8),
	widget.ColorOnAccent:      rgb(0xffffff),
	widget.ColorOK:            rgb(0x3ecf8e),
	widget.ColorWarn:          rgb(0xf5b54a),
	widget.ColorDanger:        rgb(0xff7b80),
	widget.ColorGold:          rgb(0xf5b54a),
}

var light = palette{
	theme.ColorNameBackground: rgb(0xffffff),
	widget.ColorSide:          rgb(0xf6f7fa),
	widget.ColorSurface:       rgb(0xffffff),
	widget.ColorRaised:        rgb(0xeff1f6),
	widget.ColorBorder:        rgb(0xdde1ea),
	theme.ColorNameForeground: rgb(0x161a24),
	widget.ColorMuted:         rgb(0x4d5567),
	widget.ColorFaint:         rgb(0x626a7d),
	widget.ColorAccent:        rgb(0x3855d9),
	widget.ColorAccentFill:    rgb(0x4463e6),
	widget.ColorOnAccent:      rgb(0xffffff),
	widget.ColorOK:            rgb(0x0b7548),
	widget.ColorWarn:          rgb(0x8a5300),
	widget.ColorDanger:        rgb(0xbd2a36),
	widget.ColorGold:          rgb(0xc98200),
}

// Theme is the look of Touchstone: our colours, fonts and sizes, and Fyne's own for whatever we do not name. It follows
// the variant, dark or light, that the system asks for.
type Theme struct{ fyne.Theme }

// NewTheme makes the theme. The embedded default is not optional: Fyne's own icons come from it.
func NewTheme() *Theme { return &Theme{theme.DefaultTheme()} }

// Color gives our colour of that name, or Fyne's.
func (t *Theme) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	p := dark
	if variant == theme.VariantLight {
		p = light
	}
	if c, ok := p.derived(name); ok {
		return c
	}
	return t.Theme.Color(name, variant)
}

// derived maps Fyne's names to ours.
func (p palette) derived(name fyne.ThemeColorName) (color.NRGBA, bool) {
	switch name {
	case theme.ColorNamePrimary, theme.ColorNameHyperlink:
		name = widget.ColorAccent
	case theme.ColorNameInputBackground, theme.ColorNameMenuBackground, theme.ColorNameOverlayBackground:
		name = widget.ColorSurface
	case theme.ColorNameInputBorder, theme.ColorNameSeparator:
		name = widget.ColorBorder
	case theme.ColorNameButton, theme.ColorNameHeaderBackground:
		name = widget.ColorRaised
	case theme.ColorNamePlaceHolder, theme.ColorNameDisabled:
		name = widget.ColorFaint
	case theme.ColorNameError:
		name = widget.ColorDanger
	case theme.ColorNameFocus, theme.ColorNameSelection:
		return alpha(p[widget.ColorAccent], 60), true
	case theme.ColorNameHover:
		return alpha(p[widget.ColorAccent], 22), true
	case theme.ColorNameScrollBar:
		return alpha(p[widget.ColorFaint], 110), true
	case theme.ColorNameScrollBarBackground, theme.ColorNameShadow:
		return color.NRGBA{}, true
	case widget.ColorDim:
		return alpha(rgb(0x05060a), 170), true
	}
	c, ok := p[name]
	return c, ok
}

// Font gives Inter for the interface and JetBrains Mono for addresses. There is no italic in this interface.
func (t *Theme) Font(style fyne.TextStyle) fyne.Resource {
	switch {
	case style.Symbol:
		return t.Theme.Font(style)
	case style.Monospace && style.Bold:
		return assets.MonoBold
	case style.Monospace:
		return assets.MonoRegular
	case style.Bold:
		return assets.SemiBold
	default:
		return assets.Regular
	}
}

// Size gives our sizes, or Fyne's.
func (t *Theme) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameText:
		return 13
	case theme.SizeNameInputRadius, theme.SizeNameSelectionRadius:
		return widget.RadiusM
	case theme.SizeNameInputBorder, theme.SizeNameSeparatorThickness:
		return 1
	default:
		return t.Theme.Size(name)
	}
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

func alpha(c color.NRGBA, a uint8) color.NRGBA {
	c.A = a
	return c
}
