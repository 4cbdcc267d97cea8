package ui

import (
	"testing"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
)

func waitPrompt(reason keystore.WaitReason) keystore.WaitPrompt {
	return keystore.WaitPrompt{
		Card: keystore.CardID{Serial: 24118306, Model: "YubiKey"}, Purpose: purpose, Reason: reason,
		Fault: fault.New("YubiKey 24118306 is needed and not plugged in.", "Plug it in; everything goes on by itself then."),
	}
}

func TestAMissingCardIsWaitedFor(t *testing.T) {
	h := openWindow(t)
	_, done := h.deps.Prompter.ShowWait(t.Context(), waitPrompt(keystore.WaitInsert))
	h.until("the card is asked for", func() bool {
		return h.shows("Plug in your YubiKey")() && h.shows("24118306 is needed")() && h.shows("goes on by itself")()
	})
	if got := h.focused().Text; got != "Cancel" {
		t.Errorf("the keyboard is on %q, want the way out", got)
	}
	_, second := h.deps.Prompter.ShowWait(t.Context(), waitPrompt(keystore.WaitService))
	done()
	done() // a second time does no harm
	h.until("the dialog goes on for the other reason", h.shows("The smart-card service is not running"))
	if n := len(h.w.modals.open); n != 1 {
		t.Errorf("%d dialogs are open, want that those who wait for one card share one", n)
	}
	second()
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}

func TestWaitingForACardCanBeGivenUp(t *testing.T) {
	h := openWindow(t)
	first, done := h.deps.Prompter.ShowWait(t.Context(), waitPrompt(keystore.WaitRelease))
	defer done()
	second, done := h.deps.Prompter.ShowWait(t.Context(), waitPrompt(keystore.WaitRelease))
	defer done()
	h.until("it says what is in the way", h.shows("Your YubiKey is in use"))
	h.press(fyne.KeyEscape)
	wait(h, "the first is told", first)
	wait(h, "the second is told", second)
	h.until("the dialog is gone", func() bool { return len(h.w.modals.open) == 0 })
}
