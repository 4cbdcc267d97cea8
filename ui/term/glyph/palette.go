package glyph

import (
	"image/color"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// Palette are the colours of a terminal. Colours are opaque; alpha is ignored.
type Palette struct {
	Foreground, Background color.NRGBA
	Cursor, CursorText     color.NRGBA
	Selection              color.NRGBA
	ANSI                   [16]color.NRGBA
}

func hex(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// Dark returns the colours for the dark theme.
func Dark() Palette {
	return Palette{
		Foreground: hex(0xd7dbe6), Background: hex(0x0e1016),
		Cursor: hex(0x6d8bff), CursorText: hex(0x0e1016),
		Selection: hex(0x2b3768),
		ANSI: [16]color.NRGBA{
			hex(0x20242f), hex(0xf2666c), hex(0x3ecf8e), hex(0xf5b54a),
			hex(0x6d8bff), hex(0xc586f0), hex(0x4ec4d6), hex(0xc3c9d6),
			hex(0x6f778a), hex(0xff8a8f), hex(0x6fe3ae), hex(0xffcf7d),
			hex(0x97adff), hex(0xdcb0ff), hex(0x86e1ee), hex(0xf4f6fb),
		},
	}
}

// Light returns the colours for the light theme: each readable on white.
func Light() Palette {
	return Palette{
		Foreground: hex(0x171b26), Background: hex(0xffffff),
		Cursor: hex(0x4666f0), CursorText: hex(0xffffff),
		Selection: hex(0xcfd9fc),
		ANSI: [16]color.NRGBA{
			hex(0x171b26), hex(0xc92f39), hex(0x0f7f50), hex(0x9a5f00),
			hex(0x3252dc), hex(0x8a3fc0), hex(0x0b7285), hex(0xc9cfdb),
			hex(0x5d6579), hex(0xd63c45), hex(0x16905c), hex(0xb36f00),
			hex(0x4666f0), hex(0xa45ad6), hex(0x1590a6), hex(0xf4f6fb),
		},
	}
}

// pixel is a colour as the four bytes of an RGBA image in memory, the lowest first.
type pixel uint32

func toPixel(c color.NRGBA) pixel { return rgb(c.R, c.G, c.B) }

func rgb(r, g, b uint8) pixel { return pixel(r) | pixel(g)<<8 | pixel(b)<<16 | 0xff<<24 }

// mix returns a towards b by weight 0 to 256.
func mix(a, b pixel, weight uint32) pixel {
	const rb, g = 0xff00ff, 0x00ff00
	inverse := 256 - weight
	even := (uint32(b&rb)*weight + uint32(a&rb)*inverse) >> 8 & rb
	odd := (uint32(b&g)>>8*weight + uint32(a&g)>>8*inverse) & g
	return pixel(even|odd) | 0xff<<24
}

// colors is a palette in pixels, with all 256 colours.
type colors struct {
	fg, bg, cursor, cursorText, selection pixel
	indexed                               [256]pixel
}

func compile(p Palette) *colors {
	c := &colors{
		fg: toPixel(p.Foreground), bg: toPixel(p.Background),
		cursor: toPixel(p.Cursor), cursorText: toPixel(p.CursorText), selection: toPixel(p.Selection),
	}
	for i, ansi := range p.ANSI {
		c.indexed[i] = toPixel(ansi)
	}
	// xterm's 6x6x6 cube and its 24 greys.
	levels := [6]uint8{0, 95, 135, 175, 215, 255}
	for i := range 216 {
		c.indexed[16+i] = rgb(levels[i/36], levels[i/6%6], levels[i%6])
	}
	for i := range 24 {
		grey := uint8(8 + 10*i)
		c.indexed[232+i] = rgb(grey, grey, grey)
	}
	return c
}

func (c *colors) resolve(v vt.Color, def pixel) pixel {
	if i, ok := v.Index(); ok {
		return c.indexed[i]
	}
	if r, g, b, ok := v.RGB(); ok {
		return rgb(r, g, b)
	}
	return def
}

// of returns the colours of a cell's character and ground.
func (c *colors) of(cell *vt.Cell, reversed bool) (fg, bg pixel) {
	fg, bg = c.resolve(cell.FG, c.fg), c.resolve(cell.BG, c.bg)
	if reversed != (cell.Attr&vt.Reverse != 0) {
		fg, bg = bg, fg
	}
	if fg != bg && named(cell.FG) && !drawing(cell.Ch) {
		fg = readable(fg, bg)
	}
	if cell.Attr&vt.Faint != 0 {
		fg = mix(bg, fg, 140)
	}
	if cell.Attr&vt.Conceal != 0 {
		fg = bg
	}
	return fg, bg
}

// named reports whether a program left it to us what the colour looks like.
func named(c vt.Color) bool {
	i, indexed := c.Index()
	return c == 0 || indexed && i < 16
}

// drawing reports whether a character is part of a picture, whose colours may lie close together.
func drawing(ch rune) bool { return ch >= 0x2500 && ch <= 0x259f || ch >= 0xe0b0 && ch <= 0xe0b3 }

const (
	tooClose = 56  // of 255 in luma: text that is nearer to its ground is hard to read
	apart    = 112 // how far it is moved away
)

// readable moves fg away from bg where a program's choice does not fit the palette: black text on a dark ground, white
// text on a light one.
func readable(fg, bg pixel) pixel {
	f, b := luma(fg), luma(bg)
	if max(f, b)-min(f, b) >= tooClose {
		return fg
	}
	if b+apart <= 255 {
		return mix(fg, rgb(255, 255, 255), 256*(b+apart-f)/(255-f))
	}
	return mix(fg, rgb(0, 0, 0), 256*(f-(b-apart))/f)
}

// luma is the brightness of a colour, 0 to 255 (Rec. 601 weights).
func luma(p pixel) uint32 {
	r, g, b := uint32(p&0xff), uint32(p>>8&0xff), uint32(p>>16&0xff)
	return (299*r + 587*g + 114*b) / 1000
}
