package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// Factor is what proves, besides the password, who a person is.
type Factor string

// The factors that a person can insist on.
const (
	AnyFactor      Factor = ""         // whatever the cluster asks for, a security key before a code
	FactorOTP      Factor = "otp"      // a one-time code
	FactorWebauthn Factor = "webauthn" // a security key
)

// offer takes over which second factors a cluster takes. Any one answer is enough (login sheet, 5.3).
func (l *ceremony) offer(r *wire.LoginBeginResponse) error {
	l.wantsOTP, l.challenge = r.TOTPChallenge, nil
	if len(r.WebauthnChallenge) > 0 && !bytes.Equal(r.WebauthnChallenge, []byte("null")) {
		l.challenge = r.WebauthnChallenge
	}
	return l.insist()
}

// insist refuses a cluster that does not ask for the factor that the person wants to use.
func (l *ceremony) insist() error {
	missing := ""
	switch {
	case l.factor == FactorOTP && !l.wantsOTP:
		missing = "a one-time code"
	case l.factor == FactorWebauthn && l.challenge == nil:
		missing = "a security key"
	default:
		return nil
	}
	return fault.New(fmt.Sprintf("%s does not ask %s for %s.", l.profile.name(), l.user, missing), "Sign in without insisting on one.")
}

// proof is the gesture that this round wants; empty where the password is enough.
func (l *ceremony) proof() GestureKind {
	switch {
	case l.challenge != nil && l.factor != FactorOTP:
		return GestureTap
	case l.wantsOTP:
		return GestureCode
	default:
		return ""
	}
}

// present asks for certificates with the password and what else is wanted. That is asked for last of all: a code is
// good for 30 s only, a challenge for minutes, and a key may have waited for a person before.
func (l *ceremony) present(ctx context.Context, r wire.LoginFinishRequest) (answer *wire.LoginResponse, err error) {
	if l.proof() == GestureTap {
		if r.WebauthnChallengeResponse, err = l.tap(ctx); err == nil {
			return l.client.FinishLogin(ctx, r, l.password, nil)
		}
		if !l.preferCode(err) {
			return nil, err
		}
	}
	if l.proof() == GestureCode {
		err = l.during(GestureCode, func() (err error) { answer, err = l.presentCode(ctx, r); return err })
		return answer, err
	}
	return l.client.FinishLogin(ctx, r, l.password, nil)
}

// tap has a security key sign the cluster's challenge.
func (l *ceremony) tap(ctx context.Context) (answer json.RawMessage, err error) {
	request, err := fido.ParseChallenge(l.profile.origin(), l.challenge)
	if err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("%s asks for a tap in a way that Touchstone does not understand.", l.profile.name()),
			"Ask whoever looks after the cluster.")
	}
	err = l.during(GestureTap, func() error {
		response, err := l.m.keys.assert(ctx, keystore.AssertRequest{
			Request: request, Purpose: l.m.purpose(l.profile, l.proofReason()), Code: l.mayUseCode(),
		})
		if err != nil {
			return err
		}
		answer, err = json.Marshal(response)
		return err
	})
	l.taps++
	return answer, err
}

// proofReason says what the proof of this round is for.
func (l *ceremony) proofReason() string {
	if l.taps+l.codes == 0 {
		return "Sign in as " + l.user
	}
	return fmt.Sprintf("Sign in as %s once more, with the hardware key", l.user)
}

// mayUseCode reports whether a code would do in the place of a tap.
func (l *ceremony) mayUseCode() bool { return l.wantsOTP && l.factor == AnyFactor }

// preferCode reports whether a code is asked for in the place of a tap that did not come about, in this round and the
// next.
func (l *ceremony) preferCode(err error) bool {
	if !l.mayUseCode() || !codeInstead(err) {
		return false
	}
	l.factor = FactorOTP
	l.codeNotTap()
	return true
}

// codeInstead reports whether a person has chosen a code in the place of a tap, or has no security key that can be used.
func codeInstead(err error) bool {
	instead := []error{keystore.ErrUseCode, fido.ErrNoKey, fido.ErrNoCredential, fido.ErrKeyRemoved, fido.ErrPINBlocked, fido.ErrPINNotSet}
	return slices.ContainsFunc(instead, func(reason error) bool { return errors.Is(err, reason) })
}
