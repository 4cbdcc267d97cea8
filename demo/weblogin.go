package demo

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// textBegin is the one text of a sign-in that may not begin, whatever the reason (login sheet, 5.3).
const textBegin = "invalid credentials"

// loginBegin offers challenges for what the user has registered, once the password was accepted.
func (w *webAPI) loginBegin(in *http.Request) (any, error) {
	var request wire.LoginBeginRequest
	if _, err := readBody(in, &request); err != nil {
		return nil, err
	}
	if err := w.issuer.factors.begins.take(clientIP(in)); err != nil {
		return nil, err
	}
	if request.Passwordless {
		return nil, refuse(accessDenied, textBegin)
	}
	if err := w.issuer.passwords.check(request.User, request.Password, w.issuer.now()); err != nil {
		w.issuer.audit.record(Event{Name: EventLogin, Service: "web", User: request.User, Reason: err.Error()})
		return nil, refuse(accessDenied, textBegin)
	}
	offer, err := w.issuer.factors.challenge(request.User, scopeLogin)
	if err != nil {
		return nil, w.inside(err)
	}
	keys, err := w.profile.webChallengeJSON(offer.keys)
	return wire.LoginBeginResponse{WebauthnChallenge: keys, TOTPChallenge: offer.codes}, err
}

func (w *webAPI) loginFinish(in *http.Request) (any, error) {
	var request wire.LoginFinishRequest
	statement, err := readBody(in, &request)
	if err != nil {
		return nil, err
	}
	assertion, err := parseAssertion(request.WebauthnChallengeResponse)
	if err != nil {
		return nil, err
	}
	who := &proof{user: request.User, password: request.Password, answer: mfaAnswer{request.TOTPCode, assertion}}
	return w.login(in, who, &certRequest{CertificateRequest: request.CertificateRequest, statement: statement})
}

// loginSSH is the sign-in in one call. It has no place for an assertion, so it refuses where only that counts.
func (w *webAPI) loginSSH(in *http.Request) (any, error) {
	var request wire.LoginSSHRequest
	statement, err := readBody(in, &request)
	if err != nil {
		return nil, err
	}
	if w.issuer.factors.setting() == factorWebauthn {
		return nil, refuse(accessDenied, "direct login with password+otp not supported by this cluster")
	}
	who := &proof{user: request.User, password: request.Password, answer: mfaAnswer{code: request.OTPToken}}
	return w.login(in, who, &certRequest{CertificateRequest: request.CertificateRequest, statement: statement})
}

// login looks at keys only after the person was accepted: nobody else learns anything about policies.
func (w *webAPI) login(in *http.Request, who *proof, r *certRequest) (any, error) {
	if err := w.issuer.authenticate(who); err != nil {
		return nil, w.inside(err)
	}
	r.loginIP = clientIP(in)
	response, err := w.issuer.issue(who.user, r)
	if err != nil {
		return nil, w.inside(err)
	}
	return response, nil
}

// clientIP is the address of a client without its port.
func clientIP(in *http.Request) string {
	host, _, err := net.SplitHostPort(in.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// inside writes down an error that the client will not be told.
func (w *webAPI) inside(err error) error {
	if _, told := errors.AsType[*refusal](err); !told {
		w.log.Error("issuing certificates", "err", err)
	}
	return err
}

// unknownYet are members that version 17 brought. Version 15 ignores them like all that it does not know, whatever
// their values.
var unknownYet = []string{"ssh_pub_key", "tls_pub_key", "ssh_attestation_statement", "tls_attestation_statement"}

// readBody decodes a body into request and returns the attestation statement in it as it was sent: that has a strict
// parser of its own, whose refusals must not be hidden by this lenient one.
func readBody(in *http.Request, request any) (json.RawMessage, error) {
	data, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, refuse(badParameter, "reading the request: %v", err)
	}
	defer clear(data) // it holds a password
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, refuse(badParameter, "request is not valid JSON")
	}
	var statement json.RawMessage
	for name, value := range members {
		switch lower := strings.ToLower(name); {
		case lower == "attestation_statement":
			statement = value
			delete(members, name)
		case slices.Contains(unknownYet, lower):
			delete(members, name)
		}
	}
	rest, err := json.Marshal(members)
	if err == nil {
		err = json.Unmarshal(rest, request)
	}
	clear(rest)
	if err != nil {
		return nil, refuse(badParameter, "request is not valid: %v", err)
	}
	return statement, nil
}
