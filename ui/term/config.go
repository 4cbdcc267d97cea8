package term

import (
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/ui/term/glyph"
	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// Palette are the colours of a terminal.
type Palette = glyph.Palette

// DarkPalette returns the colours for the dark theme.
func DarkPalette() Palette { return glyph.Dark() }

// LightPalette returns the colours for the light theme.
func LightPalette() Palette { return glyph.Light() }

// Config is what a Terminal is made of. Only Regular and Post must be given.
type Config struct {
	// Regular is a monospace font (TrueType or OpenType); Bold may be nil. Fallback fonts are asked for characters
	// that these lack.
	Regular, Bold []byte
	Fallback      [][]byte
	// Size is the text size in Fyne's units; 13 where it is zero.
	Size float32
	// Palette are the colours; the dark ones where it is zero.
	Palette Palette
	// History is the number of lines kept above the screen; vt.DefaultHistory where it is zero, none where negative.
	History int
	// Blink makes the cursor blink while the terminal has the focus.
	Blink bool

	// Post runs a function on the Fyne thread, some time later or at once: fyne.Do in the app, a queue in tests.
	Post func(func())
	// OnInput gets what the person typed or pasted and what the emulator answers, in order. OnResize gets the size of
	// the screen in cells, the first time when the terminal is laid out. Both are called one at a time on a goroutine
	// of the terminal's own and may block; end what they wait for before Close.
	OnInput  func([]byte)
	OnResize func(cols, rows int)
	// OnTitle gets the cleaned title that the shell sets, on the Fyne thread.
	OnTitle func(string)
	// OnShortcut is offered, on the Fyne thread, each shortcut that has no meaning to a shell: those with Ctrl+Shift,
	// with Super, and Ctrl+Tab. The terminal's own copy and paste come first.
	OnShortcut func(fyne.Shortcut)
	// Clipboard is for copy and paste; the app's where it is nil.
	Clipboard fyne.Clipboard

	// Now and After are the clock; time.Now and time.After where they are nil.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
}

const defaultSize = 13

func (c Config) withDefaults() Config {
	if c.Size <= 0 {
		c.Size = defaultSize
	}
	if c.Palette == (Palette{}) {
		c.Palette = DarkPalette()
	}
	if c.History == 0 {
		c.History = vt.DefaultHistory
	}
	if c.OnInput == nil {
		c.OnInput = func([]byte) {}
	}
	if c.OnResize == nil {
		c.OnResize = func(int, int) {}
	}
	if c.OnTitle == nil {
		c.OnTitle = func(string) {}
	}
	if c.OnShortcut == nil {
		c.OnShortcut = func(fyne.Shortcut) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.After == nil {
		c.After = time.After
	}
	return c
}

func (c Config) clipboard() fyne.Clipboard {
	if c.Clipboard != nil {
		return c.Clipboard
	}
	return fyne.CurrentApp().Clipboard()
}
