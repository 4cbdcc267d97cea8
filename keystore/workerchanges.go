package keystore

import (
	"fmt"

	"github.com/go-piv/piv-go/v2/piv"
)

// What the worker does to PIN, PUK and the whole application on behalf of the card's owner.
const (
	opChangePIN op = "change pin"
	opChangePUK op = "change puk"
	opUnblock   op = "unblock" // set the PIN with the PUK
	opReset     op = "reset"   // give the PIV application its factory state
)

// repeatable reports whether q may be sent again when the answer was lost and a PIN or PUK may have been shown: at
// most one attempt is lost. A change cannot be repeated, because the first may have been made.
func (q *request) repeatable() bool {
	switch q.Op {
	case opSetUp, opChangePIN, opChangePUK, opUnblock:
		return false
	default:
		return true
	}
}

// changePIN replaces the PIN by NewPIN (CHANGE REFERENCE DATA, SP 800-73-4 part 2, 3.2.2).
func changePIN(yk *piv.YubiKey, q *request) (*reply, error) {
	err := yk.SetPIN(string(q.secrets.PIN.Reveal()), string(q.secrets.NewPIN.Reveal()))
	if err != nil {
		return nil, secretFailure(fmt.Errorf("changing the PIN: %w", err), kindPINWrong, kindPINBlocked)
	}
	return &reply{}, nil
}

// changePUK replaces the PUK by what travels as NewPIN.
func changePUK(yk *piv.YubiKey, q *request) (*reply, error) {
	err := yk.SetPUK(string(q.secrets.PUK.Reveal()), string(q.secrets.NewPIN.Reveal()))
	if err != nil {
		return nil, secretFailure(fmt.Errorf("changing the PUK: %w", err), kindPUKWrong, kindPUKBlocked)
	}
	return &reply{}, nil
}

// unblock sets the PIN to NewPIN with the PUK (RESET RETRY COUNTER, SP 800-73-4 part 2, 3.2.3).
func unblock(yk *piv.YubiKey, q *request) (*reply, error) {
	err := yk.Unblock(string(q.secrets.PUK.Reveal()), string(q.secrets.NewPIN.Reveal()))
	if err != nil {
		return nil, secretFailure(fmt.Errorf("setting the PIN: %w", err), kindPUKWrong, kindPUKBlocked)
	}
	return &reply{}, nil
}

// reset blocks PIN and PUK with wrong guesses, without which the card refuses, and resets the PIV application.
func reset(yk *piv.YubiKey, _ *request) (*reply, error) {
	if err := yk.Reset(); err != nil {
		return nil, fmt.Errorf("resetting the PIV application: %w", err)
	}
	return &reply{}, nil
}
