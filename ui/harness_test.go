package ui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// epoch is when all tests happen.
var epoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// patience is how long a test waits for something that another goroutine does.
const patience = 5 * time.Second

// board publishes snapshots as session.Manager and keystore.Store do.
type board[S any] struct {
	mu      sync.Mutex
	now     S
	version *uint64
	changed chan struct{}
}

func newBoard[S any](now S, version func(*S) *uint64) *board[S] {
	b := &board[S]{now: now, changed: make(chan struct{})}
	b.version = version(&b.now)
	*b.version = 1
	return b
}

func (b *board[S]) Snapshot() S {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *board[S]) Wait(ctx context.Context, after uint64) (S, error) {
	for {
		b.mu.Lock()
		now, version, changed := b.now, *b.version, b.changed
		b.mu.Unlock()
		if version > after {
			return now, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return now, ctx.Err()
		}
	}
}

func (b *board[S]) change(f func(*S)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.now)
	*b.version++
	close(b.changed)
	b.changed = make(chan struct{})
}

// clusters is a session manager made of answers.
type clusters struct {
	*board[session.Snapshot]
	add    func(ctx context.Context, address, caFile string) (string, error)
	signIn func(ctx context.Context, cluster, user, password string) error
	open   func(ctx context.Context, r session.ShellRequest) error
	proxy  error       // of opening a local proxy
	asked  chan string // what was asked of it, in order
}

func (c *clusters) AddCluster(ctx context.Context, address, caFile string) (string, error) {
	c.asked <- "add " + address + " " + caFile
	return c.add(ctx, address, caFile)
}

func (c *clusters) SignIn(ctx context.Context, id, user string, password *secret.Bytes, _ keystore.Slot) error {
	defer password.Wipe()
	c.asked <- "sign in " + user + "@" + id
	return c.signIn(ctx, id, user, string(password.Reveal()))
}

func (c *clusters) SignOut(_ context.Context, id string) error {
	c.asked <- "sign out " + id
	return nil
}

func (c *clusters) RefreshServers(_ context.Context, id string) error {
	c.asked <- "refresh " + id
	return nil
}

func (c *clusters) Databases(context.Context, string) ([]session.Database, error) { return nil, nil }
func (c *clusters) Apps(context.Context, string) ([]session.App, error)           { return nil, nil }

func (c *clusters) KubeClusters(context.Context, string) ([]session.KubeCluster, error) {
	return nil, nil
}

func (c *clusters) OpenKube(_ context.Context, ref session.KubeRef) (session.ProxyID, error) {
	c.asked <- "open " + ref.Name
	return 3, c.proxy
}

func (c *clusters) OpenDatabase(_ context.Context, ref session.DatabaseRef) (session.ProxyID, error) {
	c.asked <- "open " + ref.Name + " as " + ref.User + " in " + ref.Database
	return 1, c.proxy
}

func (c *clusters) OpenApp(_ context.Context, ref session.AppRef) (session.ProxyID, error) {
	c.asked <- "open " + ref.Name
	return 2, c.proxy
}

func (c *clusters) StopProxy(id session.ProxyID) error {
	c.asked <- fmt.Sprintf("stop %d", id)
	return nil
}

func (c *clusters) OpenShell(ctx context.Context, r session.ShellRequest) (*session.Shell, error) {
	c.asked <- "open " + r.Login + "@" + r.Host
	return nil, c.open(ctx, r)
}

// cards is a key store made of answers.
type cards struct {
	*board[keystore.Snapshot]
	set      func(pin, puk string) error
	describe func(serial uint32) (*keystore.CardDetails, error)
	replace  func(what, shown, fresh string, last keystore.LastAttempt) error // PIN, PUK or what a PUK unblocks
	reset    func(confirm string) error
	made     error // of making a key
	named    string
	naming   error
	activity []keystore.Activity // what was asked to be signed
	asked    chan string
}

func (c *cards) Activity() []keystore.Activity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.activity
}

func (c *cards) Describe(_ context.Context, serial uint32) (*keystore.CardDetails, error) {
	return c.describe(serial)
}

func (c *cards) ChangePIN(_ context.Context, _ uint32, was, pin *secret.Bytes, last keystore.LastAttempt) error {
	return c.replace("PIN", string(was.Reveal()), string(pin.Reveal()), last)
}

func (c *cards) ChangePUK(_ context.Context, _ uint32, was, puk *secret.Bytes, last keystore.LastAttempt) error {
	return c.replace("PUK", string(was.Reveal()), string(puk.Reveal()), last)
}

