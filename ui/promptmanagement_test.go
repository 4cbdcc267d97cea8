package ui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// commands are as long as real ones.
var commands = []string{
	"ykman --device 14725836 piv keys generate --algorithm ECCP256 --pin-policy ONCE --touch-policy CACHED 9c public.pem",
	"ykman --device 14725836 piv certificates generate --subject O=teleport 9c public.pem",
}

// askManagementKey asks for an AES-128 key in the background and waits until the question is there.
func (h *harness) askManagementKey(problem string) <-chan answered {
	h.t.Helper()
	ctx := h.t.Context()
	done := inBackground(func() (*secret.Bytes, *secret.Bytes, error) {
		key, err := h.deps.Prompter.AskManagementKey(ctx, keystore.ManagementPrompt{
			Card: keystore.CardID{Serial: 14725836, Model: "YubiKey 5C NFC"}, Slot: keystore.Slot9C, Purpose: purpose,
			Algorithm: "AES-128", Digits: 32, Problem: problem, Commands: commands,
		})
		return key, nil, err
	})
	h.until("the management key is asked for", h.shows("Enter the management key"))
	return done
}

func TestAManagementKeyIsTakenWhenAllItsDigitsAreThere(t *testing.T) {
	h := openWindow(t)
	done := h.askManagementKey("")
	h.until("the digits are counted", h.shows("0 of 32 hexadecimal digits (AES-128)"))
	for _, wrong := range []string{strings.Repeat("a", 31), "g"} {
		h.typeInto("secret", "Management key", wrong)
		h.press(fyne.KeyReturn)
		if len(h.w.modals.open) == 0 {
			t.Fatalf("after %q the dialog is gone", wrong)
		}
	}
	good := strings.Repeat("a1 ", 16)
	h.find("secret", "Management key").(*widget.SecretEntry).SetBytes([]byte(good))
	h.until("the digits are counted", h.shows("32 of 32"))
	h.press(fyne.KeyReturn)
	if got := wait(h, "the key arrives", done); got.first != good || got.err != nil {
		t.Errorf("got %+v, want the key as it was typed", got)
	}
}

func TestTheLinesForYkmanCanBeCopiedAndTheCardLookedAtAgain(t *testing.T) {
	h := openWindow(t)
	done := h.askManagementKey("That is not the management key.")
	h.until("the reason is there", h.shows("That is not the management key."))
	h.shoot("management-key", h.w.win)
	h.tap("button", "Copy the lines")
	if got := h.app.Clipboard().Content(); got != strings.Join(commands, "\n") {
		t.Errorf("%q was copied", got)
	}
	h.tap("button", "They have run: look again")
	if got := wait(h, "the answer arrives", done); got.first != "" || got.err != nil {
		t.Errorf("got %+v, want nothing typed", got)
	}
}

func TestAManagementKeyCanBeRefused(t *testing.T) {
	h := openWindow(t)
	done := h.askManagementKey("")
	h.press(fyne.KeyEscape)
	if got := wait(h, "the refusal arrives", done); !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %+v, want a refusal", got)
	}
}
