package keystore

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// String names a card as every sentence does: "YubiKey 14725836", or "YubiKey 14725836 (work)" if it has a name.
func (c CardID) String() string {
	switch {
	case c.Serial == 0:
		return "The " + cmp.Or(c.Model, "YubiKey")
	case c.Name != "":
		return fmt.Sprintf("YubiKey %d (%s)", c.Serial, c.Name)
	default:
		return fmt.Sprintf("YubiKey %d", c.Serial)
	}
}

// inside is the card's name in the middle of a sentence.
func (c CardID) inside() string {
	if c.Serial == 0 {
		return "the " + cmp.Or(c.Model, "YubiKey")
	}
	return c.String()
}

// explain turns what went wrong with the card into sentences. A refused prompt and an ended context stay what they
// are.
func (c *card) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return faultOf(c.id(), err)
}

// faultOf is the one place that finds sentences for failures of a card. A fault that was written where more was
// known stays.
func faultOf(card CardID, err error) *fault.Fault {
	if f, ok := fault.As(err); ok {
		return f
	}
	var f *failure
	switch {
	case errors.As(err, &f):
		return failureFault(card, f)
	case errors.Is(err, ErrCardRemoved):
		return removedFault(card, err)
	case errors.Is(err, errNoAnswer):
		return fault.Wrap(err, fmt.Sprintf("%s does not answer.", card),
			"Close other programs that may be using it, or unplug it and plug it in again, and try once more.")
	case errors.Is(err, ErrClosed):
		return fault.Wrap(err, "Touchstone is closing.", "Start it again to use your key.")
	default:
		return fault.Wrap(err, fmt.Sprintf("%s could not be used.", card),
			"Unplug it, plug it in again and try once more.")
	}
}

func failureFault(card CardID, f *failure) *fault.Fault {
	switch f.Kind {
	case kindService:
		return serviceFault(f, " and try again.")
	case kindGone:
		return removedFault(card, f)
	case kindShared:
		return sharedFault(card, f, "and try again.")
	case kindOtherCard:
		return fault.Wrap(errors.Join(ErrCardRemoved, f),
			fmt.Sprintf("Another key was plugged in in place of %s.", card.inside()),
			"Plug the right key in and try again.")
	case kindChanged:
		return fault.Wrap(errors.Join(ErrSlotChanged, f),
			fmt.Sprintf("The key in the slot on %s was replaced since you signed in.", card.inside()),
			"Sign in again to use the key that is there now.")
	case kindPINWrong, kindPINBlocked, kindPINNeeded:
		return pinFault(card, f)
	case kindPUKWrong, kindPUKBlocked:
		return pukFault(card, f)
	case kindNoTouch:
		return fault.Wrap(errors.Join(ErrTouchTimeout, f), fmt.Sprintf("%s was not touched in time.", card),
			"Try again, and touch its contact while it blinks; it waits for 15 seconds.")
	case kindTooOld:
		return fault.Wrap(f, fmt.Sprintf("%s is too old to prove where its keys live.", card),
			"Use a YubiKey 5, or any with firmware 4.3 or newer.")
	case kindManagement:
		return managementFault(card, f)
	case kindBroken:
		return fault.Wrap(f, fmt.Sprintf("The connection to %s breaks off again and again.", card.inside()),
			"Unplug it, plug it in again and try once more.")
	default:
		return fault.Wrap(f, fmt.Sprintf("%s refused a command.", card),
			"Try again; if it happens every time, the details help whoever looks after your keys.")
	}
}

