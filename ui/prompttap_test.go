package ui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
)

func tapPrompt() keystore.TapPrompt {
	return keystore.TapPrompt{Keys: []string{"security key", "Yubico YubiKey"}, Purpose: purpose}
}

func TestATapIsAskedForUntilItCame(t *testing.T) {
	h := openWindow(t)
	_, done := h.deps.Prompter.ShowTap(t.Context(), tapPrompt())
	h.until("the tap is asked", func() bool {
		return h.shows("Tap one of your security keys")() && h.shows("needs a tap")() && h.shows("security key or Yubico YubiKey")()
	})
	h.until("the ring is full", h.shows("30 seconds"))
	h.clock.advance(10 * time.Second)
	h.until("twenty seconds are left", h.shows("20 seconds"))
	h.clock.advance(25 * time.Second)
	h.until("it says that none came", h.shows("No tap came yet."))
	done()
	done()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestATapCanBeRefused(t *testing.T) {
	h := openWindow(t)
	cancelled, done := h.deps.Prompter.ShowTap(t.Context(), tapPrompt())
	defer done()
	h.until("the tap is asked", h.shows("Tap one of your security keys"))
	h.press(fyne.KeyEscape)
	wait(h, "the asker is told", cancelled)
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestAOneTimeCodeIsOfferedOnlyWhereItWouldDo(t *testing.T) {
	h := openWindow(t)
	p := tapPrompt()
	_, done := h.deps.Prompter.ShowTap(t.Context(), p)
	h.until("the tap is asked", h.shows("Tap one of your security keys"))
	if h.shows("one-time code")() {
		t.Error("a code is offered that nobody would take")
	}
	done()

	chosen := make(chan struct{}, 1)
	p.Code, p.UseCode = true, func() { chosen <- struct{}{} }
	cancelled, done := h.deps.Prompter.ShowTap(t.Context(), p)
	h.until("a code is offered", h.shows("Use a one-time code instead"))
	if got := h.focused().Text; got != "Cancel" {
		t.Errorf("the keyboard is on %q, want the harmless answer", got)
	}
	h.w.win.Canvas().FocusPrevious()
	h.press(fyne.KeyReturn)
	wait(h, "the code is chosen", chosen)
	select {
	case <-cancelled:
		t.Error("choosing a code cancels as well")
	default:
	}
	done()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestAKeyThatIsNotThereIsWaitedFor(t *testing.T) {
	h := openWindow(t)
	_, done := h.deps.Prompter.ShowTap(t.Context(), keystore.TapPrompt{Purpose: purpose})
	h.until("the key is asked for", h.shows("Plug in your security key"))
	if h.shows("seconds")() || !h.shows("Waiting for a key…")() {
		t.Errorf("nothing is to be tapped yet; on the screen: %q", h.texts())
	}
	done()
	_, done = h.deps.Prompter.ShowTap(t.Context(), keystore.TapPrompt{Keys: []string{"security key"}, Purpose: purpose})
	h.until("the tap is asked", h.shows("Tap your security key"))
	done()
}

func TestATapDoesNotMergeWithATouch(t *testing.T) {
	h := openWindow(t)
	_, touched := h.deps.Prompter.ShowTouch(t.Context(), touchPrompt("Sign in as alice"))
	_, tapped := h.deps.Prompter.ShowTap(t.Context(), tapPrompt())
	h.until("the tap waits", h.shows("1 more question waits"))
	touched()
	h.until("the tap's turn comes", h.shows("Tap one of your security keys"))
	tapped()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestATapCallsAPersonWhoLooksElsewhere(t *testing.T) {
	h := openWindow(t)
	h.w.background = true
	p := tapPrompt()
	p.Keys, p.Purpose.What = p.Keys[:1], "MFA for SSH to root@prod"
	_, done := h.deps.Prompter.ShowTap(t.Context(), p)
	h.until("a notification comes", func() bool { return len(h.desk.notes) == 1 })
	n := h.desk.notes[0]
	if n.title != "Tap your security key" || n.text != "MFA for SSH to root@prod · prod-eu · Touchstone" {
		t.Errorf("it says %q, %q", n.title, n.text)
	}
	done()
	h.until("it is taken back", func() bool { return n.withdrawn })
}

func TestTheFIDO2PINHasLengthsOfItsOwn(t *testing.T) {
	h := openWindow(t)
	answered := make(chan *secret.Bytes, 1)
	go func() {
		pin, err := h.deps.Prompter.AskPIN(t.Context(), keystore.PINPrompt{
			Card: keystore.CardID{Model: "security key"}, Purpose: purpose, AttemptsLeft: 8, FIDO2: true,
		})
		if err != nil {
			t.Errorf("AskPIN: %v", err)
		}
		answered <- pin
	}()
	h.until("the PIN is asked", h.shows("needs the FIDO2 PIN of your security key"))
	h.typeInto("secret", "PIN", "246")
	h.press(fyne.KeyReturn)
	h.typeInto("secret", "PIN", "8 and quite a few more characters") // the three were not enough to be sent
	h.press(fyne.KeyReturn)
	select {
	case pin := <-answered:
		defer pin.Wipe()
		if string(pin.Reveal()) != "2468 and quite a few more characters" {
			t.Errorf("the PIN is %q", pin.Reveal())
		}
	case <-time.After(patience):
		t.Fatal("no answer")
	}
}
