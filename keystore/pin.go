package keystore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
)

// pinAsk is what is needed to ask for the PIN of a card.
type pinAsk struct {
	prompter Prompter
	prompt   PINPrompt
	ttl      time.Duration // how old a cached PIN may be
}

// inTurn runs a ceremony that may ask for the card's PIN or change what is in its slots. One such ceremony runs at
// a time, so that the second finds what the first left behind instead of asking the same again. The card itself
// stays free for others in between.
func (c *card) inTurn(ctx context.Context, ceremony func() error) error {
	select {
	case c.pinTurn <- struct{}{}:
		defer func() { <-c.pinTurn }()
		return ceremony()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ctx.Done():
		return c.explain(context.Cause(c.ctx))
	}
}

// withPIN obtains the PIN, from the cache or from the person, until use accepts it, and returns the PIN that was
// right, which the caller wipes. use shows the PIN to the card; its failures of the PIN kinds lead to the next
// question. The last attempt before the PIN is blocked is never spent without telling: with one attempt left the
// ceremony ends, and the next one says so in its prompt.
func (c *card) withPIN(ctx context.Context, ask pinAsk, use func(pin *secret.Bytes) error) (*secret.Bytes, error) {
	if pin := c.cachedPIN(ask); pin != nil {
		err := use(pin)
		if !isKind(err, kindPINWrong) {
			return pin, err
		}
		pin.Wipe()
		c.pins.forget() // another program has changed the PIN
		if err := c.noteWrong(&ask.prompt, err); err != nil {
			return nil, err
		}
	}
	for {
		pin, err := c.askPIN(ctx, ask)
		if err != nil {
			return nil, err
		}
		err = use(pin)
		if !isKind(err, kindPINWrong) {
			c.notePIN(ask.prompt.Wrong, err)
			return pin, err
		}
		pin.Wipe()
		if err := c.noteWrong(&ask.prompt, err); err != nil {
			return nil, err
		}
	}
}

// cachedPIN is a copy of the cached PIN, or nil. The last attempt is not spent on a PIN that nobody typed just now.
func (c *card) cachedPIN(ask pinAsk) *secret.Bytes {
	if ask.prompt.AttemptsLeft == 1 {
		return nil
	}
	return c.pins.get(ask.ttl)
}

// noteWrong prepares the next question after a wrong PIN, or ends the asking when one attempt is left.
func (c *card) noteWrong(prompt *PINPrompt, err error) error {
	var f *failure
	errors.As(err, &f)
	c.setAttempts(f.Attempts)
	prompt.Wrong, prompt.AttemptsLeft = true, f.Attempts
	if f.Attempts <= 1 {
		return c.explain(err)
	}
	return nil
}

// notePIN keeps the attempts shown right after the last answer, without asking the card once more.
func (c *card) notePIN(wasWrong bool, err error) {
	switch info := c.known(); {
	case isKind(err, kindPINBlocked):
		c.setAttempts(0)
	case wasWrong && err == nil && info != nil && info.Known:
		c.setAttempts(info.PINTotal)
	}
}

// setAttempts publishes how many attempts the PIN has left.
func (c *card) setAttempts(left int) {
	c.update(func(s *cardState) {
		if s.info != nil {
			info := *s.info // published values never change
			info.PINAttempts = left
			s.info = &info
		}
	})
}

// askPIN asks the person once. The prompt closes when the card is pulled.
func (c *card) askPIN(ctx context.Context, ask pinAsk) (*secret.Bytes, error) {
	ctx, release := c.whilePlugged(ctx)
	defer release()
	pin, err := ask.prompter.AskPIN(ctx, ask.prompt)
	if err != nil {
		return nil, c.promptError(ctx, err)
	}
	if pin.Len() > 0 {
		return pin, nil
	}
	pin.Wipe()
	if ask.prompt.MayBeDefault {
		return secret.New([]byte(factoryPIN)), nil
	}
	return nil, fault.New("No PIN was given.", fmt.Sprintf("Try again and type the PIN of %s.", c.id().inside()))
}

// whilePlugged is ctx, ended early when the card is pulled.
func (c *card) whilePlugged(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) })
	return ctx, func() {
		unlink()
		cancel(nil)
	}
}

// promptError tells a refusal from a prompt that ended because its reason went away, and from one that could not be
// shown.
func (c *card) promptError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return c.explain(cause)
	}
	if _, ok := fault.As(err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	return fault.Wrap(err, fmt.Sprintf("The PIN of %s could not be asked for.", c.id().inside()),
		"Use Touchstone's window or a terminal, where you can be asked, and try again.")
}

// isFactoryPIN reports whether pin is the one that every new YubiKey has.
func isFactoryPIN(pin *secret.Bytes) bool { return string(pin.Reveal()) == factoryPIN }
