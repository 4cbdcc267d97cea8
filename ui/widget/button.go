package widget

import (
	"cmp"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// ButtonStyle is the rank of a button.
type ButtonStyle int

// The ranks: the one thing to do, another thing to do, a thing in passing, a thing that cannot be undone.
const (
	Secondary ButtonStyle = iota
	Primary
	Quiet
	Danger
	// Chip is one of several to choose from, Chosen the one that is.
	Chip
	Chosen
)

// Button is a button that the keyboard reaches: Space and Return press it, other keys go on to the window.
type Button struct {
	fynewidget.BaseWidget

	OnTapped func()

	label            string
	name             string // what Describe says, where the label alone does not tell
	style            ButtonStyle
	compact          bool
	leading          *Icon
	leadingColor     fyne.ThemeColorName // empty for the label's
	trailing         *Icon
	text             *Text
	back             *Box
	disabled         bool
	hovered, focused bool
}

// NewButton makes a button of normal height.
func NewButton(label string, style ButtonStyle, tapped func()) *Button {
	b := &Button{label: label, style: style, OnTapped: tapped, text: NewText(label, Strong)}
	b.ExtendBaseWidget(b)
	return b
}

// NewSmallButton makes a button for rows and bars. Either icon may be empty.
func NewSmallButton(label string, leading, trailing assets.Icon, style ButtonStyle, tapped func()) *Button {
	b := NewButton(label, style, tapped)
	b.compact = true
	b.text.style.Size = 12.5
	if leading != "" {
		b.leading = NewIcon(leading, ColorMuted, 15)
	}
	if trailing != "" {
		b.trailing = NewIcon(trailing, ColorMuted, 14)
	}
	return b
}

// SetName sets what the button is called where its label alone does not tell, for example an icon without words.
func (b *Button) SetName(name string) *Button {
	b.name = name
	return b
}

// SetText changes the label.
func (b *Button) SetText(label string) {
	b.label = label
	b.text.SetText(label)
}

// SetStyle changes the rank.
func (b *Button) SetStyle(style ButtonStyle) {
	if b.style != style {
		b.style = style
		b.Refresh()
	}
}

// SetLeading changes the leading icon of a button that has one. An empty colour is the label's.
func (b *Button) SetLeading(icon assets.Icon, color fyne.ThemeColorName) {
	if b.leading.icon == icon && b.leadingColor == color {
		return
	}
	b.leading.icon, b.leadingColor = icon, color
	b.leading.Refresh()
	b.Refresh()
}

// SetTrailing shows or hides the trailing icon.
func (b *Button) SetTrailing(shown bool) {
	if b.trailing == nil || b.trailing.Visible() == shown {
		return
	}
	if shown {
		b.trailing.Show()
	} else {
		b.trailing.Hide()
	}
	b.Refresh()
}

// SetDisabled makes the button deaf or not.
func (b *Button) SetDisabled(disabled bool) {
	if b.disabled != disabled {
		b.disabled = disabled
		b.Refresh()
	}
}

// Disabled says whether the button is deaf.
func (b *Button) Disabled() bool { return b.disabled }

// Describe names the button.
func (b *Button) Describe() Description {
	name := b.name
	if name == "" {
		name = b.label
	}
	return Description{Kind: "button", Text: name, Focused: b.focused, Disabled: b.disabled}
}

// CreateRenderer is Fyne's entry. Fyne may call it again; what is drawn stays the same.
func (b *Button) CreateRenderer() fyne.WidgetRenderer {
	if b.back == nil {
		b.back = NewBox(BoxStyle{}, b.body())
	}
	return newRenderer(b.back, b.apply)
}

// body is icons and label with the space around them.
func (b *Button) body() fyne.CanvasObject {
	var parts []fyne.CanvasObject
	if b.leading != nil {
		parts = append(parts, b.leading)
	}
	if b.label != "" {
		parts = append(parts, b.text)
	}
	if b.trailing != nil {
		parts = append(parts, b.trailing)
	}
	vertical, horizontal := float32(9), float32(20)
	switch {
	case b.label == "":
		vertical, horizontal = 6, 6
	case b.compact:
		vertical, horizontal = 6, 12
	}
	return Inset(vertical, horizontal, vertical, horizontal, container.NewCenter(Row(7, parts...)))
}

func (b *Button) apply() {
	box, text := b.look()
	if b.hovered && !b.disabled {
		box = hoverBox(box)
	}
	if b.focused {
		box.Stroke, box.StrokeAlpha, box.StrokeWidth = focusStroke(b.style), 0, 2
	}
	if b.disabled {
		box, text = BoxStyle{Fill: ColorRaised, Radius: RadiusM}, ColorFaint
	}
	b.back.SetStyle(box)
	b.text.Set(b.label, b.text.style.In(text))
	if b.leading != nil {
		b.leading.Set(b.leading.icon, cmp.Or(b.leadingColor, text))
	}
	if b.trailing != nil {
		b.trailing.Set(b.trailing.icon, text)
	}
}

// look is the resting look of each rank.
func (b *Button) look() (BoxStyle, fyne.ThemeColorName) {
	switch b.style {
	case Primary:
		return BoxStyle{Fill: ColorAccentFill, Radius: RadiusM}, ColorOnAccent
	case Danger:
		style := Tinted(ColorDanger)
		style.Radius = RadiusM
		return style, ColorDanger
	case Chip:
		return BoxStyle{Stroke: ColorBorder, StrokeWidth: 1, Radius: 14}, ColorMuted
	case Chosen:
		style := Tinted(ColorAccent)
		style.Radius = 14
		return style, ColorAccent
	case Quiet:
		return BoxStyle{Radius: RadiusM}, ColorMuted
	default:
		return BoxStyle{Fill: ColorRaised, Stroke: ColorBorder, StrokeWidth: 1, Radius: RadiusM}, theme.ColorNameForeground
	}
}

// hoverBox is a resting look under the mouse. A tint stays one: the label has the same colour and must be read on it.
func hoverBox(rest BoxStyle) BoxStyle {
	switch {
	case rest.FillAlpha != 0:
		rest.FillAlpha *= 2
	case rest.Fill == ColorRaised:
		rest.Fill = ColorBorder
	case rest.Fill == "":
		rest.Fill = ColorRaised
	}
	return rest
}

// focusStroke is visible on the button's own fill: the accent would vanish on the primary button.
func focusStroke(style ButtonStyle) fyne.ThemeColorName {
	if style == Primary {
		return theme.ColorNameForeground
	}
	return ColorAccent
}

// Tapped presses the button.
func (b *Button) Tapped(*fyne.PointEvent) { b.press() }

func (b *Button) press() {
	if !b.disabled && b.OnTapped != nil {
		b.OnTapped()
	}
}

// TypedKey presses the button with Space and Return.
func (b *Button) TypedKey(key *fyne.KeyEvent) {
	switch key.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		b.press()
	default:
		passKey(b, key)
	}
}

// TypedRune is of no use to a button.
func (b *Button) TypedRune(rune) {}

// FocusGained shows the focus.
func (b *Button) FocusGained() { b.focused = true; b.Refresh() }

// FocusLost hides the focus.
func (b *Button) FocusLost() { b.focused = false; b.Refresh() }

// MouseIn shows the hover colour.
func (b *Button) MouseIn(*desktop.MouseEvent) { b.hovered = true; b.Refresh() }

// MouseMoved is of no use to a button.
func (b *Button) MouseMoved(*desktop.MouseEvent) {}

// MouseOut hides the hover colour.
func (b *Button) MouseOut() { b.hovered = false; b.Refresh() }

// Cursor is the hand.
func (b *Button) Cursor() desktop.Cursor {
	if b.disabled {
		return desktop.DefaultCursor
	}
	return desktop.PointerCursor
}
