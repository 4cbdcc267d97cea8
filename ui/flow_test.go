package ui

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// demoCluster makes the session manager know one cluster, once it was added, and sign in to it.
func demoCluster(h *harness) {
	h.clusters.add = func(context.Context, string, string) (string, error) {
		h.clusters.change(func(s *session.Snapshot) {
			s.Clusters = []session.Cluster{{ID: "demo", Name: "demo", Proxy: "localhost:3080", State: session.SignedOut}}
		})
		return "demo", nil
	}
	h.clusters.signIn = func(_ context.Context, _, user, _ string) error {
		h.clusters.change(func(s *session.Snapshot) {
			c := prod()
			c.ID, c.Name, c.User = "demo", "demo", user
			s.Clusters = []session.Cluster{c}
		})
		return nil
	}
}

func TestTheFirstRunLeadsFromTheServiceToTheServersByKeyboard(t *testing.T) {
	h := newHarness(t, session.Snapshot{}, keystore.Snapshot{Problem: fault.New("The smart-card service is not running.", "Start it.")})
	h.deps.FirstRun = true
	h.deps.Welcome = Welcome{Address: "localhost:3080", CAFile: "/tmp/ca.pem", User: "alice", Password: "hunter22", Note: "This is the demo."}
	demoCluster(h)
	h.cards.set = func(pin, puk string) error {
		if pin != "482913" || puk != "57381964" {
			t.Errorf("set PIN %q and PUK %q", pin, puk)
		}
		h.cards.change(func(k *keystore.Snapshot) { k.Cards = []keystore.CardState{readyCard()} })
		return nil
	}
	h.open()
	h.press(fyne.KeyReturn)
	h.said(h.cards.asked, "refresh")
	h.cards.change(func(k *keystore.Snapshot) { k.Problem = nil })
	h.until("a key is waited for", h.shows("Plug in your security key"))
	h.cards.change(func(k *keystore.Snapshot) { k.Cards = []keystore.CardState{freshCard()} })
	h.until("the key is found", h.shows("Security key found"))
	h.press(fyne.KeyReturn)
	h.typeInto("secret", "New PIN", "482913")
	h.typeInto("secret", "Repeat PIN", "482913")
	h.press(fyne.KeyReturn)
	h.typeInto("secret", "New PUK", "57381964")
	h.typeInto("secret", "Repeat PUK", "57381964")
	h.press(fyne.KeyReturn)
	h.said(h.cards.asked, "set")
	h.until("the cluster is asked", h.shows("Which cluster?"))
	h.press(fyne.KeyReturn)
	h.said(h.clusters.asked, "add localhost:3080 /tmp/ca.pem")
	h.until("the sign-in is asked", h.shows("This is the demo."))
	h.press(fyne.KeyReturn)
	h.said(h.clusters.asked, "sign in alice@demo")
	h.until("the servers are there", h.shows("bastion-03"))
	if !h.shows("The private key is in slot 9c of YubiKey 5C NFC · 24 118 306")() {
		t.Errorf("nothing sums up what was set up; on the screen: %q", h.texts())
	}
	h.shoot("main-after-first-run", h.w.win)
	h.tap("button", "Close note")
	if h.shows("The private key is in slot")() {
		t.Error("the note cannot be closed")
	}
	if h.w.wizard != nil {
		t.Error("the wizard is still there")
	}
}

func TestAKeyInUseSkipsPINAndPUK(t *testing.T) {
	h := newHarness(t, session.Snapshot{}, keystore.Snapshot{Cards: []keystore.CardState{readyCard()}})
	h.deps.FirstRun = true
	h.open()
	h.press(fyne.KeyReturn)
	if !h.shows("Which cluster?")() {
		t.Fatalf("the cluster is not asked; on the screen: %q", h.texts())
	}
	h.tap("button", "Back")
	if !h.shows("Security key found")() {
		t.Errorf("back does not lead to the key; on the screen: %q", h.texts())
	}
}

