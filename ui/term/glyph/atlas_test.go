package glyph

import (
	"bytes"
	"testing"

	"fyne.io/fyne/v2/theme"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/sfnt"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// newAtlas makes an atlas of the Go fonts.
func newAtlas(tb testing.TB, size float64) *Atlas {
	tb.Helper()
	fonts, err := ParseFonts(gomono.TTF, gomonobold.TTF)
	if err != nil {
		tb.Fatal(err)
	}
	a, err := NewAtlas(fonts, size)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func noText(vt.Cell) string { panic("no cell is a cluster") }

func glyphOf(a *Atlas, ch rune, attr vt.Attr) *Glyph {
	return a.Glyph(vt.Cell{Ch: ch, Attr: attr}, noText)
}

// sizes are the text sizes, in pixels, at which shapes are checked.
var sizes = []float64{8, 11, 13, 16, 19.5, 26, 40}

func TestBrokenFontsAreRefused(t *testing.T) {
	if _, err := ParseFonts(nil, nil); err == nil {
		t.Error("no font was accepted")
	}
	if _, err := ParseFonts([]byte("no font"), nil); err == nil {
		t.Error("a broken regular font was accepted")
	}
	if _, err := ParseFonts(gomono.TTF, []byte("no font")); err == nil {
		t.Error("a broken bold font was accepted")
	}
	if _, err := ParseFonts(gomono.TTF, nil, []byte("no font")); err == nil {
		t.Error("a broken fallback font was accepted")
	}
}

func TestGlyphsAreMadeOnce(t *testing.T) {
	a := newAtlas(t, 13)
	for _, ch := range []rune{'a', 'ä', '─', 0x10ffff} {
		if glyphOf(a, ch, 0) != glyphOf(a, ch, vt.Underline|vt.Reverse) {
			t.Errorf("%q was drawn twice", ch)
		}
	}
	if glyphOf(a, 'a', 0) == glyphOf(a, 'a', vt.Bold) {
		t.Error("bold and plain are the same glyph")
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	a := newAtlas(t, 8)
	for ch := rune(0x4e00); ch < 0x4e00+maxGlyphs+100; ch++ {
		glyphOf(a, ch, vt.Wide)
	}
	if n := len(a.rest); n > maxGlyphs {
		t.Errorf("the cache holds %d glyphs, want at most %d", n, maxGlyphs)
	}
}

func TestBlanksAndRightHalvesHaveNoGlyph(t *testing.T) {
	a := newAtlas(t, 13)
	for _, c := range []vt.Cell{{}, {Ch: ' '}, {Attr: vt.Tail}} {
		if a.Glyph(c, noText) != nil {
			t.Errorf("%+v has a glyph", c)
		}
	}
}

func TestStylesLookDifferent(t *testing.T) {
	a := newAtlas(t, 13)
	plain := glyphOf(a, 'k', 0)
	for name, attr := range map[string]vt.Attr{"bold": vt.Bold, "italic": vt.Italic, "bold italic": vt.Bold | vt.Italic} {
		if bytes.Equal(glyphOf(a, 'k', attr).mask, plain.mask) {
			t.Errorf("%s looks like plain", name)
		}
	}
}

func TestBoldIsMadeWhereThereIsNoBoldFont(t *testing.T) {
	fonts, err := ParseFonts(gomono.TTF, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAtlas(fonts, 13)
	if err != nil {
		t.Fatal(err)
	}
	if plain, bold := ink(glyphOf(a, 'k', 0)), ink(glyphOf(a, 'k', vt.Bold)); bold <= plain {
		t.Errorf("bold has %d of ink, want more than %d", bold, plain)
	}
}

// ink is the sum of a glyph's mask.
func ink(g *Glyph) (sum int) {
	for _, v := range g.mask {
		sum += int(v)
	}
	return sum
}

func TestALetterAndItsMarkAreOneGlyph(t *testing.T) {
	a := newAtlas(t, 13)
	cluster := a.Glyph(vt.Cell{Ch: 1, Attr: vt.Cluster}, func(vt.Cell) string { return "e\u0301" })
	if !bytes.Equal(cluster.mask, glyphOf(a, 'é', 0).mask) {
		t.Error("e with a combining accent does not look like é")
	}
}

func TestAMissingCharacterIsABoxOfItsWidth(t *testing.T) {
	a := newAtlas(t, 13)
	narrow, wide := glyphOf(a, 0xe000, 0), glyphOf(a, '漢', vt.Wide)
	if narrow.width != a.Width || wide.width != 2*a.Width {
		t.Errorf("boxes are %d and %d wide, want %d and %d", narrow.width, wide.width, a.Width, 2*a.Width)
	}
	if ink(narrow) == 0 || ink(wide) <= ink(narrow) {
		t.Errorf("boxes have %d and %d of ink, want some, and more in the wide one", ink(narrow), ink(wide))
	}
}

func TestAFallbackFontIsAskedForWhatTheOthersLack(t *testing.T) {
	fonts, err := ParseFonts(gomono.TTF, nil, gomonobold.TTF, theme.DefaultTextFont().Content())
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAtlas(fonts, 13)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		r    rune
		want *sfnt.Font
	}{
		{"a character of the first font", 'ä', fonts.regular},
		{"one that only the last font has", 'ɐ', fonts.fallback[1]},
		{"one that no font has", 0xe000, nil},
	}
	for _, tt := range tests {
		if got, _, _ := fonts.outline(&a.pen.buf, tt.r, false); got != tt.want {
			t.Errorf("%s, %q, was taken from another font", tt.name, tt.r)
		}
	}
	if bytes.Equal(glyphOf(a, 'ɐ', 0).mask, glyphOf(a, 0xe000, 0).mask) {
		t.Error("a character of a fallback font is shown as missing")
	}
}
