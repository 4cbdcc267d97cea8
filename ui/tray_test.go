package ui

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// bastion and web are two servers of prod.
var (
	bastion = Place{Cluster: "prod-eu.example.com", Server: "id-03", Name: "bastion-03"}
	web     = Place{Cluster: "prod-eu.example.com", Server: "id-00", Name: "web-00.prod", Login: "root"}
)

func TestTheTraysMenuTellsWhatMattersAndConnectsWithOneClick(t *testing.T) {
	touched := readyCard()
	touched.TouchCachedUntil = epoch.Add(9 * time.Second)
	waiting := readyCard()
	waiting.TouchWaiting, waiting.PINCachedUntil = true, time.Time{}
	for name, test := range map[string]struct {
		facts trayFacts
		state trayState
		want  string
	}{
		"before anything was set up": {trayFacts{}, traySignedOut,
			"[No security key plugged in]\n-\nShow Touchstone\nQuit"},
		"pins come before recents, and nothing comes twice": {trayFacts{
			sessions: session.Snapshot{Clusters: []session.Cluster{prod()}}, keys: keystore.Snapshot{Cards: []keystore.CardState{touched}},
			remembered: Remembered{Pins: []Place{bastion}, Recents: []Place{web, bastion}},
			tabs:       []trayTab{{"1", "root@web-00.prod", "open"}},
		}, traySignedIn, `[prod-eu · alice · expires in 7 h]
[YubiKey 5C NFC · 24 118 306 · touch good for 10 s]
-
[Pinned]
bastion-03 · prod-eu
-
[Recent]
root@web-00.prod · prod-eu
-
[Open]
root@web-00.prod · open
-
Forget PIN (kept 14 min)
Show Touchstone
Quit`},
		"a question comes first": {trayFacts{
			sessions: session.Snapshot{Clusters: []session.Cluster{{ID: "lab", Name: "lab", State: session.SignedOut}}},
			keys:     keystore.Snapshot{Cards: []keystore.CardState{waiting}}, question: "Touch your security key",
		}, trayWaiting, `Touch your security key
-
[lab · signed out]
[YubiKey 5C NFC · 24 118 306 · waiting for touch]
-
Show Touchstone
Quit`},
		"servers of a cluster that is gone are left out": {trayFacts{remembered: Remembered{Pins: []Place{bastion}, Recents: []Place{web}}}, traySignedOut,
			"[No security key plugged in]\n-\nShow Touchstone\nQuit"},
	} {
		t.Run(name, func(t *testing.T) {
			test.facts.now = epoch
			menu := trayMenu(trayLines(test.facts), func(trayAction) {})
			if diff := cmp.Diff(test.want, strings.Join(menuText(menu), "\n")); diff != "" {
				t.Errorf("menu (-want +got):\n%s", diff)
			}
			if got := trayStateOf(test.facts.sessions, test.facts.keys); got != test.state {
				t.Errorf("the icon is %s, want %s", got.icon().Name(), test.state.icon().Name())
			}
			if last := menu.Items[len(menu.Items)-1]; !last.IsQuit {
				t.Error("the last line does not quit: Fyne would add one that does, without asking")
			}
		})
	}
}

func TestTheTraysMenuMovesInSteps(t *testing.T) {
	card := readyCard()
	card.TouchCachedUntil = epoch.Add(15 * time.Second)
	facts := trayFacts{sessions: session.Snapshot{Clusters: []session.Cluster{prod()}}, keys: keystore.Snapshot{Cards: []keystore.CardState{card}}}
	var changes int
	var before []trayLine
	for second := range 60 {
		facts.now = epoch.Add(time.Duration(second) * time.Second)
		if lines := trayLines(facts); !slices.Equal(lines, before) {
			before, changes = lines, changes+1
		}
	}
	if changes > 5 {
		t.Errorf("the menu changed %d times in a minute; who has it open cannot click", changes)
	}
}

// inTray opens a window that has a tray, and a pinned server.
func inTray(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}})
	h.desk.tray = true
	h.notebook.now = Remembered{Pins: []Place{bastion}, StaysInTray: true}
	h.open()
	h.w.clock()
	return h
}

func TestTheTrayFollowsTheKeyAndIsToldNothingTwice(t *testing.T) {
	h := inTray(t)
	if h.desk.icon != "icon/app-64.png" {
		t.Errorf("signed in, the icon is %s", h.desk.icon)
	}
	menus := h.desk.menus
	h.w.clock()
	if h.desk.menus != menus {
		t.Error("the menu was replaced by the same")
	}
	h.cards.change(func(k *keystore.Snapshot) { k.Cards[0].TouchWaiting = true })
	h.until("the icon asks for a touch", func() bool { return h.desk.icon == "icon/tray-touch.png" })
}