func (c *cards) UnblockPIN(_ context.Context, _ uint32, puk, pin *secret.Bytes, last keystore.LastAttempt) error {
	return c.replace("unblock", string(puk.Reveal()), string(pin.Reveal()), last)
}

func (c *cards) Generate(_ context.Context, g keystore.Generation, _ keystore.Purpose) (*keystore.SlotDetails, error) {
	c.asked <- fmt.Sprintf("make %s in %s over %q", g.Policy.Name(), g.Slot, g.Overwrite)
	return nil, c.made
}

func (c *cards) ResetPIV(_ context.Context, _ uint32, confirm string) (*keystore.CardDetails, error) {
	return nil, c.reset(confirm)
}

func (c *cards) SetName(_ uint32, name string) error {
	c.named = name
	return c.naming
}

func (c *cards) Refresh(context.Context) error { c.asked <- "refresh"; return nil }
func (c *cards) ForgetPINs()                   { c.asked <- "forget" }

func (c *cards) SetPINAndPUK(_ context.Context, _ uint32, pin, puk *secret.Bytes) error {
	c.asked <- "set"
	return c.set(string(pin.Reveal()), string(puk.Reveal()))
}

// harness is a window on Fyne's test driver. The test's goroutine is the Fyne thread: posted functions run when the test
// waits for something.
type harness struct {
	t        *testing.T
	app      fyne.App
	posted   chan func()
	clusters *clusters
	cards    *cards
	desk     *desk
	notebook *notebook
	deps     Deps
	w        *Window
	clock    *clock
}

// clock is moved by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var errRefused = errors.New("refused by the test")

func newHarness(t *testing.T, s session.Snapshot, k keystore.Snapshot) *harness {
	t.Helper()
	h := &harness{t: t, app: test.NewTempApp(t), posted: make(chan func(), 1024), clock: &clock{now: epoch}}
	h.app.Settings().SetTheme(NewTheme())
	h.clusters = &clusters{board: newBoard(s, func(s *session.Snapshot) *uint64 { return &s.Version }), asked: make(chan string, 64)}
	h.clusters.add = func(context.Context, string, string) (string, error) { return "", errRefused }
	h.clusters.signIn = func(context.Context, string, string, string) error { return errRefused }
	h.clusters.open = func(context.Context, session.ShellRequest) error { return errRefused }
	h.cards = &cards{board: newBoard(k, func(k *keystore.Snapshot) *uint64 { return &k.Version }), asked: make(chan string, 64)}
	h.cards.set = func(string, string) error { return errRefused }
	h.cards.describe = func(uint32) (*keystore.CardDetails, error) { return nil, errRefused }
	h.cards.replace = func(string, string, string, keystore.LastAttempt) error { return errRefused }
	h.cards.reset = func(string) error { return errRefused }
	post := func(f func()) { h.posted <- f }
	h.desk, h.notebook = &desk{}, &notebook{}
	h.deps = Deps{
		App: h.app, Desktop: h.desk, Memory: h.notebook, Sessions: h.clusters, Keys: h.cards, Post: post, Now: h.clock.Now,
		Prompter: NewPrompter(post, h.clock.Now),
	}
	return h
}

// open makes and shows the window.
func (h *harness) open() *harness {
	h.t.Helper()
	h.w = New(h.deps)
	h.w.Show()
	h.t.Cleanup(h.w.Close)
	return h
}

// until runs what is posted until done holds.
func (h *harness) until(what string, done func() bool) {
	h.t.Helper()
	deadline, again := time.After(patience), time.NewTicker(2*time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case f := <-h.posted:
			f()
		case <-again.C: // what is waited for may happen without a word to the Fyne thread
		case <-deadline:
			h.t.Fatalf("waited in vain until %s; on the screen: %q", what, h.texts())
		}
	}
}

// said waits for the next question to the session manager.
func (h *harness) said(asked chan string, want string) {
	h.t.Helper()
	var got string
	h.until(want, func() bool {
		select {
		case got = <-asked:
			return true
		default:
			return false
		}
	})
	if got != want {
		h.t.Fatalf("asked %q, want %q", got, want)
	}
}

// top is the topmost tree of the main window.
func (h *harness) top() fyne.CanvasObject {
	if o := h.w.win.Canvas().Overlays().Top(); o != nil {
		return o
	}
	return h.w.win.Content()
}

// controls lists what is visible in the topmost tree.
func (h *harness) controls() []widget.Described {
	var found []widget.Described
	visit(h.top(), func(d widget.Described) { found = append(found, d) })
	return found
}

func (h *harness) texts() []string {
	var texts []string
	for _, c := range h.controls() {
		texts = append(texts, c.Describe().Text)
	}
	return texts
}

