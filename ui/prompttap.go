package ui

import (
	"context"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/keystore"
)

// tapTime is how long most security keys blink for FIDO before they give up (virtual-key sheet, 3.3).
const tapTime = 30 * time.Second

// ShowTap shows that security keys wait for a tap. It returns at once. The key store shows one tap at a time, so that
// no tap serves two things.
func (p *Prompter) ShowTap(ctx context.Context, prompt keystore.TapPrompt) (cancelled <-chan struct{}, done func()) {
	return p.ShowTouch(ctx, keystore.TouchPrompt{
		Card: keystore.CardID{Model: strings.Join(prompt.Keys, " or ")}, Purpose: prompt.Purpose,
	})
}

// isTap tells a tap from a touch: a card that waits for a touch has told its serial number and slot, a security key
// tells neither.
func isTap(p keystore.TouchPrompt) bool { return p.Card.Serial == 0 && p.Slot == 0 }
