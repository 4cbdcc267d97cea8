// Package widget holds the shapes that the window is made of: text, boxes, buttons, the PIN entry, the touch ring, steps,
// tabs and the like. They know Fyne and the project's assets, take their colours from the theme by name, and know
// nothing of keys or clusters. All of them may be used on the Fyne thread only.
package widget

import "fyne.io/fyne/v2"

// The colours that our theme has beyond Fyne's own. A theme that lacks them shows transparent shapes.
const (
	ColorSide       fyne.ThemeColorName = "side"        // side bar, status bar
	ColorSurface    fyne.ThemeColorName = "surface"     // cards, tables, fields
	ColorRaised     fyne.ThemeColorName = "raised"      // buttons, tags, selected items
	ColorBorder     fyne.ThemeColorName = "border"      // hairlines
	ColorMuted      fyne.ThemeColorName = "muted"       // second-rank text
	ColorFaint      fyne.ThemeColorName = "faint"       // third-rank text, still readable
	ColorAccent     fyne.ThemeColorName = "accent"      // text and icons that lead
	ColorAccentFill fyne.ThemeColorName = "accent-fill" // the primary button
	ColorOnAccent   fyne.ThemeColorName = "on-accent"   // text on ColorAccentFill
	ColorOK         fyne.ThemeColorName = "ok"
	ColorWarn       fyne.ThemeColorName = "warn"
	ColorDanger     fyne.ThemeColorName = "danger"
	ColorGold       fyne.ThemeColorName = "gold" // the touch ring; for shapes, not for text
	ColorDim        fyne.ThemeColorName = "dim"  // the veil behind a dialog
)

// The one spacing scale, in Fyne's device-independent pixels.
const (
	SpaceXS float32 = 4
	SpaceS  float32 = 8
	SpaceM  float32 = 12
	SpaceL  float32 = 16
	SpaceXL float32 = 24
)

// The corner radii: of tags, of controls, of cards.
const (
	RadiusS float32 = 5
	RadiusM float32 = 8
	RadiusL float32 = 12
)

// Description is what a control is called. Fyne has no accessibility tree yet; every control has a name all the same, so
// that one can be built when it has, and so that tests and drivers find controls by what a person reads.
type Description struct {
	Kind     string // "button", "field", "secret", "text", "tab", "image"
	Text     string // the name a person reads; never a secret
	Focused  bool
	Disabled bool
}

// Described is a control that says what it is.
type Described interface {
	fyne.CanvasObject
	Describe() Description
}

// Holder is a widget with other objects inside, for whoever walks a screen.
type Holder interface {
	Inside() []fyne.CanvasObject
}