func TestARefusedPUKIsToldInPlaceAndCanBeTriedAgain(t *testing.T) {
	h := newHarness(t, session.Snapshot{}, keystore.Snapshot{Cards: []keystore.CardState{freshCard()}})
	h.deps.FirstRun = true
	h.cards.set = func(string, string) error {
		return fault.New("YubiKey 24118306 was pulled out.", "Plug it in and try again.")
	}
	h.open()
	h.press(fyne.KeyReturn)
	for _, what := range []string{"PIN", "PUK"} {
		secret := map[string]string{"PIN": "482913", "PUK": "57381964"}[what]
		h.typeInto("secret", "New "+what, secret)
		h.typeInto("secret", "Repeat "+what, secret)
		h.press(fyne.KeyReturn)
	}
	h.until("the problem is told", h.shows("YubiKey 24118306 was pulled out."))
	h.shoot("wizard-5-puk-fault", h.w.win)
	h.cards.set = func(string, string) error { return nil }
	h.tap("button", "Set PIN and PUK")
	h.until("the next try works", h.shows("Which cluster?"))
}

func TestAddingAClusterThatIsNotTrustedShowsWhyAndStays(t *testing.T) {
	h := openWindow(t)
	h.clusters.add = func(context.Context, string, string) (string, error) {
		return "", fault.Wrap(errRefused, "The proxy shows a certificate that is not trusted.", "Compare its SHA-256.")
	}
	h.w.addCluster()
	h.typeInto("field", "Cluster address", "localhost:3080")
	h.press(fyne.KeyReturn)
	h.until("the problem is told", h.shows("The proxy shows a certificate that is not trusted."))
	h.tap("button", "Details")
	if !h.shows(errRefused.Error())() {
		t.Errorf("the details do not tell the cause; on the screen: %q", h.texts())
	}
	h.press(fyne.KeyEscape)
	if h.w.login != nil || len(h.w.modals.open) != 0 {
		t.Error("Escape does not close the dialog")
	}
}

func TestAWrongPasswordIsToldInPlaceAndTheFieldKeepsWhatWasTyped(t *testing.T) {
	h := openWindow(t)
	h.w.cluster = "lab"
	h.w.show()
	given := make(chan string, 2)
	h.clusters.signIn = func(_ context.Context, _, _, password string) error {
		given <- password
		return fault.New("The password or the user name is wrong.", "Try again.")
	}
	h.tap("button", "Sign in")
	h.typeInto("field", "User", "alice")
	h.typeInto("secret", "Password", "hunter2")
	h.press(fyne.KeyReturn)
	h.until("the problem is told", h.shows("The password or the user name is wrong."))
	h.typeInto("secret", "Password", "2")
	h.tap("button", "Try again")
	first, second := wait(h, "the first password arrives", given), wait(h, "the second password arrives", given)
	if first != "hunter2" || second != "hunter22" {
		t.Errorf("signed in with %q and %q", first, second)
	}
}

