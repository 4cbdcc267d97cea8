package keystore

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
)

// maxNewPINAnswers bounds how often refused answers are asked for again; a person who needs more starts over.
const maxNewPINAnswers = 10

// needsSetUp reports whether the card still has a factory secret, as far as it tells.
func (i *cardInfo) needsSetUp() bool { return i.Known && (i.PINIsDefault || i.PUKIsDefault) }

// mayHaveDefaultPIN reports whether the PIN can be the factory one.
func (i *cardInfo) mayHaveDefaultPIN() bool { return !i.Known || i.PINIsDefault }

// chooseNewPIN asks for a new PIN and a PUK until the card has taken both, and returns the new PIN, which the caller
// wipes.
func (c *card) chooseNewPIN(ctx context.Context, prompter Prompter, purpose Purpose) (*secret.Bytes, error) {
	info := c.known()
	prompt := NewPINPrompt{Card: c.id(), Purpose: purpose, PUKIsDefault: !info.Known || info.PUKIsDefault}
	for range maxNewPINAnswers {
		pin, puk, err := c.askNewPIN(ctx, prompter, prompt)
		if err != nil {
			return nil, err
		}
		err = c.install(ctx, pin, puk, prompt.PUKIsDefault)
		puk.Wipe()
		if err == nil {
			return pin, nil
		}
		pin.Wipe()
		problem, again := c.problemOf(err, &prompt)
		if !again {
			return nil, c.explain(err)
		}
		prompt.Problem = problem
	}
	return nil, fault.New(fmt.Sprintf("No new PIN was set on %s.", c.id().inside()),
		"Start again when you have chosen a PIN and a PUK.")
}

func (c *card) askNewPIN(ctx context.Context, prompter Prompter, prompt NewPINPrompt) (pin, puk *secret.Bytes, _ error) {
	ctx, release := c.whilePlugged(ctx)
	defer release()
	pin, puk, err := prompter.AskNewPIN(ctx, prompt)
	if err != nil {
		return nil, nil, c.promptError(ctx, err)
	}
	return pin, puk, nil
}

// problemOf says what was wrong with the answers, and whether to ask again.
func (c *card) problemOf(err error, prompt *NewPINPrompt) (string, bool) {
	if f, ok := fault.As(err); ok {
		return f.Error(), true // one of the rules for a new PIN or PUK
	}
	var f *failure
	if !errors.As(err, &f) || f.Kind != kindPUKWrong {
		return "", false
	}
	if prompt.PUKIsDefault { // the card could not tell, and the guess was wrong
		prompt.PUKIsDefault = false
		return fmt.Sprintf("%s has a PUK of its own already. Type that PUK.", c.id()), f.Attempts > 1
	}
	return fmt.Sprintf("The PUK is wrong, %s left.", attempts(f.Attempts)), f.Attempts > 1
}

// install checks PIN and PUK and sets them on the card: replacePUK says whether puk takes the place of the factory
// PUK. The PIN that was cached is forgotten.
func (c *card) install(ctx context.Context, pin, puk *secret.Bytes, replacePUK bool) error {
	if err := CheckNewPIN(pin.Reveal()); err != nil {
		return err
	}
	if replacePUK {
		if err := CheckNewPUK(puk.Reveal(), pin.Reveal()); err != nil {
			return err
		}
	} else if err := checkPresentPUK(puk.Reveal(), pin.Reveal()); err != nil {
		return err
	}
	c.pins.forget()
	q := &request{Op: opSetUp, Serial: c.id().Serial, ResetPUK: replacePUK, secrets: secrets{NewPIN: pin, PUK: puk}}
	_, err := c.ask(ctx, q)
	_, _ = c.identify(ctx) // whatever happened, show what the card says now
	return err
}

// checkPresentPUK spares the card an attempt for a PUK that cannot be the present one.
func checkPresentPUK(puk, pin []byte) error {
	if err := checkNewSecret("PUK", puk); err != nil {
		return err
	}
	if string(puk) == string(pin) {
		return fault.New("The PIN is the same as the PUK.",
			"Choose a different PIN: the PUK is for the day when the PIN is lost.")
	}
	return nil
}

// replaceFactorySecrets is Store.SetPINAndPUK for one card.
func (c *card) replaceFactorySecrets(ctx context.Context, pin, puk *secret.Bytes) error {
	info, err := c.identify(ctx)
	if err != nil {
		return err
	}
	if info.Known && !info.needsSetUp() {
		return fault.New(fmt.Sprintf("%s has a PIN and a PUK of its own already.", c.id()), "Sign in with that PIN.")
	}
	return c.explain(c.install(ctx, pin, puk, !info.Known || info.PUKIsDefault))
}
