package term

import (
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/ui/term/glyph"
	"github.com/touchstone-app/touchstone/ui/term/vt"
)

var (
	_ fyne.Widget        = (*Terminal)(nil)
	_ fyne.Focusable     = (*Terminal)(nil)
	_ fyne.Tabbable      = (*Terminal)(nil)
	_ fyne.Shortcutable  = (*Terminal)(nil)
	_ fyne.Scrollable    = (*Terminal)(nil)
	_ fyne.Draggable     = (*Terminal)(nil)
	_ desktop.Keyable    = (*Terminal)(nil)
	_ desktop.Mouseable  = (*Terminal)(nil)
	_ desktop.Hoverable  = (*Terminal)(nil)
	_ desktop.Cursorable = (*Terminal)(nil)
)

// Terminal is a terminal on the screen. Feed, Write, Text and Close may be called from any goroutine, all else from the
// Fyne thread.
type Terminal struct {
	widget.BaseWidget
	cfg   Config
	fonts *glyph.Fonts

	mu       sync.Mutex
	emulator *vt.Emulator // guarded by mu
	title    string       // the last one told; guarded by mu
	titleDue bool         // tellTitle is posted; guarded by mu
	held     time.Time    // when the synchronized update under way began, or zero; guarded by mu

	out     *output
	dirty   chan struct{} // holds one: something is to be painted
	visible atomic.Bool
	done    chan struct{} // closed by Close
	closing sync.Once
	loops   sync.WaitGroup

	// The rest belongs to the Fyne thread.
	view      view
	viewport  viewport
	selection selection
	clicks    clicks
	keys      keys
	wheel     float32 // scrolled by less than a line
	pressed   int     // the mouse button that is down and reported, or vt.ButtonNone
	focused   bool
	blinkOff  bool // the blinking cursor is in its dark half
	toldCols  int  // the size that OnResize got last
	toldRows  int
}

// New makes a terminal and starts its goroutines; Close ends them. It panics where a font cannot be read or Post is
// missing: both come with the program.
func New(cfg Config) *Terminal {
	cfg = cfg.withDefaults()
	if cfg.Post == nil {
		panic("term: Config.Post is missing")
	}
	fonts, err := glyph.ParseFonts(cfg.Regular, cfg.Bold, cfg.Fallback...)
	if err != nil {
		panic("term: " + err.Error())
	}
	t := &Terminal{
		cfg:      cfg,
		fonts:    fonts,
		emulator: vt.New(80, 24, cfg.History),
		out:      newOutput(cfg.OnInput, cfg.OnResize),
		dirty:    make(chan struct{}, 1),
		done:     make(chan struct{}),
		viewport: viewport{follow: true},
		pressed:  vt.ButtonNone,
	}
	t.visible.Store(true)
	t.tellColors()
	t.view.setPalette(cfg.Palette)
	if err := t.view.setScale(fonts, cfg.Size, 1); err != nil {
		panic("term: " + err.Error())
	}
	t.ExtendBaseWidget(t)
	t.loops.Go(func() { t.paintLoop() })
	t.loops.Go(func() { t.out.run(t.done) })
	return t
}

// Close ends the terminal's goroutines and waits for them. The last screen stays visible. OnInput and OnResize are not
// called any more afterwards. Closing twice is allowed.
func (t *Terminal) Close() {
	t.closing.Do(func() { close(t.done) })
	t.loops.Wait()
}

// feedChunk is how much is interpreted in one go: it bounds how long the painter waits.
const feedChunk = 64 << 10

// Feed interprets what the shell sends. It returns when all of p has taken effect, so that a flood is read only as fast
// as it can be interpreted.
func (t *Terminal) Feed(p []byte) {
	for len(p) > 0 {
		n := min(len(p), feedChunk)
		t.feed(p[:n])
		p = p[n:]
	}
}

func (t *Terminal) feed(p []byte) {
	t.mu.Lock()
	_, _ = t.emulator.Write(p) // it never fails
	reply := t.emulator.TakeReply()
	renamed := t.emulator.Title() != t.title && !t.titleDue
	t.titleDue = t.titleDue || renamed
	t.noteHeldLocked()
	t.mu.Unlock()

	t.out.answer(reply)
	if renamed {
		t.cfg.Post(t.tellTitle)
	}
	t.repaint()
}

// tellTitle passes on the latest title. A shell that changes it a thousand times a second is told of once.
func (t *Terminal) tellTitle() {
	t.mu.Lock()
	title := t.emulator.Title()
	changed := title != t.title
	t.title, t.titleDue = title, false
	t.mu.Unlock()
	if changed {
		t.cfg.OnTitle(title)
	}
}

// Write is Feed as an io.Writer. It never fails.
func (t *Terminal) Write(p []byte) (int, error) {
	t.Feed(p)
	return len(p), nil
}

// Text returns the text of the screen, a line for each row, without blanks at the ends.
func (t *Terminal) Text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.emulator.String()
}

// Cells returns the size of the screen in cells.
func (t *Terminal) Cells() (cols, rows int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.emulator.Size()
}

// SetPalette changes the colours, for another theme.
func (t *Terminal) SetPalette(p Palette) {
	t.cfg.Palette = p
	t.tellColors()
	t.view.setPalette(p)
	t.Refresh()
}

// tellColors gives the emulator the default colours.
func (t *Terminal) tellColors() {
	t.mu.Lock()
	defer t.mu.Unlock()
	fg, bg := t.cfg.Palette.Foreground, t.cfg.Palette.Background
	t.emulator.SetDefaultColors(vt.RGB(fg.R, fg.G, fg.B), vt.RGB(bg.R, bg.G, bg.B))
}

// SetSize changes the text size, in Fyne's units.
func (t *Terminal) SetSize(size float32) {
	t.cfg.Size = max(size, 4)
	if t.view.setScale(t.fonts, t.cfg.Size, t.view.scale) == nil {
		t.Refresh()
	}
}

// Show makes the terminal visible and paints what changed meanwhile.
func (t *Terminal) Show() {
	t.visible.Store(true)
	t.BaseWidget.Show()
	t.repaint()
}

// Hide stops the painting; what is fed is still interpreted.
func (t *Terminal) Hide() {
	t.visible.Store(false)
	t.BaseWidget.Hide()
}

// modes returns the emulator's modes.
func (t *Terminal) modes() vt.Modes {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.emulator.Modes()
}

// send passes on what the person did, and shows where the cursor is.
func (t *Terminal) send(p []byte) {
	if len(p) == 0 {
		return
	}
	t.out.input(p)
	if !t.viewport.follow {
		t.viewport.follow = true
		t.repaint()
	}
}
