package ui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

var yubiKey = keystore.CardID{Serial: 24118306, Model: "YubiKey 5C NFC"}

// readyCard is a key in use.
func readyCard() keystore.CardState {
	return keystore.CardState{CardID: yubiKey, Firmware: "5.4.3", Known: true, PINAttempts: 3, PUKAttempts: 3,
		PINCachedUntil: epoch.Add(14 * time.Minute)}
}

// freshCard is a key as it comes from the factory.
func freshCard() keystore.CardState {
	return keystore.CardState{CardID: yubiKey, Firmware: "5.4.3", Known: true, PINIsDefault: true, PUKIsDefault: true,
		PINAttempts: 3, PUKAttempts: 3}
}

// prod is a cluster that is signed in to.
func prod() session.Cluster {
	c := session.Cluster{ID: "prod-eu.example.com", Name: "prod-eu", Proxy: "prod-eu.example.com:443", User: "alice",
		State: session.SignedIn, Expires: epoch.Add(7 * time.Hour), Policy: "hardware_key_touch", Serial: yubiKey.Serial, Slot: "9c",
		Logins: []string{"alice", "root"}}
	names := []string{"web-00.prod", "orders-db-01", "k8s-eu-02", "bastion-03", "win-build-04", "web-05.prod", "a-server-with-a-very-long-name-that-does-not-fit.example.com"}
	for i := range 40 {
		c.Servers = append(c.Servers, session.Server{
			ID: fmt.Sprintf("id-%02d", i), Hostname: names[i%len(names)], Address: fmt.Sprintf("10.12.%d.%d:3022", i/8, i),
			Labels: map[string]string{"env": "prod", "team": "web", "os": "debian12"},
		})
	}
	return c
}

func someClusters() session.Snapshot {
	return session.Snapshot{Clusters: []session.Cluster{prod(),
		{ID: "staging", Name: "staging", User: "alice", State: session.SignedIn, Expires: epoch.Add(2 * time.Hour)},
		{ID: "lab", Name: "lab", State: session.SignedOut},
		{ID: "customer", Name: "customer-a", User: "bob", State: session.Expired}}}
}

func TestTheMainWindowAndTheTouchDialogFit(t *testing.T) {
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}}).open()
	h.shoot("main", h.w.win)
	h.w.deps.Prompter.ShowTouch(t.Context(), keystore.TouchPrompt{Card: yubiKey, Slot: keystore.Slot9C,
		Purpose: keystore.Purpose{Where: "prod-eu", What: "Sign in as alice", Program: "Touchstone"}})
	h.until("the touch dialog is there", h.shows("Touch your security key"))
	h.clock.advance(5 * time.Second)
	h.w.tick()
	h.shoot("touch", h.w.win)
}

