package ui

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/touchstone-app/touchstone/ui/widget"
)

// luminance and contrast follow WCAG 2.2, "relative luminance" and "contrast ratio".
func luminance(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func contrast(a, b color.NRGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// over is a faded colour as it looks on a ground.
func over(c color.NRGBA, alpha uint8, ground color.NRGBA) color.NRGBA {
	mix := func(a, b uint8) uint8 { return uint8((int(a)*int(alpha) + int(b)*(255-int(alpha))) / 255) }
	return color.NRGBA{R: mix(c.R, ground.R), G: mix(c.G, ground.G), B: mix(c.B, ground.B), A: 255}
}

func TestEveryTextIsReadableOnEveryGroundItStandsOn(t *testing.T) {
	grounds := []fyne.ThemeColorName{theme.ColorNameBackground, widget.ColorSide, widget.ColorSurface, widget.ColorRaised}
	texts := []fyne.ThemeColorName{theme.ColorNameForeground, widget.ColorMuted, widget.ColorFaint, widget.ColorAccent,
		widget.ColorOK, widget.ColorWarn, widget.ColorDanger}
	for name, p := range map[string]palette{"dark": dark, "light": light} {
		for _, ground := range grounds {
			for _, text := range texts {
				if got := contrast(p[text], p[ground]); got < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", name, text, ground, got)
				}
			}
		}
		if got := contrast(p[widget.ColorOnAccent], p[widget.ColorAccentFill]); got < 4.5 {
			t.Errorf("%s: the primary button has a contrast of %.2f, want 4.5", name, got)
		}
	}
}

func TestPillsAndBannersAreReadable(t *testing.T) {
	for name, p := range map[string]palette{"dark": dark, "light": light} {
		for _, c := range []fyne.ThemeColorName{widget.ColorOK, widget.ColorWarn, widget.ColorDanger, widget.ColorAccent} {
			for _, ground := range []fyne.ThemeColorName{widget.ColorSide, widget.ColorSurface} {
				if got := contrast(p[c], over(p[c], 30, p[ground])); got < 4.5 {
					t.Errorf("%s: a %s pill on %s has a contrast of %.2f, want 4.5", name, c, ground, got)
				}
			}
		}
	}
}

func TestShapesThatMeanSomethingStandOut(t *testing.T) {
	for name, p := range map[string]palette{"dark": dark, "light": light} {
		for _, shape := range []fyne.ThemeColorName{widget.ColorGold, widget.ColorAccent, widget.ColorOK} {
			if got := contrast(p[shape], p[widget.ColorSurface]); got < 3 {
				t.Errorf("%s: %s has a contrast of %.2f, want 3", name, shape, got)
			}
		}
	}
}

func TestTheThemeFollowsTheVariantAndFallsBackToFyne(t *testing.T) {
	th := NewTheme()
	if th.Color(theme.ColorNameForeground, theme.VariantDark) == th.Color(theme.ColorNameForeground, theme.VariantLight) {
		t.Error("dark and light have the same text colour")
	}
	if th.Icon(theme.IconNameCancel) == nil {
		t.Error("Fyne's own icons are missing")
	}
	if got, want := th.Size(theme.SizeNamePadding), theme.DefaultTheme().Size(theme.SizeNamePadding); got != want {
		t.Errorf("padding is %v, want Fyne's %v", got, want)
	}
	for _, style := range []fyne.TextStyle{{}, {Bold: true}, {Monospace: true}, {Monospace: true, Bold: true}, {Italic: true}, {Symbol: true}} {
		if th.Font(style) == nil {
			t.Errorf("there is no font for %+v", style)
		}
	}
}

func TestTerminalsFollowTheVariantOnOurOwnGround(t *testing.T) {
	app := test.NewTempApp(t)
	for variant, p := range map[fyne.ThemeVariant]palette{theme.VariantDark: dark, theme.VariantLight: light} {
		app.Settings().SetTheme(variantTheme{NewTheme(), variant})
		got := terminalPalette()
		if got.Background != p[widget.ColorSide] {
			t.Errorf("variant %d: the ground is %v, want %v", variant, got.Background, p[widget.ColorSide])
		}
		if c := contrast(got.Foreground, got.Background); c < 7 {
			t.Errorf("variant %d: text has a contrast of %.2f, want 7", variant, c)
		}
	}
}
