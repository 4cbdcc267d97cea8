package glyph

import (
	"image"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// Glyph is a character as a mask of the size of its cell or cells.
type Glyph struct {
	width  int
	mask   []uint8
	extent []extent // for each pixel row, where the mask is not zero
}

type extent struct{ from, to uint16 }

// key names a glyph: a character in a style.
type key struct {
	ch    rune // 0 where text is used
	text  string
	style vt.Attr // of Bold, Italic, Wide
}

const styles = vt.Bold | vt.Italic | vt.Wide

// maxGlyphs bounds the cache, at more than a large screen of wide characters shows; when it is full it is emptied, which
// costs one slow frame.
const maxGlyphs = 8192

// Atlas makes and keeps the glyphs of a set of fonts at one size. It is used by one goroutine at a time; Glyphs that it
// handed out never change.
type Atlas struct {
	fonts *Fonts
	ppem  fixed.Int26_6
	Metrics

	ascii [4][utf8.RuneSelf]*Glyph // plain, bold, italic, both
	rest  map[key]*Glyph
	pen   pen
}

// NewAtlas makes an atlas of fonts at size pixels per em.
func NewAtlas(fonts *Fonts, size float64) (*Atlas, error) {
	a := &Atlas{fonts: fonts, ppem: fixed.Int26_6(size*64 + 0.5), rest: map[key]*Glyph{}}
	var err error
	a.Metrics, err = fonts.measure(a.ppem)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Glyph returns the glyph of a cell, or nil for one that shows no character. text resolves cells with vt.Cluster.
func (a *Atlas) Glyph(c vt.Cell, text func(vt.Cell) string) *Glyph {
	if c.Attr&(vt.Cluster|vt.Tail) == 0 {
		if c.Ch <= ' ' {
			return nil
		}
		if c.Ch < utf8.RuneSelf {
			return a.asciiGlyph(c)
		}
	}
	if c.Attr&vt.Tail != 0 {
		return nil
	}
	k := key{ch: c.Ch, style: c.Attr & styles}
	if c.Attr&vt.Cluster != 0 {
		k.ch, k.text = 0, text(c)
	}
	g, ok := a.rest[k]
	if !ok {
		if len(a.rest) >= maxGlyphs {
			clear(a.rest)
		}
		g = a.render(k)
		a.rest[k] = g
	}
	return g
}

func (a *Atlas) asciiGlyph(c vt.Cell) *Glyph {
	style := 0
	if c.Attr&vt.Bold != 0 {
		style |= 1
	}
	if c.Attr&vt.Italic != 0 {
		style |= 2
	}
	g := a.ascii[style][c.Ch]
	if g == nil {
		g = a.render(key{ch: c.Ch, style: c.Attr & styles})
		a.ascii[style][c.Ch] = g
	}
	return g
}

// render draws a glyph.
func (a *Atlas) render(k key) *Glyph {
	width := a.Width
	if k.style&vt.Wide != 0 {
		width *= 2
	}
	mask := image.NewAlpha(image.Rect(0, 0, width, a.Height))
	text := k.text
	if k.ch != 0 {
		if a.drawShape(mask, k.ch) {
			return newGlyph(mask)
		}
		text = string(k.ch)
	}
	// A letter and its mark are one glyph in most fonts; what has none is drawn one over the other.
	for i, r := range norm.NFC.String(text) {
		a.drawRune(mask, r, i > 0, k.style)
	}
	return newGlyph(mask)
}

// drawRune draws one rune of a cell; the first missing in all fonts shows as a box, a mark is left out.
func (a *Atlas) drawRune(mask *image.Alpha, r rune, mark bool, style vt.Attr) {
	font, index, ok := a.fonts.outline(&a.pen.buf, r, style&vt.Bold != 0)
	if !ok {
		if !mark {
			a.drawMissing(mask)
		}
		return
	}
	at := placing{ppem: a.ppem, baseline: float32(a.Baseline), italic: style&vt.Italic != 0}
	at.x = a.origin(font, index, mask.Bounds().Dx(), mark)
	a.pen.draw(mask, font, index, at)
	if style&vt.Bold != 0 && font != a.fonts.bold {
		at.x += float32(a.ppem) / 64 / 28
		a.pen.draw(mask, font, index, at)
	}
}

// origin centres an outline in its cells. Marks without an advance lie to the left of their origin by design.
func (a *Atlas) origin(f *sfnt.Font, index sfnt.GlyphIndex, width int, mark bool) float32 {
	advance, err := f.GlyphAdvance(&a.pen.buf, index, a.ppem, font.HintingNone)
	if err != nil {
		return 0
	}
	if mark && advance == 0 {
		return float32(width)
	}
	return (float32(width) - float32(advance)/64) / 2
}

// drawMissing draws the box that stands for a character that no font has.
func (a *Atlas) drawMissing(mask *image.Alpha) {
	w := mask.Bounds().Dx()
	t := a.Line
	inset := max(1, a.Width/8)
	top := max(0, a.Baseline-a.Height*6/10)
	box := image.Rect(inset, top, w-inset, a.Baseline)
	fillRect(mask, image.Rect(box.Min.X, box.Min.Y, box.Max.X, box.Min.Y+t), 255)
	fillRect(mask, image.Rect(box.Min.X, box.Max.Y-t, box.Max.X, box.Max.Y), 255)
	fillRect(mask, image.Rect(box.Min.X, box.Min.Y, box.Min.X+t, box.Max.Y), 255)
	fillRect(mask, image.Rect(box.Max.X-t, box.Min.Y, box.Max.X, box.Max.Y), 255)
}

// newGlyph notes where each row of a mask begins and ends.
func newGlyph(mask *image.Alpha) *Glyph {
	size := mask.Bounds().Size()
	g := &Glyph{width: size.X, mask: mask.Pix, extent: make([]extent, size.Y)}
	for y := range size.Y {
		row := mask.Pix[y*mask.Stride:][:size.X]
		from, to := 0, size.X
		for to > 0 && row[to-1] == 0 {
			to--
		}
		for from < to && row[from] == 0 {
			from++
		}
		g.extent[y] = extent{uint16(from), uint16(to)}
	}
	return g
}