func TestEveryPromptFits(t *testing.T) {
	purpose := keystore.Purpose{Where: "prod-eu", What: "Sign in as alice", Program: "Touchstone"}
	mfa := keystore.Purpose{Where: "prod-eu", What: "MFA for SSH to root@prod", Program: "Touchstone"}
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}}).open()
	for name, q := range map[string]*question{
		"pin":        {pin: &keystore.PINPrompt{Card: yubiKey, Slot: keystore.Slot9D, Purpose: purpose, AttemptsLeft: 3, MayBeDefault: true}},
		"pin-wrong":  {pin: &keystore.PINPrompt{Card: yubiKey, Slot: keystore.Slot9D, Purpose: purpose, AttemptsLeft: 2, Wrong: true}},
		"pin-last":   {pin: &keystore.PINPrompt{Card: yubiKey, Slot: keystore.Slot9D, Purpose: purpose, AttemptsLeft: 1, Wrong: true}},
		"newpin":     {newPIN: &keystore.NewPINPrompt{Card: yubiKey, Purpose: purpose, PUKIsDefault: true, Problem: "The PIN is too short."}},
		"newpin-puk": {newPIN: &keystore.NewPINPrompt{Card: yubiKey, Purpose: purpose}},
		"password":   {password: &session.PasswordPrompt{Cluster: "prod-eu", User: "alice"}},
		"password-again": {password: &session.PasswordPrompt{Cluster: "prod-eu", User: "alice",
			Reason: "prod-eu now demands a hardware key with touch."}},
		"otp": {otp: &session.OTPPrompt{Cluster: "prod-eu", User: "alice"}},
		"otp-again": {otp: &session.OTPPrompt{Cluster: "prod-eu", User: "alice",
			Reason: "prod-eu demands a hardware key with touch, so you are signed in once more. Wait for the next code: each counts only once."}},
		"otp-mfa":  {otp: &session.OTPPrompt{Cluster: "prod-eu", User: "alice", Reason: "SSH to root@prod wants to be sure that it is you."}},
		"tap":      {tap: &tap{prompt: keystore.TapPrompt{Keys: []string{"Yubico YubiKey"}, Purpose: mfa, Code: true, UseCode: func() {}}, since: epoch}},
		"tap-keys": {tap: &tap{prompt: keystore.TapPrompt{Keys: []string{"Yubico YubiKey", "Nitrokey 3"}, Purpose: mfa}, since: epoch}},
		"tap-plug": {tap: &tap{prompt: keystore.TapPrompt{Purpose: mfa, Code: true, UseCode: func() {}}, since: epoch}},
	} {
		h.w.layer.showQuestion(q, 2)
		h.shoot(name, h.w.win)
		h.w.win.Resize(wizardSize) // prompts come during the first run as well
		h.checkLayout(name+" in the first run's window", h.w.win)
		h.w.win.Resize(mainSize)
		h.w.layer.hideQuestion(q)
	}
}

func TestTheFirstRunFits(t *testing.T) {
	h := newHarness(t, session.Snapshot{}, keystore.Snapshot{Problem: fault.Wrap(errRefused, "The smart-card service is not running.", "Start it with: sudo systemctl start pcscd.socket")})
	h.deps.FirstRun = true
	h.open()
	h.shoot("wizard-1-service", h.w.win)
	h.w.showKeys(keystore.Snapshot{})
	h.shoot("wizard-2-nokey", h.w.win)
	h.w.showKeys(keystore.Snapshot{Cards: []keystore.CardState{freshCard()}})
	h.shoot("wizard-3-key", h.w.win)
	h.press("Return")
	h.typeInto("secret", "New PIN", "482913")
	h.typeInto("secret", "Repeat PIN", "4829")
	h.shoot("wizard-4-pin", h.w.win)
	h.typeInto("secret", "Repeat PIN", "x")
	h.find("secret", "New PIN").(*widget.SecretEntry).SetBytes([]byte("123456"))
	if !h.shows("This is the PIN that every new YubiKey has.")() {
		t.Errorf("the factory PIN is refused without a word; on the screen: %q", h.texts())
	}
	h.shoot("wizard-4-pin-refused", h.w.win)
}

func TestTheVirtualKeyFits(t *testing.T) {
	h := newHarness(t, someClusters(), keystore.Snapshot{})
	v := newVirtualKeyWindow(h.app, &softKey{status: VirtualKeyStatus{Serial: 25000001, Firmware: "5.4.3", Plugged: true, Waiting: true}}, newLoop(h.deps.Post))
	h.shoot("virtualkey", v.win)
	v.draw(VirtualKeyStatus{Serial: 25000001, Firmware: "5.4.3"})
	h.shoot("virtualkey-out", v.win)
}

type softKey struct{ status VirtualKeyStatus }

func (k *softKey) Status() VirtualKeyStatus { return k.status }
func (k *softKey) Changed() <-chan struct{} { return make(chan struct{}) }
func (k *softKey) Touch()                   {}
func (k *softKey) Plug()                    {}
func (k *softKey) Unplug()                  {}

