package vt

// Sizes beyond these are refused: a screen must fit into memory whatever a window or a server asks for.
const (
	MaxCols = 1000
	MaxRows = 500
)

// DefaultHistory is the number of lines that scrolled off the screen and are kept.
const DefaultHistory = 10_000

// Emulator is the state of one terminal.
type Emulator struct {
	cols, rows int
	main, alt  screen
	active     *screen // &main or &alt
	history    history
	scrolled   uint64 // lines that ever left the main screen at the top

	gen   uint64
	modes Modes
	tabs  []bool
	shape CursorShape
	title string
	fg    Color // of text in the default colour, where somebody asks; see SetDefaultColors
	bg    Color
	last  rune // what REP repeats; 0 when the last thing was not a character
	reply []byte

	clusters clusters
	links    links

	parser parser
}

// New makes an emulator with a screen of cols by rows that keeps up to history lines that scrolled off.
func New(cols, rows, history int) *Emulator {
	e := &Emulator{cols: clamp(cols, 1, MaxCols), rows: clamp(rows, 1, MaxRows)}
	e.history.limit = history
	e.reset()
	return e
}

// reset is RIS: everything but the size and the history is as new.
func (e *Emulator) reset() {
	e.main, e.alt = newScreen(e.cols, e.rows, e.gen), newScreen(e.cols, e.rows, e.gen)
	e.active = &e.main
	e.modes = defaultModes()
	e.shape = CursorBlock
	e.title = ""
	e.last = 0
	e.resetTabs()
}

// Size returns the columns and rows of the screen.
func (e *Emulator) Size() (cols, rows int) { return e.cols, e.rows }

// Title returns what the shell called the window, cleaned; empty if it never did.
func (e *Emulator) Title() string { return e.title }

// Modes returns the modes that the owner must know for keys, mouse and painting.
func (e *Emulator) Modes() Modes { return e.modes }

// HistoryLen returns the number of lines above the screen that can be shown; none on the alternate screen.
func (e *Emulator) HistoryLen() int {
	if e.modes.Alternate {
		return 0
	}
	return e.history.len()
}

// Scrolled returns how many lines ever left the main screen at its top. A line's number on the screen plus Scrolled is
// a position that stays true while output scrolls.
func (e *Emulator) Scrolled() int { return int(e.scrolled) }

// Line returns row y of the screen, counted from 0, or of the history where y is negative: -1 is the newest. It
// returns nil where there is none.
func (e *Emulator) Line(y int) *Line {
	switch {
	case y >= e.rows:
		return nil
	case y >= 0:
		return e.active.rows[y]
	case -y > e.HistoryLen():
		return nil
	}
	return e.history.at(e.history.len() + y)
}

// Cursor is where the next character goes and how that is shown.
type Cursor struct {
	X, Y    int
	Visible bool
	Shape   CursorShape
}

// Cursor returns the cursor of the active screen.
func (e *Emulator) Cursor() Cursor {
	c := &e.active.cur
	return Cursor{X: c.x, Y: c.y, Visible: e.modes.ShowCursor, Shape: e.shape}
}

// CursorShape is what DECSCUSR chooses; blinking is the owner's affair.
type CursorShape uint8

// The shapes of DECSCUSR.
const (
	CursorBlock CursorShape = iota
	CursorUnderline
	CursorBar
)

// TakeReply returns what the emulator has to send to the other side since the last call (answers to DSR, DA and the
// like), or nil.
func (e *Emulator) TakeReply() []byte {
	r := e.reply
	e.reply = nil
	return r
}

// maxReply bounds the answers that wait: whoever asks a thousand times in one breath is not listening.
const maxReply = 512

func (e *Emulator) answer(s string) {
	if len(e.reply)+len(s) <= maxReply {
		e.reply = append(e.reply, s...)
	}
}

func (e *Emulator) resetTabs() {
	e.tabs = make([]bool, e.cols)
	for x := 8; x < e.cols; x += 8 {
		e.tabs[x] = true
	}
}

func clamp(v, lo, hi int) int { return max(lo, min(v, hi)) }
