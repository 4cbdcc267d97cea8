package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// The sizes of the window: of the first run, and after it.
var (
	wizardSize = fyne.NewSize(900, 620)
	mainSize   = fyne.NewSize(1180, 760)
)

// tickInterval is how often a count-down in sight moves, clockInterval how often all other times do.
const (
	tickInterval  = 100 * time.Millisecond
	clockInterval = time.Second
)

// Window is the main window and, in demo mode, the virtual key's beside it. All its methods run on the Fyne thread.
type Window struct {
	deps   Deps
	win    fyne.Window
	loop   *loop
	modals *modals
	layer  *promptLayer
	tray   tray
	memory *memory

	main   *mainScreen
	wizard *wizard      // nil after the first run
	login  *loginDialog // nil when closed
	key    *virtualKeyWindow

	sessions session.Snapshot
	keys     keystore.Snapshot
	cluster  string // ID of the selected one
	inspect  inspector

	background bool   // another program has the keyboard
	hidden     bool   // closed, and going on in the tray
	withdraw   func() // takes the notification of the visible question away
}

// New makes the window without showing it and gives the app its theme. Deps.Prompter must be the one that key store and
// session manager were given.
func New(d Deps) *Window {
	d.App.Settings().SetTheme(NewTheme())
	w := &Window{deps: d, win: d.App.NewWindow("Touchstone"), loop: newLoop(d.Post)}
	w.tray.desktop, w.memory = d.Desktop, newMemory(d.Memory, w.loop, w.report)
	w.sessions, w.keys = d.Sessions.Snapshot(), d.Keys.Snapshot()
	w.win.SetPadded(false)
	w.win.SetIcon(assets.AppIcon())
	w.win.SetMaster()
	w.win.SetCloseIntercept(w.askToClose)
	w.modals = &modals{canvas: w.win.Canvas(), idle: w.focusMain}
	w.layer = newPromptLayer(d.Prompter, w.modals, d.Now)
	w.layer.copy = func(text string) { d.App.Clipboard().SetContent(text) }
	w.layer.call, w.layer.answered, w.withdraw = w.callPerson, w.answered, func() {}
	w.layer.gestures = func(cluster string) []session.Gesture { return gesturesOf(d.Sessions.Snapshot(), cluster) }
	w.watchForeground()
	w.pickCluster()
	w.main = newMainScreen(w)
	if d.FirstRun {
		w.startWizard()
	} else {
		w.showMain()
	}
	w.win.Canvas().SetOnTypedKey(w.typedKey)
	w.addShortcuts()
	if d.VirtualKey != nil {
		w.key = newVirtualKeyWindow(d.App, d.VirtualKey, w.loop)
	}
	return w
}

// Show shows the window and begins to follow what happens.
func (w *Window) Show() {
	follow(w.loop, w.deps.Sessions.Wait, func(s session.Snapshot) uint64 { return s.Version }, w.showSessions)
	follow(w.loop, w.deps.Keys.Wait, func(s keystore.Snapshot) uint64 { return s.Version }, w.showKeys)
	w.loop.every(tickInterval, w.layer.counting.Load, w.tick)
	w.loop.every(clockInterval, always, w.clock)
	w.showTray()
	w.deps.App.Settings().AddListener(func(fyne.Settings) { w.loop.hop(w.themeChanged) })
	w.win.Show()
	if w.key != nil {
		w.key.show()
		w.win.RequestFocus() // the second window takes the keyboard where it opens
	}
	w.deps.Prompter.attach(w.layer)
	w.refreshSelected()
	w.inspect.start(w)
}

// Close ends everything that the window has under way and waits for it. The composition root calls it after the app's
// loop has ended; prompts that are still open are refused by their own contexts.
func (w *Window) Close() {
	w.inspect.stop()
	w.withdraw()
	w.loop.close()
	w.memory.close()
	for _, t := range w.main.terminals {
		t.screen.Close()
	}
	if w.wizard != nil {
		w.wizard.close()
	}
}

// watchForeground notes whether another program has the keyboard.
func (w *Window) watchForeground() {
	w.deps.App.Lifecycle().SetOnExitedForeground(func() { w.background = true })
	w.deps.App.Lifecycle().SetOnEnteredForeground(func() { w.background = false })
}

// answered takes back what called the person. In demo mode it also brings the keyboard back from the virtual key's
// window after a touch.
func (w *Window) answered(q *question) {
	w.withdraw()
	w.showTrayIcon()
	if w.key != nil && !w.hidden && q.wantsHands() {
		w.win.RequestFocus()
	}
}

// callPerson gets the attention of a person who looks elsewhere: a notification and the tray first, then the window,
// where the platform lets a window come forward. Taps and touches need no keyboard, so they take none away.
func (w *Window) callPerson(q *question) {
	w.showTrayIcon()
	if w.background || w.hidden {
		title, text := summary(q)
		w.withdraw()
		w.withdraw = w.deps.Desktop.Notify(title, text, func() { w.loop.hop(w.raise) })
	}
	if !q.wantsHands() {
		w.raise()
	}
}

func (w *Window) startWizard() {
	w.wizard = newWizard(w.work(), w.win.Canvas(), w.finishWizard)
	w.win.SetContent(w.wizard.root)
	w.win.Resize(wizardSize)
	if f := w.wizard.page.focus(); f != nil {
		w.win.Canvas().Focus(f)
	}
}

// finishWizard goes on to the cluster that was signed in to.
func (w *Window) finishWizard(clusterID string) {
	w.wizard.close()
	w.wizard = nil
	w.sessions = w.deps.Sessions.Snapshot()
	w.cluster = clusterID
	w.showMain()
	w.refreshSelected()
	w.tellSignedIn()
}

