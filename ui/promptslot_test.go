package ui

import (
	"context"
	"errors"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

type slotAnswered struct {
	answer keystore.SlotAnswer
	err    error
}

// askSlot asks about slot 9c in the background and waits until the question is there.
func (h *harness) askSlot(usable bool) <-chan slotAnswered {
	h.t.Helper()
	done := make(chan slotAnswered, 1)
	prompt := keystore.SlotPrompt{
		Card: keystore.CardID{Serial: 14725836, Model: "YubiKey 5C NFC"}, Purpose: purpose, Want: keystore.Policy{Touch: true},
		Found:  keystore.SlotDetails{Slot: keystore.Slot9C, State: keystore.SlotKey, Algorithm: "ECDSA P-256", Origin: keystore.OriginImported},
		Why:    fault.New("Slot 9c holds a key of somebody else.", "Choose another one."),
		Usable: usable, Free: []keystore.Slot{keystore.Slot9A, keystore.Slot9E},
	}
	ctx := h.t.Context()
	go func() {
		answer, err := h.deps.Prompter.AskSlot(ctx, prompt)
		done <- slotAnswered{answer, err}
	}()
	h.until("the slot is shown", h.shows("Slot 9c is taken"))
	return done
}

func TestATakenSlotIsLeftAloneByDefault(t *testing.T) {
	for name, key := range map[string]fyne.KeyName{"Return": fyne.KeyReturn, "Escape": fyne.KeyEscape, "Space": fyne.KeySpace} {
		t.Run(name, func(t *testing.T) {
			h := openWindow(t)
			done := h.askSlot(true)
			for _, text := range []string{"Slot 9c holds a key of somebody else.", "ECDSA P-256", "elsewhere and imported", "Overwrite…"} {
				if !h.shows(text)() {
					t.Errorf("%q is not shown", text)
				}
			}
			if got := h.focused().Text; got != "Cancel" {
				t.Errorf("the keyboard is on %q, want the harmless answer", got)
			}
			h.press(key)
			if got := wait(h, "the refusal arrives", done); !errors.Is(got.err, context.Canceled) {
				t.Errorf("got %+v, want a refusal", got)
			}
		})
	}
}

func TestAFreeSlotAndTheKeyThatIsThereAreOffered(t *testing.T) {
	for button, want := range map[string]keystore.SlotAnswer{
		"Use slot 9a": {Decision: keystore.SlotElsewhere, Slot: keystore.Slot9A},
		"Use slot 9e": {Decision: keystore.SlotElsewhere, Slot: keystore.Slot9E},
		"Use its key": {Decision: keystore.SlotUse},
	} {
		t.Run(button, func(t *testing.T) {
			h := openWindow(t)
			done := h.askSlot(true)
			h.tap("button", button)
			if got := wait(h, "the answer arrives", done); got.answer != want || got.err != nil {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
	h := openWindow(t)
	h.askSlot(false)
	if h.shows("Use its key")() {
		t.Error("a key is offered that would not do")
	}
	h.press(fyne.KeyEscape)
}

func TestOverwritingWantsTheSlotTyped(t *testing.T) {
	h := openWindow(t)
	done := h.askSlot(false)
	h.tap("button", "Overwrite…")
	h.until("the consequence is shown", h.shows("nothing brings it back"))
	h.shoot("slot-taken", h.w.win)
	field := h.find("field", "Slot to overwrite").(*widget.Field)
	field.SetText("9a")
	h.press(fyne.KeyReturn)
	if len(h.w.modals.open) == 0 {
		t.Fatal("another slot's name overwrites this one")
	}
	field.SetText("9c")
	h.press(fyne.KeyReturn)
	if got := wait(h, "the answer arrives", done); got.answer.Decision != keystore.SlotOverwrite || got.err != nil {
		t.Errorf("got %+v, want the slot given up", got)
	}
}
