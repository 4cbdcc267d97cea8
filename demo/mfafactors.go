package demo

import (
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
)

// factors challenges users for the second factors that they have registered, and checks the answers.
type factors struct {
	resources *resources
	devices   *mfaDevices
	codes     *oneTimeCodes
	party     *relyingParty
	// begins limits what the web API is asked, challenges what the auth server is.
	begins, challenges *limiter
	now                func() time.Time
	log                *slog.Logger
}

// challenge offers every second factor that a user may answer with. Either may be missing, or both.
type challenge struct {
	codes bool
	keys  *protocol.PublicKeyCredentialRequestOptions
}

// mfaAnswer is what somebody answers with: a code or an assertion.
type mfaAnswer struct {
	code      string
	assertion *protocol.CredentialAssertionResponse
}

// setting is what the cluster wants as a second factor.
func (f *factors) setting() string { return f.resources.catalog().pref.Spec.SecondFactor }

// relyingPartyID is the one that security keys were registered for.
func (f *factors) relyingPartyID() string { return f.resources.catalog().pref.Spec.Webauthn.RPID }

// wanted reports whether a user must answer a challenge when signing in.
func (f *factors) wanted(name string) bool {
	switch setting := f.setting(); setting {
	case factorOff:
		return false
	case factorOptional:
		devices, _ := f.devices.usable(name, setting)
		return len(devices) > 0
	default:
		return true
	}
}

// challenge makes the challenge of a user for a scope.
func (f *factors) challenge(name string, s scope) (*challenge, error) {
	devices, handle := f.devices.usable(name, f.setting())
	c := &challenge{}
	_, c.codes = codesOf(devices)
	h := &holder{name: name, handle: handle, credentials: credentialsOf(devices)}
	if len(h.credentials) == 0 {
		return c, nil
	}
	var err error
	c.keys, err = f.party.begin(f.relyingPartyID(), h, s)
	return c, err
}

// Texts of refused answers. Real clusters do not tell why an assertion is wrong.
const (
	textWrongAssertion = "invalid Webauthn response"
	textWrongCode      = "invalid totp token"
)

// check accepts an answer and returns the device that it came from. The log hears why an assertion is refused.
func (f *factors) check(name string, s scope, a *mfaAnswer) (mfaDevice, error) {
	if a.assertion != nil {
		return f.checkAssertion(name, s, a.assertion)
	}
	devices, _ := f.devices.usable(name, f.setting())
	device, ok := codesOf(devices)
	if !ok || !f.codes.accept(name, a.code, f.now()) {
		return mfaDevice{}, refuse(accessDenied, textWrongCode)
	}
	return device, nil
}

func (f *factors) checkAssertion(name string, s scope, a *protocol.CredentialAssertionResponse) (mfaDevice, error) {
	used, err := f.party.finish(f.relyingPartyID(), name, s, a)
	if err != nil {
		f.log.Info("an assertion is refused", "user", name, "err", err, "details", detailsOf(err))
		return mfaDevice{}, refuse(accessDenied, textWrongAssertion)
	}
	devices, _ := f.devices.usable(name, f.setting())
	for _, d := range devices {
		if d.has(used.ID) {
			return d, f.devices.count(name, used.ID, used.SignCount)
		}
	}
	return mfaDevice{}, refuse(accessDenied, textWrongAssertion)
}

// detailsOf is what go-webauthn says to developers.
func detailsOf(err error) string {
	if told, ok := errors.AsType[*protocol.Error](err); ok {
		return told.DevInfo
	}
	return ""
}

// parseAssertion reads what a browser's or a client's webauthn_challenge_response is (login sheet, 5.3); nil for none.
func parseAssertion(raw json.RawMessage) (*protocol.CredentialAssertionResponse, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	a := &protocol.CredentialAssertionResponse{}
	if err := json.Unmarshal(raw, a); err != nil {
		return nil, refuse(badParameter, "request is not valid: %v", err)
	}
	return a, nil
}
