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
		return h.shows("Tap your security key")() && h.shows("needs a tap")() && h.shows("security key or Yubico YubiKey")()
	})
	h.until("the ring is full", h.shows("30 seconds"))
	h.clock.advance(10 * time.Second)
	h.until("twenty seconds are left", h.shows("20 seconds"))
	done()
	done()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestATapCanBeRefused(t *testing.T) {
	h := openWindow(t)
	cancelled, done := h.deps.Prompter.ShowTap(t.Context(), tapPrompt())
	defer done()
	h.until("the tap is asked", h.shows("Tap your security key"))
	h.press(fyne.KeyEscape)
	select {
	case <-cancelled:
	case <-time.After(patience):
		t.Fatal("nobody told the asker")
	}
}

func TestATapDoesNotMergeWithATouch(t *testing.T) {
	h := openWindow(t)
	_, touched := h.deps.Prompter.ShowTouch(t.Context(), touchPrompt("Sign in as alice"))
	_, tapped := h.deps.Prompter.ShowTap(t.Context(), tapPrompt())
	h.until("the tap waits", h.shows("1 more question waits"))
	touched()
	h.until("the tap's turn comes", h.shows("Tap your security key"))
	tapped()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
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