func TestCancellingASignInCancelsTheWork(t *testing.T) {
	h := openWindow(t)
	h.w.cluster = "lab"
	h.w.show()
	ended := make(chan error, 1)
	h.clusters.signIn = func(ctx context.Context, _, _, _ string) error {
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	h.w.signIn()
	h.typeInto("field", "User", "alice")
	h.typeInto("secret", "Password", "hunter22")
	h.press(fyne.KeyReturn)
	h.said(h.clusters.asked, "sign in alice@lab")
	h.press(fyne.KeyEscape)
	wait(h, "the work is cancelled", ended)
	if len(h.w.modals.open) != 0 {
		t.Error("the dialog is still there")
	}
}

// pipeShell is a shell in memory: what is typed comes back, and it ends with a status.
type pipeShell struct {
	typed  chan string
	out    *io.PipeReader
	outW   *io.PipeWriter
	status chan int
	once   sync.Once
	sizes  chan [2]int
}

func newPipeShell() *pipeShell {
	s := &pipeShell{typed: make(chan string, 64), status: make(chan int, 1), sizes: make(chan [2]int, 64)}
	s.out, s.outW = io.Pipe()
	return s
}

func (s *pipeShell) Stdin() io.WriteCloser { return s }
func (s *pipeShell) Stdout() io.Reader     { return s.out }
func (s *pipeShell) Stderr() io.Reader     { return strings.NewReader("") }
func (s *pipeShell) Write(p []byte) (int, error) {
	s.typed <- string(p)
	return len(p), nil
}

func (s *pipeShell) Resize(cols, rows int) error {
	s.sizes <- [2]int{cols, rows}
	return nil
}

func (s *pipeShell) Wait() (int, error) {
	status := <-s.status
	s.outW.Close()
	return status, nil
}

func (s *pipeShell) Close() error {
	s.once.Do(func() { s.status <- 0 })
	return nil
}

func (s *pipeShell) exit(status int) { s.once.Do(func() { s.status <- status }) }

// openTab connects to a server whose shell is given.
func (h *harness) openTab(s Terminal) *terminalTab {
	h.t.Helper()
	h.w.main.connect(resourceRow{ID: "id-1", Name: "web-1"}, "root")
	tab := h.w.main.terminals[len(h.w.main.terminals)-1]
	h.said(h.clusters.asked, "open root@id-1")
	h.until("the first try has failed", func() bool { return tab.state == tabEnded })
	tab.cfg.open = func(context.Context, session.Terminal) (Terminal, error) { return s, nil }
	tab.start()
	h.until("the session is open", func() bool { return tab.state == tabOpen })
	return tab
}

func TestATerminalTabCarriesBytesBothWaysAndTellsHowItEnded(t *testing.T) {
	h := openWindow(t)
	s := newPipeShell()
	tab := h.openTab(s)
	if _, err := io.WriteString(s.outW, "hello from web-1\r\n"); err != nil {
		t.Fatal(err)
	}
	h.until("the text is on the screen", func() bool { return strings.Contains(tab.screen.Text(), "hello from web-1") })
	test.Type(tab.screen, "ls")
	typed := wait(h, "the keys arrive", s.typed)
	for typed != "ls" {
		typed += wait(h, "the rest of the keys arrives", s.typed)
	}
	s.exit(3)
	h.until("the end is told", h.shows("Ended with status 3."))
	if h.w.main.openSessions() != 0 {
		t.Error("the session still counts as open")
	}
	h.tap("button", "Close tab")
	if len(h.w.main.terminals) != 0 || h.w.main.active != 0 {
		t.Error("the tab is still there")
	}
}

func TestATabWhoseConnectionFailsOffersToTryAgain(t *testing.T) {
	h := openWindow(t)
	h.clusters.open = func(context.Context, session.ShellRequest) error {
		return fault.New("web-1 cannot be reached.", "Check that it is running.")
	}
	h.w.main.connect(resourceRow{ID: "id-1", Name: "web-1"}, "root")
	h.until("the problem is told", h.shows("web-1 cannot be reached."))
	h.said(h.clusters.asked, "open root@id-1")
	h.w.win.Canvas().Focus(h.find("button", "Try again").(fyne.Focusable))
	h.tap("button", "Try again")
	h.said(h.clusters.asked, "open root@id-1")
	if h.w.win.Canvas().Focused() != h.w.main.terminals[0].screen {
		t.Error("the keyboard is not on the terminal")
	}
}

func TestTheKeyboardGoesToTheTerminalWhenWhatHadItIsGone(t *testing.T) {
	h := openWindow(t)
	h.openTab(newPipeShell())
	h.w.win.Canvas().Unfocus()
	_, done := h.deps.Prompter.ShowTouch(t.Context(), touchPrompt("SSH to root@web-1"))
	h.until("the dialog is there", h.shows("Touch your security key"))
	done()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
	if h.w.win.Canvas().Focused() != h.w.main.terminals[0].screen {
		t.Error("the keyboard is not on the terminal")
	}
}

func TestClosingTheWindowWithOpenSessionsAsksOnce(t *testing.T) {
	h := openWindow(t)
	s := newPipeShell()
	h.openTab(s)
	h.w.askToClose()
	if !h.shows("One session is still open.")() {
		t.Fatalf("nobody asks; on the screen: %q", h.texts())
	}
	if got := h.focused().Text; got != "Stay" {
		t.Errorf("the keyboard is on %q, want the harmless answer", got)
	}
	h.shoot("quit", h.w.win)
	h.press(fyne.KeyEscape)
	if len(h.w.modals.open) != 0 {
		t.Error("the question is still there")
	}
}

func TestTheDefaultKeys(t *testing.T) {
	h := openWindow(t)
	s := newPipeShell()
	tab := h.openTab(s)
	canvas := h.w.win.Canvas().(fyne.Shortcutable)
	key := func(name fyne.KeyName, mod fyne.KeyModifier) {
		canvas.TypedShortcut(&desktop.CustomShortcut{KeyName: name, Modifier: mod})
	}
	key(fyne.KeyTab, fyne.KeyModifierControl)
	if h.w.main.active != 0 {
		t.Error("Ctrl+Tab does not turn to the next tab")
	}
	key(fyne.KeyTab, fyne.KeyModifierControl|fyne.KeyModifierShift)
	if h.w.main.active != 1 {
		t.Error("Ctrl+Shift+Tab does not turn to the tab before")
	}
	key(fyne.KeyT, commandKey())
	if h.w.main.active != 0 || h.focused().Text != "Search" {
		t.Errorf("a new connection starts at tab %d on %+v", h.w.main.active, h.focused())
	}
	key(fyne.KeyL, commandKey())
	h.said(h.cards.asked, "forget")
	key(fyne.KeyE, commandKey())
	if got := h.focused(); got.Kind != "item" || got.Text != "prod-eu" {
		t.Errorf("the clusters' key leads to %+v", got)
	}
	tab.screen.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyP, Modifier: commandKey()})
	if got := h.focused(); got.Kind != "button" || got.Text != "Show root@web-1 · prod-eu" {
		t.Errorf("the connections' key leads to %+v", got)
	}
	h.w.main.turn(1)
	key(fyne.KeyW, commandKey())
	if len(h.w.main.terminals) != 0 {
		t.Error("the key does not close the tab")
	}
}

