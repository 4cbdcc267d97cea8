package ui

import (
	"context"
	"errors"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/keystore"
)

// choosing asks which of two cards to use, in the background.
func choosing(h *harness) <-chan error {
	ended := make(chan error, 1)
	go func() {
		serial, err := h.deps.Prompter.ChooseCard(h.t.Context(), keystore.ChoosePrompt{
			Purpose: purpose,
			Cards: []keystore.CardState{
				{CardID: keystore.CardID{Serial: 24118306, Model: "YubiKey 5C NFC", Name: "work"}},
				{CardID: keystore.CardID{Serial: 11223344, Model: "YubiKey 4"}},
			},
		})
		if err == nil && serial != 11223344 {
			err = errors.New("another card was chosen")
		}
		ended <- err
	}()
	h.until("the cards are offered", func() bool {
		return h.shows("Which YubiKey?")() && h.shows("work · 24 118 306")() && h.shows("YubiKey 4 · 11 223 344")()
	})
	return ended
}

func TestOneOfSeveralCardsIsChosenByKeyboard(t *testing.T) {
	h := openWindow(t)
	ended := choosing(h)
	if got := h.focused().Text; got != "work · 24 118 306" {
		t.Errorf("the keyboard is on %q, want the first card", got)
	}
	h.w.win.Canvas().FocusNext()
	h.press(fyne.KeySpace)
	if err := wait(h, "the choice", ended); err != nil {
		t.Errorf("choosing ends with %v", err)
	}
}

func TestNoCardNeedBeChosen(t *testing.T) {
	h := openWindow(t)
	ended := choosing(h)
	h.press(fyne.KeyEscape)
	if err := wait(h, "the refusal", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("choosing ends with %v, want that the person gave up", err)
	}
}
