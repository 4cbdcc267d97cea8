package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"
)

// Style is how a text looks.
type Style struct {
	Size  float32
	Color fyne.ThemeColorName
	Bold  bool
	Mono  bool
}

// The styles in use. Sizes are points at scale one.
var (
	Title     = Style{Size: 24, Color: theme.ColorNameForeground, Bold: true}
	Heading   = Style{Size: 19, Color: theme.ColorNameForeground, Bold: true}
	Brand     = Style{Size: 16, Color: theme.ColorNameForeground, Bold: true}
	Strong    = Style{Size: 13, Color: theme.ColorNameForeground, Bold: true}
	Body      = Style{Size: 13, Color: theme.ColorNameForeground}
	Muted     = Style{Size: 13, Color: ColorMuted}
	Small     = Style{Size: 12, Color: ColorMuted}
	Hint      = Style{Size: 11, Color: ColorFaint}
	Overline  = Style{Size: 10.5, Color: ColorFaint, Bold: true}
	Label     = Style{Size: 12.5, Color: ColorMuted, Bold: true}
	Code      = Style{Size: 12, Color: theme.ColorNameForeground, Mono: true}
	CodeMuted = Style{Size: 11.5, Color: ColorMuted, Mono: true}
)

// In is the style in another colour.
func (s Style) In(c fyne.ThemeColorName) Style {
	s.Color = c
	return s
}

func (s Style) fyne() fyne.TextStyle { return fyne.TextStyle{Bold: s.Bold, Monospace: s.Mono} }

func (s Style) measure(text string) fyne.Size { return fyne.MeasureText(text, s.Size, s.fyne()) }

// Text is one line of text in a theme colour. One made by NewCell cuts itself off with an ellipsis where there is no
// room; one made by NewText always takes the room it needs.
type Text struct {
	fynewidget.BaseWidget

	text   string
	style  Style
	cuts   bool
	line   *canvas.Text
	shown  float32 // the width that the shown text was cut for
	center bool
}

// NewText makes a text that is never cut.
func NewText(text string, style Style) *Text {
	t := &Text{text: text, style: style, line: canvas.NewText(text, nil)}
	t.ExtendBaseWidget(t)
	return t
}

// NewCell makes a text that ends in an ellipsis where there is no room for it.
func NewCell(text string, style Style) *Text {
	t := NewText(text, style)
	t.cuts = true
	return t
}

// NewCentered makes a text in the middle of its room.
func NewCentered(text string, style Style) *Text {
	t := NewText(text, style)
	t.center = true
	return t
}

// SetText changes the text and does nothing when it is the same.
func (t *Text) SetText(text string) { t.Set(text, t.style) }

// Set changes text and style together.
func (t *Text) Set(text string, style Style) {
	if t.text == text && t.style == style {
		return
	}
	t.text, t.style = text, style
	t.Refresh()
}

// Text is the whole text, cut or not.
func (t *Text) Text() string { return t.text }

// Describe names the text by itself.
func (t *Text) Describe() Description { return Description{Kind: "text", Text: t.text} }

// CreateRenderer is Fyne's entry.
func (t *Text) CreateRenderer() fyne.WidgetRenderer {
	return &textRenderer{newRenderer(t.line, t.apply), t}
}

func (t *Text) apply() {
	t.line.TextSize, t.line.TextStyle = t.style.Size, t.style.fyne()
	t.line.Color = theme.Color(t.style.Color)
	if t.center {
		t.line.Alignment = fyne.TextAlignCenter
	}
	t.line.Text = t.text
	if t.cuts {
		t.line.Text = cut(t.text, t.style, t.Size().Width)
	}
}

type textRenderer struct {
	*renderer
	text *Text
}

func (r *textRenderer) Layout(size fyne.Size) {
	r.line().Resize(size)
	if r.text.cuts && r.text.shown != size.Width {
		r.text.shown = size.Width
		r.text.apply()
		r.line().Refresh()
	}
}

func (r *textRenderer) MinSize() fyne.Size {
	size := r.text.style.measure(r.text.text)
	if r.text.cuts {
		size.Width = 0
	}
	return size
}

func (r *textRenderer) line() *canvas.Text { return r.text.line }

// cut shortens text with an ellipsis until it fits into width.
func cut(text string, style Style, width float32) string {
	if width <= 0 || style.measure(text).Width <= width {
		return text
	}
	runes := []rune(text)
	low, high := 0, len(runes) // low fits
	for high-low > 1 {
		middle := (low + high) / 2
		if style.measure(string(runes[:middle])+"…").Width <= width {
			low = middle
		} else {
			high = middle
		}
	}
	return string(runes[:low]) + "…"
}
