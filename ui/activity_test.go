package ui

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// someActivity is a morning's work, the newest first.
func someActivity() []keystore.Activity {
	key := keystore.Activity{Kind: keystore.ActivitySignature, Model: "YubiKey 5C NFC", Serial: 24118306, Slot: "9c", Where: "prod-eu"}
	with := func(ago time.Duration, change func(*keystore.Activity)) keystore.Activity {
		a := key
		a.Time = epoch.Add(-ago)
		change(&a)
		return a
	}
	return []keystore.Activity{
		with(time.Minute, func(a *keystore.Activity) {
			a.Program, a.What, a.Result, a.Touches = "tsh", `Signature for "tsh ssh root@web-1" as alice`, keystore.ActivitySigned, 1
		}),
		with(time.Hour, func(a *keystore.Activity) {
			a.Program, a.What, a.Result, a.Touches = "Touchstone", "SSH to root@bastion-03", keystore.ActivityRefused, 1
		}),
		with(2*time.Hour, func(a *keystore.Activity) {
			a.Program, a.What, a.Result, a.Reason = "Touchstone", "orders as reader", keystore.ActivityFailed, "YubiKey 24118306 was not touched in time."
		}),
		with(30*time.Hour, func(a *keystore.Activity) {
			a.Program, a.What, a.Result, a.Kind, a.Touches = "Touchstone", "Sign in as alice", keystore.ActivitySigned, keystore.ActivityAssertion, 2
			a.Serial, a.Slot, a.Model = 0, "", "Yubico Security Key"
		}),
		with(300*24*time.Hour, func(a *keystore.Activity) {
			a.Program, a.What, a.Result, a.Via = "Touchstone", "Sign in as alice", keystore.ActivityAbandoned, "key agent"
		}),
	}
}

// openActivity is a window on the page of what keys were asked to sign.
func openActivity(t *testing.T, list []keystore.Activity) *harness {
	t.Helper()
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}, Activity: 7})
	h.cards.activity = list
	h.open()
	h.tap("item", "Activity")
	h.until("the activity was read", func() bool { return !h.w.main.activity.reading })
	return h
}

// use adds what was just signed.
func (h *harness) use(a keystore.Activity) {
	h.cards.change(func(s *keystore.Snapshot) {
		s.Activity++
		h.cards.activity = append([]keystore.Activity{a}, h.cards.activity...)
	})
}

