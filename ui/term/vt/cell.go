package vt

// Attr is a set of cell attributes.
type Attr uint16

// What SGR can switch on, and what the emulator itself notes in a cell.
const (
	Bold Attr = 1 << iota
	Faint
	Italic
	Underline
	DoubleUnderline // set beside Underline
	CurlyUnderline  // set beside Underline
	Blink
	Reverse
	Conceal
	Strike
	Wide    // the left half of a character two columns wide
	Tail    // the right half of one; its Ch is 0
	Cluster // Ch is an index into the table of clusters; Emulator.Text resolves it
)

const underlines = Underline | DoubleUnderline | CurlyUnderline

// Color is the default colour (zero), one of the 256 indexed colours, or a direct one.
type Color uint32

const (
	colorIndexed = 1 << 24
	colorDirect  = 2 << 24
)

// Indexed returns colour i of the 256.
func Indexed(i uint8) Color { return colorIndexed | Color(i) }

// RGB returns a direct colour.
func RGB(r, g, b uint8) Color { return colorDirect | Color(r)<<16 | Color(g)<<8 | Color(b) }

// Index returns the number of an indexed colour.
func (c Color) Index() (i uint8, ok bool) { return uint8(c), c>>24 == 1 }

// RGB returns the parts of a direct colour.
func (c Color) RGB() (r, g, b uint8, ok bool) {
	return uint8(c >> 16), uint8(c >> 8), uint8(c), c>>24 == 2
}

// Cell is one column of one row. It is 16 bytes, so that a screen of 200 by 50 is 160 KB and scrolls through a cache.
// The zero Cell is blank in the default colours.
type Cell struct {
	Ch     rune // 0 where nothing was written; an index where Attr has Cluster
	FG, BG Color
	Attr   Attr
	Link   uint16 // 0 or the number of a hyperlink; Emulator.Link resolves it
}
