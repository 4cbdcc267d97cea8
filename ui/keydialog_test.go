package ui

import (
	"errors"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

func TestThePINIsChangedByKeyboard(t *testing.T) {
	h := openKeyPage(t, keyInUse(t))
	h.cards.replace = func(what, shown, fresh string, last keystore.LastAttempt) error {
		if what != "PIN" || shown != "111111" || fresh != "482913" || last != keystore.KeepLast {
			t.Errorf("changed %s from %s to %s, the last attempt allowed: %v", what, shown, fresh, last)
		}
		return nil
	}
	h.tap("button", "Change PIN")
	if f := h.focused(); f.Text != "Present PIN" {
		t.Errorf("the keyboard is at %v", f)
	}
	h.typeInto("secret", "Present PIN", "111111")
	h.typeInto("secret", "New PIN", "123456")
	h.typeInto("secret", "Repeat PIN", "123456")
	h.press(fyne.KeyReturn)
	if !h.shows("This is the PIN that every new YubiKey has.")() {
		t.Errorf("the factory PIN is taken; on the screen: %q", h.texts())
	}
	h.shoot("key-changepin", h.w.win)
	present := h.find("secret", "Present PIN").(*widget.SecretEntry)
	for _, field := range []string{"New PIN", "Repeat PIN"} {
		h.find("secret", field).(*widget.SecretEntry).SetBytes([]byte("482913"))
	}
	h.press(fyne.KeyReturn)
	h.until("it is told", h.shows("was changed."))
	if present.Len() != 0 {
		t.Error("the present PIN is still in memory")
	}
}

// wrongPIN is how the key store tells of one.
func wrongPIN(left int) error {
	return fault.Wrap(&keystore.WrongPINError{AttemptsLeft: left}, "The PIN is wrong.", "Try again.")
}

func TestTheLastAttemptIsSpentOnlyWhenThePersonSaysSo(t *testing.T) {
	h := openKeyPage(t, keyInUse(t))
	answers := []error{wrongPIN(1), fault.Wrap(keystore.ErrLastAttempt, "1 attempt is left.", "Make sure of the PIN."),
		fault.Wrap(keystore.ErrPINBlocked, "The PIN is blocked.", "Unblock it with the PUK.")}
	var asked []keystore.LastAttempt
	h.cards.replace = func(_, _, _ string, last keystore.LastAttempt) error {
		asked = append(asked, last)
		return answers[len(asked)-1]
	}
	h.tap("button", "Change PIN")
	h.typeInto("secret", "New PIN", "482913")
	h.typeInto("secret", "Repeat PIN", "482913")
	h.typeInto("secret", "Present PIN", "111111")
	h.press(fyne.KeyReturn)
	h.until("the wrong PIN is told", h.shows("One attempt left. A wrong PIN blocks it."))
	if f := h.focused(); f.Text != "Present PIN" {
		t.Errorf("after a wrong PIN the keyboard is at %v", f)
	}
	h.shoot("key-changepin-wrong", h.w.win)
	h.typeInto("secret", "Present PIN", "222222")
	h.press(fyne.KeyReturn)
	h.until("a decision is asked for", h.shows("Use the last attempt"))
	h.shoot("key-changepin-last", h.w.win)
	h.tap("button", "Use the last attempt")
	h.until("the way out is offered", h.shows("The PIN is blocked."))
	h.shoot("key-changepin-blocked", h.w.win)
	h.tap("button", "Unblock with PUK")
	if !h.shows("Unblock the PIN")() {
		t.Errorf("the blocked PIN leads nowhere; on the screen: %q", h.texts())
	}
	h.shoot("key-unblock", h.w.win)
	if len(asked) != 3 || asked[0] || asked[1] || !asked[2] {
		t.Errorf("the last attempt was allowed like this: %v", asked)
	}
}

func TestAPUKIsChangedAndABlockedPINSetWithIt(t *testing.T) {
	h := openKeyPage(t, keyInUse(t))
	var said []string
	h.cards.replace = func(what, shown, fresh string, _ keystore.LastAttempt) error {
		said = append(said, what+" "+shown+" "+fresh)
		return nil
	}
	h.tap("button", "Change PUK")
	h.typeInto("secret", "Present PUK", "87654321")
	h.typeInto("secret", "New PUK", "57381964")
	h.typeInto("secret", "Repeat PUK", "57381964")
	h.press(fyne.KeyReturn)
	h.until("it is told", h.shows("The PUK of YubiKey 5C NFC · 24 118 306 was changed."))
	h.tap("button", "Unblock with PUK")
	h.typeInto("secret", "Present PUK", "57381964")
	h.typeInto("secret", "New PIN", "482913")
	h.typeInto("secret", "Repeat PIN", "482913")
	h.press(fyne.KeyReturn)
	h.until("it is told", h.shows("The PIN of YubiKey 5C NFC · 24 118 306 was set."))
	if got, want := strings.Join(said, ", "), "PUK 87654321 57381964, unblock 57381964 482913"; got != want {
		t.Errorf("did %q, want %q", got, want)
	}
}

func TestAFreshKeyGetsItsPINAndPUKOnThePage(t *testing.T) {
	h := openKeyPage(t, freshKey())
	set := make(chan string, 1)
	h.cards.set = func(pin, puk string) error { set <- pin + " " + puk; return nil }
	h.tap("button", "Choose PIN and PUK")
	h.typeInto("secret", "New PIN", "482913")
	h.typeInto("secret", "Repeat PIN", "482913")
	h.typeInto("secret", "New PUK", "482913")
	h.typeInto("secret", "Repeat PUK", "482913")
	h.press(fyne.KeyReturn)
	if !h.shows("The PUK is the same as the PIN.")() {
		t.Errorf("PIN and PUK may be the same; on the screen: %q", h.texts())
	}
	h.shoot("key-setup", h.w.win)
	for _, field := range []string{"New PUK", "Repeat PUK"} {
		h.find("secret", field).(*widget.SecretEntry).SetBytes([]byte("57381964"))
	}
	h.press(fyne.KeyReturn)
	h.said(h.cards.asked, "set")
	if got := <-set; got != "482913 57381964" {
		t.Errorf("set %q", got)
	}
	h.until("it is told", h.shows("has a PIN of your own now"))
}

func TestAResetWantsTheSerialNumberAndKeepsEverythingOtherwise(t *testing.T) {
	h := openKeyPage(t, keyInUse(t))
	confirmed := make(chan string, 1)
	h.cards.reset = func(confirm string) error { confirmed <- confirm; return nil }
	h.tap("button", "Reset key…")
	h.shoot("key-reset", h.w.win)
	for _, words := range []string{"Slot 9a: Another program", "Slot 9c: Touchstone, signs in to prod-eu", "PIN, PUK and management key"} {
		if !h.shows(words)() {
			t.Errorf("the list does not say %q; on the screen: %q", words, h.texts())
		}
	}
	if f := h.focused(); f.Text != "Keep everything" {
		t.Errorf("the keyboard is at %v, which is not the refusal", f)
	}
	h.press(fyne.KeyReturn)
	if len(h.w.modals.open) != 0 {
		t.Fatal("Return does not keep everything")
	}
	h.tap("button", "Reset key…")
	h.typeInto("field", "Serial number", "24118307")
	h.press(fyne.KeyReturn)
	if d := h.find("button", "Reset key").Describe(); !d.Disabled {
		t.Error("a wrong serial number will do")
	}
	h.find("field", "Serial number").(*widget.Field).SetText("24 118 306")
	h.press(fyne.KeyReturn)
	if len(confirmed) != 0 {
		t.Error("Return in the field destroys keys")
	}
	h.tap("button", "Reset key")
	h.until("it is told", h.shows("was reset. It has the factory PIN and PUK."))
	if got := <-confirmed; got != "24118306" {
		t.Errorf("confirmed with %q", got)
	}
}

func TestAKeyIsMadeInAnEmptySlotAtOnceAndInATakenOneOnlyWhenTheSlotIsTyped(t *testing.T) {
	h := openKeyPage(t, keyInUse(t))
	h.tap("button", "Make key in slot 9e")
	h.shoot("key-make", h.w.win)
	h.tap("button", "Touch and PIN")
	h.tap("button", "Make key")
	h.said(h.cards.asked, `make hardware_key_touch_and_pin in 9e over ""`)
	h.until("it is told", h.shows("Slot 9e of YubiKey 5C NFC · 24 118 306 has a new key."))

	h.tap("button", "New key in slot 9a")
	h.shoot("key-overwrite", h.w.win)
	if f := h.focused(); f.Text != "Keep it" {
		t.Errorf("the keyboard is at %v, which is not the refusal", f)
	}
	h.press(fyne.KeyReturn)
	if len(h.w.modals.open) != 0 {
		t.Fatal("Return does not keep what is in the slot")
	}
	h.tap("button", "New key in slot 9a")
	h.typeInto("field", "Slot to overwrite", "9c")
	if d := h.find("button", "Overwrite slot 9a").Describe(); !d.Disabled {
		t.Error("another slot will do")
	}
	h.find("field", "Slot to overwrite").(*widget.Field).SetText("9a")
	h.press(fyne.KeyReturn)
	h.tap("button", "Overwrite slot 9a")
	h.said(h.cards.asked, `make hardware_key in 9a over "what was seen"`)
}

func TestAKeyGetsAName(t *testing.T) {
	h := openKeyPage(t, keyInUse(t))
	h.tap("button", "Name this key")
	h.typeInto("field", "Name", "work")
	h.shoot("key-name", h.w.win)
	h.press(fyne.KeyReturn)
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
	if h.cards.named != "work" {
		t.Errorf("the key is called %q", h.cards.named)
	}
}

func TestEscapeGivesUpAChangeThatIsUnderWay(t *testing.T) {
	h := openKeyPage(t, keyInUse(t))
	under, goOn := make(chan struct{}), make(chan struct{})
	h.cards.replace = func(string, string, string, keystore.LastAttempt) error {
		close(under)
		<-goOn
		return errors.New("given up")
	}
	h.tap("button", "Change PIN")
	h.typeInto("secret", "Present PIN", "111111")
	h.typeInto("secret", "New PIN", "482913")
	h.typeInto("secret", "Repeat PIN", "482913")
	h.press(fyne.KeyReturn)
	<-under
	h.press(fyne.KeyEscape)
	if len(h.w.modals.open) == 0 {
		t.Error("the dialog has gone while the key is at work")
	}
	close(goOn)
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestEveryDialogOfAKeySaysInPlaceWhatWentWrongAndCanBeLeft(t *testing.T) {
	problem := fault.New("YubiKey 24118306 was pulled out.", "Plug it in and try again.")
	twice := func(h *harness, what, secret string) {
		h.typeInto("secret", "New "+what, secret)
		h.typeInto("secret", "Repeat "+what, secret)
	}
	for _, c := range []struct {
		opens  string
		fresh  bool
		fill   func(h *harness)
		button string
	}{
		{"Change PIN", false, func(h *harness) { h.typeInto("secret", "Present PIN", "111111"); twice(h, "PIN", "482913") }, "Change PIN"},
		{"Change PUK", false, func(h *harness) { h.typeInto("secret", "Present PUK", "111111"); twice(h, "PUK", "482913") }, "Change PUK"},
		{"Unblock with PUK", false, func(h *harness) { h.typeInto("secret", "Present PUK", "111111"); twice(h, "PIN", "482913") }, "Set new PIN"},
		{"Choose PIN and PUK", true, func(h *harness) { twice(h, "PIN", "482913"); twice(h, "PUK", "57381964") }, "Set PIN and PUK"},
		{"Make key in slot 9e", false, func(*harness) {}, "Make key"},
		{"Reset key…", false, func(h *harness) { h.typeInto("field", "Serial number", "24118306") }, "Reset key"},
		{"Name this key", false, func(h *harness) { h.typeInto("field", "Name", "work") }, "Keep name"},
	} {
		t.Run(c.opens, func(t *testing.T) {
			key := keyInUse(t)
			if c.fresh {
				key = freshKey()
			}
			h := openKeyPage(t, key)
			h.cards.set = func(string, string) error { return problem }
			h.cards.replace = func(string, string, string, keystore.LastAttempt) error { return problem }
			h.cards.reset = func(string) error { return problem }
			h.cards.made, h.cards.naming = problem, problem
			h.tap("button", c.opens)
			c.fill(h)
			for range 2 { // what was typed is still there for the second try
				h.tap("button", c.button)
				h.until("the problem is told", h.shows("YubiKey 24118306 was pulled out."))
				h.checkLayout(c.opens, h.w.win)
			}
			h.press(fyne.KeyEscape)
			if len(h.w.modals.open) != 0 {
				t.Error("Escape does not close the dialog")
			}
		})
	}
}