func TestTheTrayIsReadyBeforeTheAppRuns(t *testing.T) {
	h := openWindow(t)
	if h.desk.menu == nil || h.desk.icon == "" {
		t.Error("a window that was just shown has nothing in the tray; Fyne looks only once")
	}
}

func TestAPinConnectsAndTheWindowComesWithTheSession(t *testing.T) {
	h := inTray(t)
	h.w.askToClose()
	if !h.w.hidden {
		t.Fatal("the window is still there")
	}
	answer := make(chan error)
	h.clusters.open = func(ctx context.Context, _ session.ShellRequest) error {
		select {
		case err := <-answer:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	h.desk.click(t, "bastion-03 · prod-eu")
	h.said(h.clusters.asked, "open alice@id-03")
	if !h.w.hidden {
		t.Error("the window came before there was anything to see")
	}
	answer <- errRefused
	h.until("the window comes back", func() bool { return !h.w.hidden })
	if got := h.w.memory.now.Pins[0].Login; got != "alice" {
		t.Errorf("the pin remembers the login %q", got)
	}
}

func TestAPinOfASignedOutClusterSignsInFirst(t *testing.T) {
	h := inTray(t)
	h.w.memory.pin(Place{Cluster: "lab", Server: "1", Name: "lab-1"})
	h.w.clock()
	h.w.askToClose()
	h.desk.click(t, "lab-1 · lab")
	if h.w.hidden || !h.shows("Sign in to lab")() {
		t.Fatalf("the sign-in is not asked for; on the screen: %q", h.texts())
	}
	h.clusters.signIn = func(context.Context, string, string, string) error {
		h.clusters.change(func(s *session.Snapshot) {
			s.Clusters = slices.Clone(s.Clusters)
			s.Clusters[2].State, s.Clusters[2].Logins = session.SignedIn, []string{"root"}
		})
		return nil
	}
	h.typeInto("field", "User", "bob")
	h.typeInto("secret", "Password", "hunter22")
	h.press(fyne.KeyReturn)
	h.said(h.clusters.asked, "sign in bob@lab")
	var asked []string
	h.until("the shell opens", func() bool {
		select {
		case what := <-h.clusters.asked:
			asked = append(asked, what)
		default:
		}
		return slices.Contains(asked, "open root@1")
	})
}

func TestAPinOfAnExpiredClusterLeavesTheAskingToTheSession(t *testing.T) {
	h := inTray(t)
	h.w.memory.pin(Place{Cluster: "customer", Server: "7", Name: "shop-7", Login: "bob"})
	h.w.clock()
	h.w.askToClose()
	h.desk.click(t, "bob@shop-7 · customer-a")
	h.said(h.clusters.asked, "open bob@7")
}

func TestServersArePinnedByMouseAndByKeyboard(t *testing.T) {
	h := openWindow(t)
	h.tap("button", "Pin bastion-03")
	h.find("button", "Unpin bastion-03")
	h.shoot("main-pinned", h.w.win)
	h.w.win.Canvas().Focus(h.w.main.resources.list)
	h.w.win.Canvas().Focused().TypedRune('*')
	first := h.w.main.resources.rows[0]
	h.until("both pins are kept", func() bool { return len(h.notebook.Remembered().Pins) == 2 })
	if got := h.notebook.Remembered().Pins[1].Server; got != first.ID {
		t.Errorf("the keyboard pinned %s, want the first row, %s", got, first.ID)
	}
	h.tap("button", "Unpin bastion-03")
	h.until("the pin is gone", func() bool { return len(h.notebook.Remembered().Pins) == 1 })
}

func TestAPinRemembersAsWhomThePlaceWasVisited(t *testing.T) {
	h := openWindow(t)
	visited := Place{Cluster: "c", Kind: "db", Server: "orders", Name: "orders", Login: "reader", Database: "shop"}
	h.w.memory.visited(visited)
	h.w.memory.pin(Place{Cluster: "c", Kind: "db", Server: "orders", Name: "orders"})
	if diff := cmp.Diff([]Place{visited}, h.w.memory.now.Pins); diff != "" {
		t.Errorf("pins (-want +got):\n%s", diff)
	}
}

func TestRecentServersAreKeptWithoutRepetition(t *testing.T) {
	h := openWindow(t)
	for i := range longestRecents + 3 {
		h.w.memory.visited(Place{Cluster: "c", Server: string(rune('a' + i))})
	}
	h.w.memory.visited(Place{Cluster: "c", Server: "g", Login: "root"})
	var got string
	for _, p := range h.w.memory.now.Recents {
		got += p.Server
	}
	if want := "gkjihfed"; got != want {
		t.Errorf("the recent servers are %s, want %s", got, want)
	}
}

func TestAMemoryThatCannotBeKeptIsTold(t *testing.T) {
	h := openWindow(t)
	h.notebook.err = errRefused
	h.tap("button", "Pin bastion-03")
	h.until("the problem is told", h.shows("Something went wrong"))
}

func TestClosingTheWindowAsksOnceAndGoesOnInTheTray(t *testing.T) {
	h := inTray(t)
	h.w.memory.now.StaysInTray = false
	h.w.askToClose()
	if h.w.hidden || !h.shows("Touchstone keeps running in the tray")() {
		t.Fatalf("closing is not explained; on the screen: %q", h.texts())
	}
	h.shoot("closing", h.w.win)
	h.press(fyne.KeyReturn)
	if !h.w.hidden {
		t.Fatal("the window is still there")
	}
	h.until("the answer is kept", func() bool { return h.notebook.Remembered().StaysInTray })
	h.desk.click(t, "Show Touchstone")
	if h.w.hidden {
		t.Fatal("the window does not come back")
	}
	h.w.askToClose()
	if !h.w.hidden || len(h.w.modals.open) != 0 {
		t.Error("it was asked again")
	}
}

func TestAWindowWhoseTrayGoesComesBack(t *testing.T) {
	h := inTray(t)
	h.w.askToClose()
	h.desk.tray = false
	h.w.clock()
	if h.w.hidden {
		t.Error("nothing leads back to the window")
	}
}

func TestAPromptCallsFromTheTrayAndIsTakenBackWhenAnswered(t *testing.T) {
	h := inTray(t)
	h.w.askToClose()
	_, done := h.w.deps.Prompter.ShowTouch(t.Context(), keystore.TouchPrompt{Card: yubiKey, Slot: keystore.Slot9C,
		Purpose: keystore.Purpose{Where: "prod-eu", What: "SSH to root@web-00"}})
	h.until("a notification comes", func() bool { return len(h.desk.notes) == 1 })
	if n := h.desk.notes[0]; n.title != "Touch your security key" || n.withdrawn {
		t.Errorf("the notification is %+v", n)
	}
	if !h.w.hidden {
		t.Error("a touch, which needs no window, brought it back")
	}
	done()
	h.until("the notification goes", func() bool { return h.desk.notes[0].withdrawn })

	ctx, cancel := context.WithCancel(t.Context())
	go h.w.deps.Prompter.AskPIN(ctx, keystore.PINPrompt{Card: yubiKey, AttemptsLeft: 3})
	h.until("the PIN brings the window", func() bool { return !h.w.hidden && len(h.desk.notes) == 2 })
	cancel()
	h.until("the second notification goes", func() bool { return h.desk.notes[1].withdrawn })
}

func TestAPromptBehindAnotherProgramNotifies(t *testing.T) {
	h := openWindow(t)
	h.w.background = true
	_, done := h.w.deps.Prompter.ShowTouch(t.Context(), keystore.TouchPrompt{Card: yubiKey, Slot: keystore.Slot9C})
	h.until("a notification comes", func() bool { return len(h.desk.notes) == 1 })
	if n := *h.desk.notes[0]; n.title != "Touch your security key" || n.text != "It blinks and waits for you." {
		t.Errorf("the notification says %q and %q", n.title, n.text)
	}
	done()
	h.until("the notification goes", func() bool { return h.desk.notes[0].withdrawn })
}

func TestAPromptInFrontOfThePersonNotifiesNobodyUntilTheWindowIsClosed(t *testing.T) {
	h := inTray(t)
	_, done := h.w.deps.Prompter.ShowTouch(t.Context(), keystore.TouchPrompt{Card: yubiKey, Slot: keystore.Slot9C})
	h.until("the touch is asked for", h.shows("Touch your security key"))
	if len(h.desk.notes) != 0 {
		t.Fatal("a notification came for what is in sight")
	}
	h.w.askToClose()
	if len(h.desk.notes) != 1 {
		t.Fatal("what waits behind a closed window is nowhere to be seen")
	}
	h.desk.notes[0].clicked()
	h.until("a click brings the window", func() bool { return !h.w.hidden })
	done()
}
