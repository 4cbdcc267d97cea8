package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
)

// secretChange is a command that shows the key one secret and gives it another.
type secretChange struct {
	present string // what is asked for first
	next    string // what is asked for twice
	check   func(next, present []byte) error
	state   func(*keystore.CardDetails) keystore.SecretDetails
	change  func(s *keystore.Store, ctx context.Context, serial uint32, present, next *secret.Bytes, last keystore.LastAttempt) error
	done    string
}

func runKeyPIN(ctx context.Context, env *environment, o *options, _ []string) error {
	return runSecretChange(ctx, env, o, secretChange{
		present: "PIN", next: "PIN", state: pinOf, change: (*keystore.Store).ChangePIN, done: "changed",
		check: func(pin, _ []byte) error { return keystore.CheckNewPIN(pin) },
	})
}

func runKeyPUK(ctx context.Context, env *environment, o *options, _ []string) error {
	return runSecretChange(ctx, env, o, secretChange{
		present: "PUK", next: "PUK", state: pukOf, change: (*keystore.Store).ChangePUK, done: "changed",
		check: func(puk, _ []byte) error { return keystore.CheckNewPUK(puk, nil) },
	})
}

func runKeyUnblock(ctx context.Context, env *environment, o *options, _ []string) error {
	return runSecretChange(ctx, env, o, secretChange{
		present: "PUK", next: "PIN", state: pukOf, change: (*keystore.Store).UnblockPIN, done: "set",
		check: func(pin, _ []byte) error { return keystore.CheckNewPIN(pin) },
	})
}

func pinOf(d *keystore.CardDetails) keystore.SecretDetails { return d.PIN }
func pukOf(d *keystore.CardDetails) keystore.SecretDetails { return d.PUK }

func runSecretChange(ctx context.Context, env *environment, o *options, c secretChange) error {
	return withKey(ctx, env, o, func(k *keyRoom) error {
		details, err := k.keys.Describe(ctx, k.serial)
		if err != nil {
			return err
		}
		if err := k.change(ctx, details, c); err != nil {
			return err
		}
		result := map[string]any{"serial": details.Serial, "result": c.done}
		return k.say(result, "The %s of YubiKey %d was %s.", c.next, details.Serial, c.done)
	})
}

// change asks for the new secret once and for the present one until it is right or one attempt is left.
func (k *keyRoom) change(ctx context.Context, details *keystore.CardDetails, c secretChange) error {
	last := keystore.LastAttempt(k.options.key.lastAttempt)
	for left := c.state(details).AttemptsLeft; ; {
		present, err := k.askPresent(ctx, details.CardID, c, left)
		if err != nil {
			return err
		}
		next, err := k.prompter.askTwice(ctx, c.next, func(next []byte) error { return c.check(next, present.Reveal()) })
		if err == nil {
			err = c.change(k.keys, ctx, details.Serial, present, next, last)
		}
		present.Wipe()
		next.Wipe()
		if left = wrongAttempts(err); left <= 1 {
			return hintLast(err)
		}
		fmt.Fprintf(k.env.stderr, "The %s is wrong.\n", c.present)
	}
}

// hintLast says how to spend the last attempt where that is what is missing.
func hintLast(err error) error {
	if !errors.Is(err, keystore.ErrLastAttempt) {
		return err
	}
	f := fault.From(err)
	return fault.Wrap(err, f.What, f.Do+" On the command line that is said with --last-attempt.")
}

// askPresent asks for the present secret and says how many attempts are left for it.
func (k *keyRoom) askPresent(ctx context.Context, card keystore.CardID, c secretChange, left int) (*secret.Bytes, error) {
	hint := ""
	if left != keystore.AttemptsUnknown {
		hint = " (" + count(left, "attempt") + " left)"
	}
	return k.prompter.ask(ctx, fmt.Sprintf("Present %s of %s%s: ", c.present, card, hint))
}

// wrongAttempts is how many attempts are left after a wrong secret, or 0 for any other result.
func wrongAttempts(err error) int {
	var pin *keystore.WrongPINError
	var puk *keystore.WrongPUKError
	switch {
	case errors.As(err, &pin):
		return pin.AttemptsLeft
	case errors.As(err, &puk):
		return puk.AttemptsLeft
	default:
		return 0
	}
}

// say prints the result of a command, as --format wants it.
func (k *keyRoom) say(result map[string]any, format string, args ...any) error {
	if k.options.format == "json" {
		return printJSON(k.env.stdout, result)
	}
	_, err := fmt.Fprintf(k.env.stdout, format+"\n", args...)
	return err
}
