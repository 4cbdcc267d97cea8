package ui

import (
	"context"
	"errors"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// askOTP asks for a code in the background.
func (h *harness) askOTP(reason string) <-chan answered {
	return inBackground(func() (*secret.Bytes, *secret.Bytes, error) {
		code, err := h.deps.Prompter.AskOTP(h.t.Context(), session.OTPPrompt{Cluster: "prod-eu", User: "alice", Reason: reason})
		return code, nil, err
	})
}

func TestACodeHasSixDigits(t *testing.T) {
	h := openWindow(t)
	done := h.askOTP("")
	h.until("the code is asked", h.shows("Enter a one-time code"))
	for _, wrong := range []string{"48291", "x", "3"} { // too short, no digit, and then too long
		h.typeInto("secret", "Code", wrong)
		h.press(fyne.KeyReturn)
		if len(h.w.modals.open) == 0 {
			t.Fatalf("after %q the dialog is gone", wrong)
		}
	}
	h.find("secret", "Code").(*widget.SecretEntry).SetBytes([]byte("482 913"))
	h.press(fyne.KeyReturn)
	if got := wait(h, "the code arrives", done); got.first != "482 913" || got.err != nil {
		t.Errorf("got %+v, want the code", got)
	}
}

func TestAnotherCodeIsAskedForWithTheReason(t *testing.T) {
	h := openWindow(t)
	done := h.askOTP("That code was sent before. Wait for the next one.")
	h.until("the reason is there", h.shows("That code was sent before. Wait for the next one."))
	h.press(fyne.KeyEscape)
	if got := wait(h, "the refusal arrives", done); !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %+v, want a refusal", got)
	}
}