// tellSignedIn sums up above the server list what the sign-in has set up.
func (w *Window) tellSignedIn() {
	if c, found := findCluster(w.sessions, w.cluster); found && c.State == session.SignedIn {
		w.main.resources.tell(signedInText(c, w.keys, w.deps.Now()))
	}
}

func (w *Window) showMain() {
	w.win.SetContent(w.main.root)
	w.win.Resize(mainSize)
	w.main.show()
	w.main.focus()
}

// work is what pages and dialogs need.
func (w *Window) work() work {
	return work{loop: w.loop, sessions: w.deps.Sessions, keys: w.deps.Keys, welcome: w.deps.Welcome}
}

func (w *Window) showSessions(s session.Snapshot) {
	w.sessions = s
	w.pickCluster()
	w.show()
	w.layer.showGestures()
}

func (w *Window) showKeys(k keystore.Snapshot) {
	w.keys = k
	w.show()
}

func (w *Window) show() {
	if w.wizard != nil {
		w.wizard.show(w.sessions, w.keys)
		return
	}
	w.main.show()
	w.showTrayIcon()
	if w.login != nil {
		w.login.show(w.sessions, w.keys)
	}
}

// pickCluster keeps a cluster selected: the one that was, else the first that is signed in, else the first.
func (w *Window) pickCluster() {
	if _, found := findCluster(w.sessions, w.cluster); found {
		return
	}
	w.cluster = ""
	for _, c := range w.sessions.Clusters {
		if w.cluster == "" || c.State == session.SignedIn {
			w.cluster = c.ID
		}
		if c.State == session.SignedIn {
			return
		}
	}
}

// tick moves the count-down of a question.
func (w *Window) tick() { w.layer.tick(w.deps.Now()) }

// clock moves the times of the main screen and of the tray.
func (w *Window) clock() {
	w.showTray()
	if w.wizard == nil {
		w.main.tick()
	}
}

func (w *Window) themeChanged() {
	for _, t := range w.main.terminals {
		t.screen.SetPalette(terminalPalette())
	}
}

// typedKey gets the keys that no control had a use for.
func (w *Window) typedKey(key *fyne.KeyEvent) {
	if !w.modals.key(key) && w.wizard != nil {
		w.wizard.key(key)
	}
}

// selectCluster turns to a cluster's servers.
func (w *Window) selectCluster(id string) {
	w.cluster = id
	w.main.resources.tell("")
	w.main.turn(0)
	w.main.show()
	w.refreshSelected()
}

// refreshSelected asks for what a signed-in cluster offers that shows nothing yet.
func (w *Window) refreshSelected() {
	c, _ := findCluster(w.sessions, w.cluster)
	if c.State == session.SignedIn && countOf(c, anyKind) == 0 && !loading(c) {
		refreshLists(w.loop, w.deps.Sessions, c.ID)
	}
}

func (w *Window) addCluster() { w.openLogin(session.Cluster{}, func() {}) }

func (w *Window) signIn() {
	cluster, _ := findCluster(w.sessions, w.cluster)
	w.openLogin(cluster, func() {})
}

// openLogin opens the dialog unless it is open; then runs when it has led to a session.
func (w *Window) openLogin(cluster session.Cluster, then func()) {
	if w.login != nil {
		return
	}
	w.login = newLoginDialog(w.work(), w.modals, cluster, func(id string) {
		w.signedIn(id)
		then()
	}, func() { w.login = nil })
}

// signedIn turns to the cluster that a dialog has signed in to.
func (w *Window) signedIn(clusterID string) {
	w.sessions = w.deps.Sessions.Snapshot()
	w.selectCluster(clusterID)
	w.tellSignedIn()
}

func (w *Window) signOut() {
	id := w.cluster
	w.loop.run(func(ctx context.Context) error { return w.deps.Sessions.SignOut(ctx, id) }, w.report)
}

// report shows an error that belongs to no screen.
func (w *Window) report(err error) {
	if err == nil {
		return
	}
	b := newBanner(dialogWidth, nil)
	b.showError(err)
	if b.fault == nil {
		return
	}
	card := &modal{}
	card.cancel = func() { w.modals.hide(card) }
	card.submit = card.cancel
	button := widget.NewButton("Close", widget.Primary, card.cancel)
	card.content = widget.Column(widget.SpaceL, b.box, widget.Ends(nil, button))
	card.focus = func() fyne.Focusable { return button }
	b.changed = card.refresh
	w.modals.show(card)
}

func (w *Window) forgetPIN() { w.deps.Keys.ForgetPINs() }

// newConnection turns to the server list with the search ready for typing.
func (w *Window) newConnection() {
	w.main.turn(0)
	if w.main.resources.search.Visible() {
		w.win.Canvas().Focus(w.main.resources.search.Field)
	}
}

func (w *Window) closeActiveTab() {
	if w.main.active > 0 {
		w.main.closeTab(w.main.terminals[w.main.active-1])
	}
}

// turnTab goes to the next tab or the one before, round and round.
func (w *Window) turnTab(by int) {
	n := len(w.main.terminals) + 1
	w.main.turn((max(w.main.active, 0) + by + n) % n) // pages without a tab count as the first
}

// focusMain gives the keyboard to what the active tab wants.
func (w *Window) focusMain() {
	if w.wizard == nil {
		w.main.focus()
	}
}

func (w *Window) focusClusters() {
	if f := w.main.side.clusters.first(); f != nil {
		w.win.Canvas().Focus(f)
	}
}

func (w *Window) showConnections() { w.main.turn(connectionsPage) }
