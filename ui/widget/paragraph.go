package widget

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"
)

// lineHeight is the distance of two lines in text sizes.
const lineHeight = 1.5

// Paragraph is text broken at words for a fixed width, so that its height is known before it is laid out.
type Paragraph struct {
	fynewidget.BaseWidget

	text  string
	style Style
	width float32
	box   *fyne.Container
}

// NewParagraph breaks text for width.
func NewParagraph(text string, style Style, width float32) *Paragraph {
	p := &Paragraph{text: text, style: style, width: width, box: &fyne.Container{}}
	p.ExtendBaseWidget(p)
	p.box.Layout = paragraphLayout{p}
	return p
}

// Set changes text and style and does nothing when both are the same.
func (p *Paragraph) Set(text string, style Style) {
	if p.text == text && p.style == style {
		return
	}
	p.text, p.style = text, style
	p.Refresh()
}

// SetText changes the text.
func (p *Paragraph) SetText(text string) { p.Set(text, p.style) }

// Text is the whole text without breaks.
func (p *Paragraph) Text() string { return p.text }

// Describe names the paragraph by its text.
func (p *Paragraph) Describe() Description { return Description{Kind: "text", Text: p.text} }

// CreateRenderer is Fyne's entry.
func (p *Paragraph) CreateRenderer() fyne.WidgetRenderer { return newRenderer(p.box, p.apply) }

func (p *Paragraph) apply() {
	p.box.Objects = nil
	for _, line := range wrap(p.text, p.style, p.width) {
		t := canvas.NewText(line, theme.Color(p.style.Color))
		t.TextSize, t.TextStyle = p.style.Size, p.style.fyne()
		p.box.Objects = append(p.box.Objects, t)
	}
	p.box.Layout.Layout(p.box.Objects, p.Size())
}

// MinSize is the fixed width and the height of all lines.
func (p *Paragraph) MinSize() fyne.Size {
	lines := len(wrap(p.text, p.style, p.width))
	return fyne.NewSize(p.width, float32(lines)*p.style.Size*lineHeight)
}

type paragraphLayout struct{ paragraph *Paragraph }

func (l paragraphLayout) MinSize([]fyne.CanvasObject) fyne.Size { return l.paragraph.MinSize() }

func (l paragraphLayout) Layout(lines []fyne.CanvasObject, _ fyne.Size) {
	height := l.paragraph.style.Size * lineHeight
	for i, line := range lines {
		line.Move(fyne.NewPos(0, float32(i)*height))
		line.Resize(fyne.NewSize(l.paragraph.width, height))
	}
}

// wrap breaks text at spaces so that each line fits; a word wider than a line, for example a fingerprint, is broken
// where it must. Line feeds are kept.
func wrap(text string, style Style, width float32) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			if joined := strings.TrimPrefix(line+" "+word, " "); style.measure(joined).Width <= width {
				line = joined
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			var full []string
			full, line = breakWord(word, style, width)
			lines = append(lines, full...)
		}
		lines = append(lines, line)
	}
	return lines
}

// breakWord splits a word into full lines and a rest that fits.
func breakWord(word string, style Style, width float32) (full []string, rest string) {
	runes := []rune(word)
	for style.measure(string(runes)).Width > width {
		n := len(runes) - 1
		for n > 1 && style.measure(string(runes[:n])).Width > width {
			n--
		}
		full = append(full, string(runes[:n]))
		runes = runes[n:]
		if n == 0 {
			break
		}
	}
	return full, string(runes)
}
