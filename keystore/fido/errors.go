package fido

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// What callers branch on, through the faults that Assert returns.
var (
	// ErrNoKey says that no security key is plugged in.
	ErrNoKey = errors.New("no security key")
	// ErrNoCredential says that no key holds a credential that the relying party accepts.
	ErrNoCredential = errors.New("no such credential on the security key")
	// ErrNotTapped says that no key was tapped in time.
	ErrNotTapped = errors.New("the security key was not tapped in time")
	// ErrPINBlocked says that no attempt is left for the key's PIN, or none until it is plugged in again.
	ErrPINBlocked = errors.New("the PIN of the security key is blocked")
	// ErrPINNotSet says that the relying party wants a PIN and the key has none.
	ErrPINNotSet = errors.New("the security key has no PIN")
	// ErrKeyRemoved says that the key was unplugged while it was used.
	ErrKeyRemoved = errors.New("the security key was removed")
)

// isKind reports whether err is a failure of one of the kinds.
func isKind(err error, kinds ...kind) bool {
	var f *failure
	if !errors.As(err, &f) {
		return false
	}
	for _, k := range kinds {
		if f.Kind == k {
			return true
		}
	}
	return false
}

// failureOf makes an error ready for the way back to the program.
func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{Kind: kindOther, Text: err.Error()}
}

// explain finds sentences for a failure. A prompt that was refused and a context that ended stay what they are.
func explain(err error) error {
	var f *failure
	if _, ok := fault.As(err); ok || err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, ErrNotTapped) {
		return notTappedFault(err)
	}
	if !errors.As(err, &f) {
		return fault.Wrap(err, "The security key could not be asked.", "Unplug it, plug it in again and try once more.")
	}
	return failureFault(f)
}

func failureFault(f *failure) error {
	switch f.Kind {
	case kindCancelled:
		return fmt.Errorf("%w: %w", context.Canceled, f)
	case kindNotTapped:
		return notTappedFault(errors.Join(ErrNotTapped, f))
	case kindNoCredential:
		return noCredentialFault(f)
	case kindGone:
		return fault.Wrap(errors.Join(ErrKeyRemoved, f), "The security key was unplugged before it had finished, or another program is using it.",
			"Plug it in, close what else may be using it, and try again.")
	case kindDenied:
		return fault.Wrap(f, "This account may not use the security key.",
			"Ask whoever runs this computer for udev rules that allow it (Yubico's are 70-u2f.rules), then plug the key in again.")
	case kindPINNotSet:
		return pinNotSetFault("security key")
	case kindPINPaused:
		return fault.Wrap(errors.Join(ErrPINBlocked, f), "The security key takes no more PINs for now: three were wrong.",
			"Unplug it, plug it in again, and make sure of the PIN before you try once more.")
	case kindPINBlocked:
		return fault.Wrap(errors.Join(ErrPINBlocked, f), "The FIDO2 PIN of the security key is blocked.",
			"Only a reset of the key's FIDO2 application helps now (\"ykman fido reset\"); that destroys its credentials. Sign in with another key or a one-time code.")
	case kindUnsupported:
		return fault.Wrap(f, "This build of Touchstone cannot talk to security keys.", "Sign in with a one-time code instead.")
	default:
		return fault.Wrap(f, "The security key refused.", "Unplug it, plug it in again and try once more; the details help whoever looks after your cluster.")
	}
}

func noKeyFault() error {
	return fault.Wrap(ErrNoKey, "No security key is plugged in.", "Plug in the security key that you registered with this cluster and try again.")
}

func noCredentialFault(cause error) error {
	return fault.Wrap(errors.Join(ErrNoCredential, cause), "The security key that is plugged in is not registered for you with this cluster.",
		"Plug in the one that you registered and try again.")
}

func notTappedFault(err error) error {
	return fault.Wrap(err, "The security key was not tapped in time.", "Try again, and tap it while it blinks.")
}

func pinNotSetFault(name string) error {
	return fault.Wrap(ErrPINNotSet, "The "+name+" has no FIDO2 PIN, and this cluster wants one.",
		"Set one (\"ykman fido access change-pin\") and try again.")
}
