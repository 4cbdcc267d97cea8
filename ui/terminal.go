package ui

import (
	"cmp"
	"context"
	"image/color"
	"io"
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/term"
	"github.com/touchstone-app/touchstone/ui/widget"
)

var _ Terminal = (*session.Shell)(nil)

// terminalConfig is what a terminal tab is made of.
type terminalConfig struct {
	title   string // of the tab
	name    string // what runs in it, in sentences
	cluster string // Cluster.ID; empty for a program of this computer
	words   tabWords
	open    func(context.Context, session.Terminal) (Terminal, error)
	loop    *loop
	// All run on the Fyne thread: changed when title or state changed, arrived when the session is open or could not be
	// opened, shortcut for each shortcut that is not the shell's.
	changed  func()
	arrived  func()
	shortcut func(fyne.Shortcut)
	close    func(*terminalTab)
	// focus gives the keyboard to the active tab: the button that started the session again is gone.
	focus func()
}

// terminalTab is one SSH session, or one program of this computer, in a tab: connecting, open, or ended with its last
// screen still readable.
type terminalTab struct {
	cfg    terminalConfig
	id     string
	screen *term.Terminal
	root   *fyne.Container
	foot   *fyne.Container
	title  string // what the shell calls itself
	state  tabState
	cancel context.CancelFunc

	mu   sync.Mutex
	open Terminal // guarded by mu; nil until the session is open
}

// tabState is where a terminal tab stands.
type tabState int

const (
	tabConnecting tabState = iota
	tabOpen
	tabEnded
)

func (s tabState) String() string { return [...]string{"connecting", "open", "ended"}[s] }

func newTerminalTab(id string, cfg terminalConfig) *terminalTab {
	t := &terminalTab{cfg: cfg, id: id, foot: container.NewStack()}
	t.screen = term.New(term.Config{
		Regular: assets.MonoRegular.Content(), Bold: assets.MonoBold.Content(),
		Size: 13, Palette: terminalPalette(), Blink: true,
		Post:     cfg.loop.hop,
		OnInput:  t.input,
		OnResize: t.resize,
		OnTitle: func(title string) {
			t.title = title
			cfg.changed()
		},
		OnShortcut: cfg.shortcut,
	})
	frame := widget.NewBox(widget.BoxStyle{Fill: widget.ColorSide, Stroke: widget.ColorBorder, StrokeWidth: 1, Radius: widget.RadiusL},
		widget.Inset(8, 8, 8, 10, t.screen))
	t.root = container.NewBorder(nil, t.foot, nil, nil, frame)
	return t
}

// terminalPalette is the terminal's colours for the present variant, on the ground of the box around it.
func terminalPalette() term.Palette {
	ground := color.NRGBAModel.Convert(theme.Color(widget.ColorSide)).(color.NRGBA)
	p := term.DarkPalette()
	if ground == light[widget.ColorSide] {
		p = term.LightPalette()
	}
	p.Background = ground
	return p
}

// start opens the session, at first and again after it ended.
func (t *terminalTab) start() {
	t.state = tabConnecting
	t.showFoot(notice(assets.IconTerminal, t.cfg.words.starting, widget.ColorAccent, 600))
	status := 0
	t.cancel = t.cfg.loop.run(func(ctx context.Context) (err error) {
		status, err = t.session(ctx)
		return err
	}, func(err error) { t.ended(status, err) })
	t.cfg.changed()
	t.cfg.focus()
}

// session runs what the tab is for from its opening to its end.
func (t *terminalTab) session(ctx context.Context) (status int, err error) {
	cols, rows := t.screen.Cells()
	s, err := t.cfg.open(ctx, session.Terminal{Type: "xterm-256color", Cols: cols, Rows: rows})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	t.opened(s)
	defer t.setShell(nil)
	var pumps sync.WaitGroup
	pumps.Go(func() { _, _ = io.Copy(t.screen, s.Stdout()) }) // its end shows in Wait
	pumps.Go(func() { _, _ = io.Copy(t.screen, s.Stderr()) })
	status, err = s.Wait()
	pumps.Wait()
	return status, err
}

// opened lets keys through and catches up on a size that changed meanwhile.
func (t *terminalTab) opened(s Terminal) {
	t.setShell(s)
	cols, rows := t.screen.Cells()
	_ = s.Resize(cols, rows) // a session that is gone already says so in Wait
	t.cfg.loop.hop(func() {
		t.state = tabOpen
		t.showFoot(nil)
		t.cfg.changed()
		t.cfg.arrived()
	})
}

func (t *terminalTab) setShell(s Terminal) {
	t.mu.Lock()
	t.open = s
	t.mu.Unlock()
}

func (t *terminalTab) shell() Terminal {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open
}

// input passes typed bytes on; what is typed before the session is open is nobody's and dropped.
func (t *terminalTab) input(p []byte) {
	if s := t.shell(); s != nil {
		_, _ = s.Stdin().Write(p)
	}
}

func (t *terminalTab) resize(cols, rows int) {
	if s := t.shell(); s != nil {
		_ = s.Resize(cols, rows)
	}
}

// ended keeps the last screen and says how the session ended.
func (t *terminalTab) ended(status int, err error) {
	t.state = tabEnded
	if err == nil {
		t.showFoot(t.endLine(t.cfg.words.ended(status)))
	} else {
		b := newBanner(600, t.start)
		b.show(endFault(t.cfg.words, err))
		t.showFoot(b.box)
	}
	t.cfg.changed()
	t.cfg.arrived()
}

func (t *terminalTab) endLine(text string) fyne.CanvasObject {
	again := widget.NewSmallButton(t.cfg.words.again, assets.IconRefresh, "", widget.Secondary, t.start)
	away := widget.NewSmallButton("Close tab", assets.IconClose, "", widget.Secondary, func() { t.cfg.close(t) })
	words := widget.NewText(text, widget.Muted)
	return widget.NewBox(widget.Well, widget.Inset(7, 8, 7, 14, widget.Ends(words, widget.Row(widget.SpaceS, again, away))))
}

func (t *terminalTab) showFoot(o fyne.CanvasObject) {
	t.foot.Objects = nil
	if o != nil {
		t.foot.Objects = []fyne.CanvasObject{widget.Inset(widget.SpaceS, 0, 0, 0, o)}
	}
	t.root.Refresh()
}

// caption is what the shell calls itself, or where it is.
func (t *terminalTab) caption() string { return cmp.Or(t.title, t.cfg.name) }

// closeTab ends the session. The terminal waits until nobody is typing into the session any more, so it ends elsewhere.
func (t *terminalTab) closeTab() {
	if t.cancel != nil {
		t.cancel()
	}
	t.cfg.loop.run(func(context.Context) error {
		t.screen.Close()
		return nil
	}, func(error) {})
}
