package keystore

import (
	"errors"
	"fmt"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/touchstone-app/touchstone/keystore/pcsc"
)

// kind sorts what can go wrong with a card by what has to be done about it.
type kind string

const (
	kindService    kind = "service"     // no smart-card service
	kindGone       kind = "gone"        // no such reader, or no card in it
	kindShared     kind = "shared"      // another connection has the card
	kindBroken     kind = "broken"      // the connection is spoilt; a fresh one may work
	kindOtherCard  kind = "other card"  // the reader holds a card with another serial
	kindChanged    kind = "changed"     // the slot holds another key than expected
	kindPINNeeded  kind = "pin needed"  // the key asks for the PIN
	kindPINWrong   kind = "pin wrong"   // the PIN was refused, attempts are left
	kindPINBlocked kind = "pin blocked" // no attempt is left for the PIN
	kindPUKWrong   kind = "puk wrong"   // the PUK was refused, attempts are left
	kindPUKBlocked kind = "puk blocked" // no attempt is left for the PUK
	kindNoTouch    kind = "no touch"    // the card waited for a touch in vain
	kindTooOld     kind = "too old"     // the firmware cannot attest keys
	kindManagement kind = "management"  // the management key is not the factory one
	kindOther      kind = "other"
)

// failure is the worker's error on its way to the store. It never reaches a person: faults.go has the sentences.
type failure struct {
	Kind     kind   `json:"kind"`
	Code     uint32 `json:"code,omitempty"`     // PC/SC return code
	Status   uint16 `json:"status,omitempty"`   // status word of the card
	Attempts int    `json:"attempts,omitempty"` // left for PIN or PUK
	// Opened says that the card had been opened: what was asked of it may have happened.
	Opened bool   `json:"opened,omitempty"`
	Text   string `json:"text"`
}

func (f *failure) Error() string { return f.Text }

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

// failureOf sorts an error of piv-go, of package pcsc or of the worker itself.
func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	var known *failure
	if errors.As(err, &known) {
		return known
	}
	f := &failure{Kind: kindOther, Text: err.Error()}
	if code, ok := pcscCode(err); ok {
		f.Code, f.Kind = code, pcscKind(code)
	}
	f.Status = statusOf(err)
	return f
}

// secretFailure sorts an error of an operation that shows a PIN or PUK to the card.
func secretFailure(err error, wrong, blocked kind) *failure {
	f := failureOf(err)
	var auth piv.AuthErr
	if f == nil || !errors.As(err, &auth) {
		return f
	}
	f.Kind, f.Attempts = wrong, auth.Retries
	if auth.Retries == 0 { // 63C0 and 6983 (hardware-key sheet, 6.3)
		f.Kind = blocked
	}
	return f
}

// statusOf returns the card's status word in err, or 0. piv-go hides the type but not its method.
func statusOf(err error) uint16 {
	var s interface{ Status() uint16 }
	if errors.As(err, &s) {
		return s.Status()
	}
	return 0
}

// pcscKind says what a PC/SC return code means for us (hardware-key sheet, 9; virtual-key sheet, 1.5 and 4).
func pcscKind(code uint32) kind {
	switch code {
	case scardNoService, scardServiceStopped:
		return kindService
	case scardSharingViolation:
		return kindShared
	case scardUnknownReader, scardNoSmartCard, scardReaderUnavailable, scardRemovedCard, scardNoReaders:
		return kindGone
	default:
		return kindBroken
	}
}

// pcscCode finds the PC/SC return code in err.
func pcscCode(err error) (uint32, bool) {
	var direct pcsc.Error
	if errors.As(err, &direct) {
		return uint32(direct), true
	}
	return codeOfText(err.Error())
}

// pcscFailed reports whether err came from the smart-card service rather than from the card.
func pcscFailed(err error) bool {
	_, ok := pcscCode(err)
	return ok
}

func other(format string, args ...any) *failure {
	return &failure{Kind: kindOther, Text: fmt.Sprintf(format, args...)}
}