// shows says whether a text that contains the words is visible.
func (h *harness) shows(words string) func() bool {
	return func() bool {
		return slices.ContainsFunc(h.texts(), func(text string) bool { return strings.Contains(text, words) })
	}
}

// find is the visible control of that kind and name.
func (h *harness) find(kind, name string) widget.Described {
	h.t.Helper()
	for _, c := range h.controls() {
		if d := c.Describe(); d.Kind == kind && d.Text == name {
			return c
		}
	}
	h.t.Fatalf("there is no %s %q; on the screen: %q", kind, name, h.texts())
	return nil
}

func (h *harness) tap(kind, name string) {
	h.t.Helper()
	test.Tap(h.find(kind, name).(fyne.Tappable))
}

// typeInto focuses a field and types.
func (h *harness) typeInto(kind, name, text string) {
	h.t.Helper()
	f := h.find(kind, name).(fyne.Focusable)
	h.w.win.Canvas().Focus(f)
	for _, r := range text {
		f.TypedRune(r)
	}
}

// press sends a key to what has the focus, or to the window.
func (h *harness) press(name fyne.KeyName) {
	key := &fyne.KeyEvent{Name: name}
	if f := h.w.win.Canvas().Focused(); f != nil {
		f.TypedKey(key)
		return
	}
	h.w.win.Canvas().OnTypedKey()(key)
}

// focused describes what has the keyboard.
func (h *harness) focused() widget.Description {
	if d, ok := h.w.win.Canvas().Focused().(widget.Described); ok {
		return d.Describe()
	}
	return widget.Description{}
}

// variantTheme fixes the variant, which tests cannot ask of a system.
type variantTheme struct {
	*Theme
	variant fyne.ThemeVariant
}

func (v variantTheme) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return v.Theme.Color(name, v.variant)
}

// shots paints every screen, which takes a while; without it only the layout is checked.
var shots = flag.Bool("shots", false, "paint every screen into the test's artifacts, dark and light")

// shoot checks that nothing in a window is cut off and, when asked to, draws it in both variants and at two scales into
// the test's artifacts.
func (h *harness) shoot(name string, win fyne.Window) {
	h.t.Helper()
	h.checkLayout(name, win)
	if !*shots {
		return
	}
	dir := h.t.ArtifactDir()
	for _, look := range []struct {
		name    string
		variant fyne.ThemeVariant
		scale   float32
	}{{"dark", theme.VariantDark, 1}, {"light", theme.VariantLight, 1}, {"dark@2", theme.VariantDark, 2}} {
		test.ApplyTheme(h.t, variantTheme{NewTheme(), look.variant})
		if h.w != nil {
			h.w.themeChanged()
			h.settle()
		}
		save(h.t, filepath.Join(dir, name+"-"+look.name+".png"), capture(win, look.scale))
	}
	test.ApplyTheme(h.t, NewTheme())
}

// settle lets terminals paint what is new; only for pictures, which nobody compares.
func (h *harness) settle() {
	enough := time.After(100 * time.Millisecond)
	for {
		select {
		case f := <-h.posted:
			f()
		case <-enough:
			return
		}
	}
}

// checkLayout finds controls that have less room than they need or reach out of the window.
func (h *harness) checkLayout(name string, win fyne.Window) {
	h.t.Helper()
	c := win.Canvas()
	root := win.Content()
	if top := c.Overlays().Top(); top != nil {
		root = top
	}
	visit(root, func(d widget.Described) {
		size, need := d.Size(), d.MinSize()
		corner := fyne.CurrentApp().Driver().AbsolutePositionForObject(d)
		far := corner.AddXY(size.Width, size.Height)
		const slack = 0.5 // fractions of a pixel from fonts
		if size.Width < need.Width-slack || size.Height < need.Height-slack {
			h.t.Errorf("%s: %v has %v and needs %v", name, d.Describe(), size, need)
		}
		if corner.X < 0 || corner.Y < 0 || far.X > c.Size().Width+slack || far.Y > c.Size().Height+slack {
			h.t.Errorf("%s: %v reaches out of the window, from %v to %v", name, d.Describe(), corner, far)
		}
	})
}

func capture(win fyne.Window, scale float32) image.Image {
	c := win.Canvas().(test.WindowlessCanvas)
	c.SetScale(scale)
	defer c.SetScale(1)
	return software.RenderCanvas(c, fyne.CurrentApp().Settings().Theme())
}

func save(t *testing.T, path string, picture image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatalf("saving a picture: %v", err)
	}
	defer f.Close()
	if err := png.Encode(f, picture); err != nil {
		t.Fatalf("saving a picture: %v", err)
	}
}