func TestActivityIsToldLineByLine(t *testing.T) {
	want := []activityRow{
		{assets.IconKey, widget.ColorOK, `Signature for "tsh ssh root@web-1" as alice`, "tsh · prod-eu", "YubiKey 24118306, slot 9c", "Signed, one touch", "08:59:00"},
		{assets.IconKey, widget.ColorMuted, "SSH to root@bastion-03", "Touchstone · prod-eu", "YubiKey 24118306, slot 9c", "Refused", "08:00:00"},
		{assets.IconKey, widget.ColorDanger, "orders as reader", "Touchstone · prod-eu · YubiKey 24118306 was not touched in time.", "YubiKey 24118306, slot 9c", "Failed", "07:00:00"},
		{assets.IconShield, widget.ColorOK, "Sign in as alice", "Touchstone · prod-eu", "Yubico Security Key", "Signed, 2 taps", "20 Nov 03:00"},
		{assets.IconKey, widget.ColorMuted, "Sign in as alice", "Touchstone via key agent · prod-eu", "YubiKey 24118306, slot 9c", "Not waited for", "25 Jan 09:00"},
	}
	if diff := cmp.Diff(want, activityRows(someActivity(), epoch)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	bare := activityRows([]keystore.Activity{{Time: epoch.AddDate(-2, 0, 0), Result: keystore.ActivityFailed, Touches: 3}}, epoch)[0]
	if bare.What != "Signature" || bare.Result != "Failed" || bare.When != "21 Nov 2024 09:00" || bare.Who != "" || bare.Key != "none" {
		t.Errorf("a line that knows nothing is %+v", bare)
	}
	if got := touchesText(keystore.Activity{Touches: 3}); got != ", 3 touches" {
		t.Errorf("three touches are %q", got)
	}
}

func TestTheActivityPageFits(t *testing.T) {
	h := openActivity(t, someActivity())
	h.shoot("activity", h.w.win)
	for _, words := range []string{"Activity", `Signature for "tsh ssh root@web-1" as alice`, "Refused", "YubiKey 24118306 was not touched", "Signed, 2 taps"} {
		if !h.shows(words)() {
			t.Errorf("the page does not show %q: %q", words, h.texts())
		}
	}
	if h.w.win.Canvas().Focused() != fyne.Focusable(h.w.main.activity.table) {
		t.Errorf("the keyboard is at %v", h.focused())
	}
}

func TestAnEmptyActivityPageSaysWhatWillBeThere(t *testing.T) {
	h := openActivity(t, nil)
	h.shoot("activity-empty", h.w.win)
	if !h.shows("Nothing was signed yet")() || h.shows("Copy as JSON")() {
		t.Errorf("the page shows %q", h.texts())
	}
	if got := h.focused(); got.Text != "Notify me of each use" {
		t.Errorf("the keyboard is at %v", got)
	}
	h.use(someActivity()[0])
	h.until("the first use is listed", h.shows("as alice"))
}

func TestALongActivityScrolls(t *testing.T) {
	var list []keystore.Activity
	for n := range 1000 {
		a := someActivity()[1]
		a.What = fmt.Sprintf("use %d", n)
		list = append(list, a)
	}
	h := openActivity(t, list)
	h.shoot("activity-long", h.w.win)
	if !h.shows("use 0")() || h.shows("use 999")() {
		t.Error("the page does not begin with the newest")
	}
	h.w.main.activity.table.ScrollToBottom()
	if !h.shows("use 999")() {
		t.Error("the oldest cannot be reached")
	}
}

func TestActivityIsExportedAsJSON(t *testing.T) {
	h := openActivity(t, someActivity())
	h.tap("button", "Copy as JSON")
	var got []keystore.Activity
	if err := json.Unmarshal([]byte(h.app.Clipboard().Content()), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(someActivity(), got); diff != "" {
		t.Errorf("copied (-want +got):\n%s", diff)
	}
}

func TestWhatIsNewIsListedWhileThePageIsShown(t *testing.T) {
	h := openActivity(t, someActivity())
	fresh := someActivity()[0]
	fresh.What = "SSH to root@web-2"
	h.use(fresh)
	h.until("the new one is listed", h.shows("root@web-2"))
	h.cards.mu.Lock()
	fresh.What = "by a command in a terminal" // another process wrote it
	h.cards.activity = append([]keystore.Activity{fresh}, h.cards.activity...)
	h.cards.mu.Unlock()
	h.tap("button", "Read activity again")
	h.until("that one is listed too", h.shows("by a command in a terminal"))
}

func TestNobodyIsNotifiedUnlessTheyWantIt(t *testing.T) {
	h := openActivity(t, someActivity())
	fresh := someActivity()[0]
	fresh.What = "SSH to root@web-2"
	h.use(fresh)
	h.until("the new one is listed", h.shows("root@web-2"))
	if len(h.desk.notes) != 0 {
		t.Fatalf("a notification came: %q", h.desk.notes[0].title)
	}

	h.tap("button", "Notify me of each use")
	h.until("that is remembered", func() bool { return h.notebook.Remembered().NotifyUses })
	h.tap("item", "Security key") // it works from anywhere
	h.use(fresh)
	h.until("a notification comes", func() bool { return len(h.desk.notes) == 1 })
	if n := h.desk.notes[0]; n.title != "tsh used YubiKey 24118306, slot 9c" || n.text != "SSH to root@web-2 · prod-eu" {
		t.Errorf("the notification says %q, %q", n.title, n.text)
	}
	refused := someActivity()[1]
	h.use(refused)
	h.use(fresh)
	h.until("the next one comes", func() bool { return len(h.desk.notes) == 2 })
	if !h.desk.notes[0].withdrawn {
		t.Error("notifications pile up")
	}
	h.desk.notes[1].clicked()
	h.until("the page comes", func() bool { return h.w.main.active == activityPage })

	h.tap("button", "Notify me of each use")
	h.until("that is forgotten", func() bool { return !h.notebook.Remembered().NotifyUses })
}

func TestARefusalIsNoUse(t *testing.T) {
	h := openActivity(t, someActivity()[1:])
	h.tap("button", "Notify me of each use")
	refused := someActivity()[1]
	refused.What = strings.ToUpper(refused.What)
	h.use(refused)
	h.until("it is listed", h.shows(refused.What))
	if len(h.desk.notes) != 0 {
		t.Errorf("a notification came: %q", h.desk.notes[0].title)
	}
}
