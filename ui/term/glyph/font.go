package glyph

import (
	"errors"
	"fmt"
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Fonts are the fonts of a terminal, parsed once and used at many sizes.
type Fonts struct {
	regular  *sfnt.Font
	bold     *sfnt.Font // nil: bold is made of regular
	fallback []*sfnt.Font
}

// ParseFonts reads TrueType or OpenType fonts. The regular font gives the size of the cells; bold may be nil; each
// fallback is asked in order for characters that the fonts before it lack.
func ParseFonts(regular, bold []byte, fallback ...[]byte) (*Fonts, error) {
	if len(regular) == 0 {
		return nil, errors.New("parsing the terminal font: no font given")
	}
	f := &Fonts{}
	var err error
	if f.regular, err = sfnt.Parse(regular); err != nil {
		return nil, fmt.Errorf("parsing the terminal font: %w", err)
	}
	if len(bold) > 0 {
		if f.bold, err = sfnt.Parse(bold); err != nil {
			return nil, fmt.Errorf("parsing the bold terminal font: %w", err)
		}
	}
	for i, data := range fallback {
		font, err := sfnt.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("parsing fallback font %d of the terminal: %w", i, err)
		}
		f.fallback = append(f.fallback, font)
	}
	return f, nil
}

// Metrics are the sizes that all cells share, in pixels.
type Metrics struct {
	Width, Height int
	Baseline      int // from the top of the cell
	Line          int // thickness of lines
}

// measure computes the metrics of the regular font at a size.
func (f *Fonts) measure(ppem fixed.Int26_6) (Metrics, error) {
	var buf sfnt.Buffer
	m, err := f.regular.Metrics(&buf, ppem, font.HintingNone)
	if err != nil {
		return Metrics{}, fmt.Errorf("measuring the terminal font: %w", err)
	}
	index, err := f.regular.GlyphIndex(&buf, 'M')
	if err != nil {
		return Metrics{}, fmt.Errorf("measuring the terminal font: %w", err)
	}
	advance, err := f.regular.GlyphAdvance(&buf, index, ppem, font.HintingNone)
	if err != nil {
		return Metrics{}, fmt.Errorf("measuring the terminal font: %w", err)
	}
	height := (m.Ascent + m.Descent).Ceil()
	return Metrics{
		Width:    max(1, advance.Round()),
		Height:   max(1, height),
		Baseline: m.Ascent.Round(),
		Line:     max(1, int(math.Round(float64(ppem)/64/14))),
	}, nil
}

// outline finds the font that has r and its glyph in it. It reports false where none has.
func (f *Fonts) outline(buf *sfnt.Buffer, r rune, bold bool) (in *sfnt.Font, index sfnt.GlyphIndex, ok bool) {
	try := make([]*sfnt.Font, 0, 2+len(f.fallback))
	if bold && f.bold != nil {
		try = append(try, f.bold)
	}
	for _, font := range append(append(try, f.regular), f.fallback...) {
		if i, err := font.GlyphIndex(buf, r); err == nil && i != 0 {
			return font, i, true
		}
	}
	return nil, 0, false
}

// slant is the shear of an italic that is made of an upright letter: about 11 degrees.
const slant = 0.2

// pen draws outlines into a mask.
type pen struct {
	buf    sfnt.Buffer
	raster vector.Rasterizer
}

// placing says how an outline is put into its mask.
type placing struct {
	ppem     fixed.Int26_6
	x        float32 // of the origin, from the left
	baseline float32 // from the top
	italic   bool
}

// draw adds the glyph to mask. Outlines that cannot be read are left out.
func (p *pen) draw(mask *image.Alpha, f *sfnt.Font, index sfnt.GlyphIndex, at placing) {
	segments, err := f.LoadGlyph(&p.buf, index, at.ppem, nil)
	if err != nil {
		return
	}
	size := mask.Bounds().Size()
	p.raster.Reset(size.X, size.Y)
	p.raster.DrawOp = draw.Over
	point := func(q fixed.Point26_6) (x, y float32) {
		x, y = float32(q.X)/64, float32(q.Y)/64
		if at.italic {
			x -= y * slant
		}
		return x + at.x, y + at.baseline
	}
	for _, s := range segments {
		ax, ay := point(s.Args[0])
		bx, by := point(s.Args[1])
		cx, cy := point(s.Args[2])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			p.raster.MoveTo(ax, ay)
		case sfnt.SegmentOpLineTo:
			p.raster.LineTo(ax, ay)
		case sfnt.SegmentOpQuadTo:
			p.raster.QuadTo(ax, ay, bx, by)
		case sfnt.SegmentOpCubeTo:
			p.raster.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	p.raster.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
}