func TestTheSignInDialogFits(t *testing.T) {
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}}).open()
	h.w.addCluster()
	h.shoot("login-1-address", h.w.win)
	h.w.login.page.(*addressPage).problem.show(fault.Wrap(errRefused, "The proxy at prod-eu.example.com:443 shows a certificate that this computer does not trust.", "Compare its SHA-256 with the one your administrator gives you, then choose the CA file: 3f:2a:91:0c:77:5e:d1:aa:04:19:6b:c2:fe:80:13:9d:3f:2a:91:0c:77:5e:d1:aa:04:19:6b:c2:fe:80:13:9d"))
	h.shoot("login-2-fault", h.w.win)
	h.w.login.close()
	h.w.cluster = "lab"
	h.w.show()
	h.shoot("main-signedout", h.w.win)
	wait := make(chan struct{})
	h.clusters.signIn = func(ctx context.Context, _, _, _ string) error { <-ctx.Done(); close(wait); return ctx.Err() }
	h.w.signIn()
	h.typeInto("field", "User", "alice")
	h.typeInto("secret", "Password", "correct horse battery staple and much more than fits in the field at all")
	h.shoot("login-3-form", h.w.win)
	h.press("Return")
	s := someClusters()
	s.Clusters[2].State = session.SigningIn
	s.Clusters[2].SignIn = &session.SignIn{Steps: []session.Step{session.StepReach, session.StepPassword, session.StepKey, session.StepAgain, session.StepDone},
		Current: session.StepKey, Unmet: "hardware_key_touch_and_pin"}
	h.w.showSessions(s)
	h.shoot("login-4-steps", h.w.win)
	h.press("Escape")
	<-wait
}

func TestTerminalTabsAndMenusFit(t *testing.T) {
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}}).open()
	h.w.main.connect(resourceRow{ID: "1", Name: "web-00.prod"}, "alice")
	tab := h.w.main.terminals[0]
	h.shoot("terminal-connecting", h.w.win)
	h.until("it fails", h.shows("Something went wrong"))
	h.shoot("terminal-failed", h.w.win)
	h.until("the tab is drawn", func() bool { cols, _ := tab.screen.Cells(); return cols > 80 })
	tab.ended(3, nil)
	tab.screen.Feed([]byte("\x1b[32malice@web-00\x1b[0m:\x1b[34m~\x1b[0m$ ls -la\r\ntotal 12\r\ndrwxr-xr-x 2 alice alice 4096 Nov 21 09:00 \x1b[1;34m.\x1b[0m\r\n\x1b[32malice@web-00\x1b[0m:\x1b[34m~\x1b[0m$ exit\r\n"))
	h.until("the text is drawn", func() bool { return strings.Contains(tab.screen.Text(), "exit") && len(h.posted) == 0 })
	h.shoot("terminal-ended", h.w.win)
	h.w.main.turn(0)
	showMenu(h.w.modals, h.find("button", "Sign out"), "LOG IN AS", []choice{{"alice", func() {}}, {"root", func() {}}})
	h.shoot("menu", h.w.win)
	h.press("Escape")
	h.w.askToClose()
	h.shoot("quit", h.w.win)
}

func TestEmptyStatesSayWhatToDoNext(t *testing.T) {
	h := newHarness(t, session.Snapshot{}, keystore.Snapshot{}).open()
	if !h.shows("Add your first cluster")() {
		t.Errorf("an empty window does not say what to do; on the screen: %q", h.texts())
	}
	h.shoot("empty-nocluster", h.w.win)
	c := prod()
	c.Servers, c.ServersLoading = nil, true
	h.w.showSessions(session.Snapshot{Clusters: []session.Cluster{c}})
	h.shoot("empty-loading", h.w.win)
	c.ServersLoading = false
	h.w.showSessions(session.Snapshot{Clusters: []session.Cluster{c}})
	h.shoot("empty-none", h.w.win)
	c.ServersProblem = fault.Wrap(errRefused, "The list of servers of prod-eu could not be read.", "Check your network, then try again.")
	h.w.showSessions(session.Snapshot{Clusters: []session.Cluster{c}})
	h.shoot("empty-problem", h.w.win)
	h.w.showSessions(session.Snapshot{Clusters: []session.Cluster{prod()}})
	h.typeInto("field", "Search", "nothing=here")
	h.shoot("empty-search", h.w.win)
}