func TestTheServerListConnectsByKeyboardWithTheLoginThatIsPicked(t *testing.T) {
	h := openWindow(t)
	h.w.main.focus()
	h.press(fyne.KeyDown)
	h.press(fyne.KeyReturn)
	h.until("the logins are offered", h.shows("LOG IN AS"))
	h.press(fyne.KeyDown)
	h.press(fyne.KeyReturn)
	want := "open root@" + h.w.main.resources.rows[1].ID
	h.said(h.clusters.asked, want)
}

func TestSearchingNarrowsTheListAndEscapesToAll(t *testing.T) {
	h := openWindow(t)
	h.typeInto("field", "Search", "bastion env=prod")
	if !h.shows("bastion-03")() || h.shows("web-05.prod")() {
		t.Errorf("on the screen: %q", h.texts())
	}
	h.typeInto("field", "Search", " nowhere")
	h.tap("button", "Clear search")
	if !h.shows("a-server-with")() {
		t.Errorf("clearing does not bring the list back; on the screen: %q", h.texts())
	}
}

func TestAServerListThatFailsOffersToTryAgain(t *testing.T) {
	h := openWindow(t)
	h.clusters.change(func(s *session.Snapshot) {
		c := prod()
		c.Servers, c.ServersProblem = nil, fault.New("The servers could not be listed.", "Try again.")
		s.Clusters = []session.Cluster{c}
	})
	h.until("the problem is told", h.shows("The servers could not be listed."))
	h.tap("button", "Try again")
	h.said(h.clusters.asked, "refresh prod-eu.example.com")
}

func TestPickingAClusterThatHasNoServersYetAsksForThem(t *testing.T) {
	h := openWindow(t)
	h.tap("item", "staging")
	h.said(h.clusters.asked, "refresh staging")
}

func TestTabLeadsFromFieldToFieldAndOnToTheButtons(t *testing.T) {
	h := newHarness(t, session.Snapshot{}, keystore.Snapshot{Cards: []keystore.CardState{freshCard()}})
	h.deps.FirstRun = true
	h.open()
	h.press(fyne.KeyReturn)
	var order []string
	for range 4 {
		order = append(order, h.focused().Text)
		h.w.win.Canvas().FocusNext()
	}
	if got, want := strings.Join(order, ", "), "New PIN, Repeat PIN, Back, Continue"; got != want {
		t.Errorf("Tab leads through %s, want %s", got, want)
	}
}