// sharedFault says that another program has the card and which kind of program it may be: those that keep a card to
// themselves are others than those that have a transaction with it, often while they ask for a PIN. then ends the
// sentence about what to do.
func sharedFault(card CardID, cause error, then string) *fault.Fault {
	if errors.Is(cause, errInTransaction) {
		return fault.Wrap(cause, fmt.Sprintf("Another program is in the middle of something with %s.", card.inside()),
			"Answer or close what may be asking for its PIN, for example a browser, a VPN client or OpenSC's tools, "+then)
	}
	return fault.Wrap(cause, fmt.Sprintf("Another program is using %s.", card.inside()),
		"Close what may hold it, for example GnuPG (scdaemon), an SSH agent for PIV, Teleport Connect or tsh, "+then)
}

// serviceFault says how to start the smart-card service; then ends that sentence.
func serviceFault(cause error, then string) *fault.Fault {
	return fault.Wrap(cause, "The smart-card service is not running.",
		"Start it (on Linux: install pcscd and run \"sudo systemctl enable --now pcscd.socket\")"+then)
}

func removedFault(card CardID, cause error) *fault.Fault {
	return fault.Wrap(errors.Join(ErrCardRemoved, cause), fmt.Sprintf("%s was unplugged before it had finished.", card),
		"Plug it in again and try once more.")
}

// factoryPINFault refuses the PIN that every new card has where a key is to be used with it.
func factoryPINFault(card CardID) *fault.Fault {
	return fault.New(fmt.Sprintf("123456 is the PIN that every new YubiKey has, and %s is not used with it.", card.inside()),
		"Sign in again to choose a PIN of your own, or type the PIN that you chose.")
}

// noCardFault says that the card with this serial, or any card, is missing.
func noCardFault(card CardID) *fault.Fault {
	if card.Serial == 0 {
		return fault.Wrap(ErrNoCard, "No YubiKey is plugged in.", "Plug your YubiKey in and try again.")
	}
	return fault.Wrap(ErrNoCard, fmt.Sprintf("%s is not plugged in.", card),
		"Plug it in and try again; another key cannot take its place without a new sign-in.")
}

func pinFault(card CardID, f *failure) *fault.Fault {
	if f.Kind == kindPINBlocked || f.Kind == kindPINWrong && f.Attempts == 0 {
		return fault.Wrap(errors.Join(ErrPINBlocked, f), fmt.Sprintf("The PIN of %s is blocked.", card.inside()),
			"Set a new one with the PUK, on the key's page or with \"touchstone key unblock\", and try again.")
	}
	if f.Kind == kindPINNeeded {
		return fault.Wrap(f, fmt.Sprintf("%s asks for its PIN again.", card), "Try again and type the PIN.")
	}
	wrong := errors.Join(&WrongPINError{AttemptsLeft: f.Attempts}, f)
	what := fmt.Sprintf("The PIN is wrong. %s left on %s.", attempts(f.Attempts), card.inside())
	if f.Attempts == 1 {
		return fault.Wrap(wrong, what,
			"Make sure of the PIN before you try again: one more wrong PIN blocks it, and only the PUK helps then.")
	}
	return fault.Wrap(wrong, what, "Try again with the right PIN.")
}

func pukFault(card CardID, f *failure) *fault.Fault {
	if f.Kind == kindPUKBlocked {
		return fault.Wrap(errors.Join(ErrPUKBlocked, f), fmt.Sprintf("The PUK of %s is blocked.", card.inside()),
			"Only a reset helps now, on the key's page or with \"touchstone key reset\"; it destroys all PIV keys on it.")
	}
	wrong := errors.Join(&WrongPUKError{AttemptsLeft: f.Attempts}, f)
	return fault.Wrap(wrong, fmt.Sprintf("The PUK is wrong. %s left on %s.", attempts(f.Attempts), card.inside()),
		"Try again with the right PUK; when no attempt is left, only a reset that destroys all PIV keys helps.")
}

func managementFault(card CardID, f *failure) *fault.Fault {
	return fault.Wrap(f, fmt.Sprintf("%s has a management key of its own, so no key can be made on it.", card),
		"Ask whoever set it up to make a key in the slot, with a certificate whose organisation is teleport, "+
			"or use another YubiKey.")
}
