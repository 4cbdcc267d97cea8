package keystore

import (
	"errors"
	"fmt"
)

// What callers branch on. All of these are reachable with errors.Is and errors.As through the faults that the
// store returns.
var (
	// ErrNoCard says that no YubiKey, or not the one wanted, is plugged in.
	ErrNoCard = errors.New("no card")
	// ErrCardRemoved says that the card was unplugged while it was used.
	ErrCardRemoved = errors.New("the card was removed")
	// ErrPINBlocked says that no attempt is left for the PIN.
	ErrPINBlocked = errors.New("the PIN is blocked")
	// ErrPUKBlocked says that no attempt is left for the PUK.
	ErrPUKBlocked = errors.New("the PUK is blocked")
	// ErrLastAttempt says that one attempt is left for a PIN or PUK and that nobody has allowed to spend it.
	ErrLastAttempt = errors.New("only the last attempt is left")
	// ErrNotConfirmed says that something that destroys keys was not confirmed as it must be.
	ErrNotConfirmed = errors.New("not confirmed")
	// ErrTouchTimeout says that the card waited for a touch in vain.
	ErrTouchTimeout = errors.New("the card was not touched in time")
	// ErrSlotTaken says that the slot holds something that is not ours to overwrite.
	ErrSlotTaken = errors.New("the slot is taken")
	// ErrNotAttested says that the card proves nothing about what is in the slot.
	ErrNotAttested = errors.New("nothing is attested")
	// ErrUseCode says that the person wants to type a one-time code instead of tapping a security key.
	ErrUseCode = errors.New("a one-time code is wanted instead")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the key store is closed")
	// ErrSlotChanged says that the slot no longer holds the key that it held.
	ErrSlotChanged = errors.New("the slot holds another key")
)

// WrongPINError says that the card refused a PIN.
type WrongPINError struct {
	AttemptsLeft int // before the PIN is blocked
}

// Error says how many attempts are left.
func (e *WrongPINError) Error() string {
	return fmt.Sprintf("wrong PIN, %s left", attempts(e.AttemptsLeft))
}

// WrongPUKError says that the card refused a PUK.
type WrongPUKError struct {
	AttemptsLeft int // before the PUK is blocked
}

// Error says how many attempts are left.
func (e *WrongPUKError) Error() string {
	return fmt.Sprintf("wrong PUK, %s left", attempts(e.AttemptsLeft))
}

// attempts counts in words: "1 attempt", "2 attempts".
func attempts(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}
