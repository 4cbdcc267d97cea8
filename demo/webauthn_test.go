package demo

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// This file is a client of security keys, written without the cluster's code. The key itself is the virtual one.

// rawURL is how bytes are written in WebAuthn's JSON.
var rawURL = base64.RawURLEncoding.EncodeToString

// assertionOptions is a challenge as clients read it.
type assertionOptions struct {
	Challenge        string `json:"challenge"`
	Timeout          int    `json:"timeout"`
	RPID             string `json:"rpId"`
	AllowCredentials []struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"allowCredentials"`
	UserVerification string `json:"userVerification"`
}

// finger is a person with a virtual security key in hand.
type finger struct {
	key    *virtual.Key
	origin string
	rpID   string // of the credentials that the key is asked for; empty for the one of the challenge
}

// newFinger plugs a security key in and registers it for everyone who has one.
func (w *world) newFinger(t *testing.T) *finger {
	t.Helper()
	key, err := virtual.Start(virtual.Config{FIDO: true, AutoTouchDelay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := key.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, e := range w.KeyHolders() {
		w.enroll(t, key, e)
	}
	return &finger{key: key, origin: "https://" + w.ready.Proxy}
}

// enroll registers a key for one person, and returns the credential.
func (w *world) enroll(t *testing.T, key *virtual.Key, e Enrollment) virtual.Credential {
	t.Helper()
	c, err := key.Register(e.RPID, e.UserID, e.UserName)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.AddSecurityKey(e.UserName, SecurityKey{Name: "blue key", ID: c.ID, PublicKey: c.PublicKey, AAGUID: c.AAGUID}); err != nil {
		t.Fatal(err)
	}
	return c
}

// tapped is an assertion as clients send it, member by member.
type tapped struct {
	id, clientData, authData, signature []byte
}

// tap answers a challenge for any of the allowed credentials.
func (f *finger) tap(t *testing.T, challenge []byte, rpID string, allowed [][]byte) tapped {
	t.Helper()
	clientData, err := json.Marshal(map[string]any{
		"type": "webauthn.get", "challenge": rawURL(challenge), "origin": f.origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	if f.rpID != "" {
		rpID = f.rpID
	}
	hash := sha256.Sum256(clientData)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a, err := f.key.Assert(ctx, rpID, hash[:], allowed)
	if err != nil {
		t.Fatal(err)
	}
	return tapped{a.CredentialID, clientData, a.AuthenticatorData, a.Signature}
}

// json is the assertion as webauthn_challenge_response.
func (a tapped) json() map[string]any {
	return map[string]any{
		"id": rawURL(a.id), "rawId": rawURL(a.id), "type": "public-key",
		"response": map[string]any{
			"clientDataJSON": rawURL(a.clientData), "authenticatorData": rawURL(a.authData),
			"signature": rawURL(a.signature), "userHandle": "",
		},
	}
}

// tapFor answers a challenge of the web API.
func (f *finger) tapFor(t *testing.T, o *assertionOptions) tapped {
	t.Helper()
	challenge := decodeURL(t, o.Challenge)
	var allowed [][]byte
	for _, c := range o.AllowCredentials {
		allowed = append(allowed, decodeURL(t, c.ID))
	}
	return f.tap(t, challenge, o.RPID, allowed)
}

func decodeURL(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b
}

// beginLogin returns what a user is offered after the password.
func (w *world) beginLogin(t *testing.T, user string) (keys *assertionOptions, codes bool) {
	t.Helper()
	code, body := w.post(t, begin, map[string]any{"user": user, "pass": w.password(t, user)})
	var offer struct {
		Webauthn *struct {
			PublicKey assertionOptions `json:"publicKey"`
		} `json:"webauthn_challenge"`
		TOTP bool `json:"totp_challenge"`
	}
	if err := json.Unmarshal(body, &offer); err != nil || code != http.StatusOK {
		t.Fatalf("begin: %d %s, %v", code, body, err)
	}
	if offer.Webauthn == nil {
		return nil, offer.TOTP
	}
	return &offer.Webauthn.PublicKey, offer.TOTP
}

// loginWith signs in with a second factor.
func (w *world) loginWith(t *testing.T, f *finger, user string, c *card) *keyring {
	t.Helper()
	keys, _ := w.beginLogin(t, user)
	request := c.request(t, user, w.password(t, user))
	request["webauthn_challenge_response"] = f.tapFor(t, keys).json()
	code, body := w.post(t, finish, request)
	if code != http.StatusOK {
		t.Fatalf("signing in as %s: %d %s", user, code, body)
	}
	return w.keyring(t, c, body)
}

func TestASignInIsOfferedWhatItsUserHasRegistered(t *testing.T) {
	type offer struct{ Keys, Codes bool }
	tests := []struct {
		factor string
		want   map[string]offer
	}{
		{"optional", map[string]offer{"off": {}, "key": {Keys: true}, "mfa": {true, true}}},
		{`"on"`, map[string]offer{"off": {Codes: true}, "key": {true, true}, "mfa": {true, true}}},
		{"otp", map[string]offer{"off": {Codes: true}, "key": {Codes: true}, "mfa": {Codes: true}}},
		{"webauthn", map[string]offer{"off": {}, "key": {Keys: true}, "mfa": {Keys: true}}},
		{`"off"`, map[string]offer{"off": {}, "key": {}, "mfa": {}}},
	}
	for _, test := range tests {
		t.Run(test.factor, func(t *testing.T) {
			w := start(t)
			w.newFinger(t)
			w.edit(t, "cluster.yaml", "second_factor: optional", "second_factor: "+test.factor)
			got := map[string]offer{}
			for user := range test.want {
				keys, codes := w.beginLogin(t, user)
				got[user] = offer{keys != nil, codes}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("offers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAChallengeIsThatOfARealCluster(t *testing.T) {
	w := start(t)
	w.newFinger(t)
	keys, _ := w.beginLogin(t, "key")
	if len(decodeURL(t, keys.Challenge)) < 32 || keys.Timeout != 300000 || keys.RPID != "localhost" ||
		keys.UserVerification != "discouraged" || len(keys.AllowCredentials) != 1 || keys.AllowCredentials[0].Type != "public-key" {
		t.Errorf("the challenge is %+v", keys)
	}
}

func TestATapSignsIn(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "touch-mfa", w.vendor.card(t, 7))
	if k.user != "touch-mfa" || k.sshCert.Extensions["mfa-verified"] != "" {
		t.Errorf("the certificates are %q's, with %v", k.user, k.sshCert.Extensions)
	}
	logins := w.find(t, "user.login")
	last := logins[len(logins)-1]
	if !last.Success || last.MFADevice != "blue key" || !uuidLike.MatchString(last.MFADeviceID) {
		t.Errorf("the audit log has %+v", last)
	}
}

func TestEitherFactorIsEnough(t *testing.T) {
	w := startWanting(t, "optional")
	f := w.newFinger(t)
	w.loginWith(t, f, "mfa", softKey(t))
	request := softKey(t).request(t, "mfa", w.password(t, "mfa"))
	request["totp_code"] = w.code(t, "mfa", 0)
	if code, body := w.post(t, finish, request); code != http.StatusOK {
		t.Errorf("a code: %d %s", code, body)
	}
}

func TestWhoHasASecondFactorMustUseIt(t *testing.T) {
	w := startWanting(t, "optional")
	w.newFinger(t)
	tests := []struct {
		name, user, password, code, text string
	}{
		{"nothing but the password", "key", w.password(t, "key"), "", "missing second factor"},
		{"nothing but a wrong password", "key", "wrong", "", "invalid username or password"},
		{"a code that the user has not asked for", "key", w.password(t, "key"), w.code(t, "key", 0), "invalid username, password or second factor"},
		{"a code of nobody's", "off", w.password(t, "off"), w.code(t, "off", 0), "invalid username, password or second factor"},
	}
	for _, test := range tests {
		for _, path := range []string{finish, oneCall} {
			request := softKey(t).request(t, test.user, test.password)
			request["totp_code"], request["otp_token"] = test.code, test.code
			if code, body := w.post(t, path, request); code != http.StatusForbidden || errorText(t, body) != test.text {
				t.Errorf("%s: %d %s, want %q", test.name, code, body, test.text)
			}
		}
	}
}

func TestTheOneCallFormHasNoPlaceForASecurityKey(t *testing.T) {
	w := startWanting(t, "webauthn")
	code, body := w.post(t, oneCall, softKey(t).request(t, "off", w.password(t, "off")))
	if code != http.StatusForbidden || errorText(t, body) != "direct login with password+otp not supported by this cluster" {
		t.Errorf("%d %s", code, body)
	}
}

func TestPingNamesTheRelyingParty(t *testing.T) {
	tests := map[string]struct{ factor, prefers, rpID string }{
		"off": {`"off"`, "", ""}, "otp": {"otp", "otp", ""}, "webauthn": {"webauthn", "webauthn", "demo.test"},
		"on": {`"on"`, "webauthn", "demo.test"}, "optional": {"optional", "webauthn", "demo.test"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := startWanting(t, test.factor)
			w.edit(t, "cluster.yaml", "rp_id: localhost", "rp_id: demo.test")
			var ping struct {
				Auth struct {
					SecondFactor string `json:"second_factor"`
					Preferred    string `json:"preferred_local_mfa"`
					Webauthn     struct {
						RPID string `json:"rp_id"`
					}
				}
			}
			_, body := w.get(t, "/webapi/ping")
			if err := json.Unmarshal(body, &ping); err != nil {
				t.Fatal(err)
			}
			if a := ping.Auth; a.SecondFactor != name || a.Preferred != test.prefers || a.Webauthn.RPID != test.rpID {
				t.Errorf("ping says %+v", a)
			}
		})
	}
}

func TestSecurityKeysSurviveARestart(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	w.loginWith(t, f, "guide", softKey(t))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, w.ready.State, w.vendor)
	again.loginWith(t, f, "guide", softKey(t))
	if diff := cmp.Diff(w.Ready().Users, again.ready.Users); diff != "" {
		t.Errorf("the users changed (-before +after):\n%s", diff)
	}
	for _, e := range again.KeyHolders() {
		again.enroll(t, f.key, e)
	}
	if keys, _ := again.beginLogin(t, "guide"); len(keys.AllowCredentials) != 1 {
		t.Errorf("registering again made %d credentials of one", len(keys.AllowCredentials))
	}
}

func TestSecurityKeysWithoutAnOwnerOrACredentialAreRefused(t *testing.T) {
	w := start(t)
	if err := w.AddSecurityKey("nobody", SecurityKey{ID: []byte("x"), PublicKey: []byte("y")}); err == nil {
		t.Error("nobody has a security key now")
	}
	if err := w.AddSecurityKey("off", SecurityKey{ID: []byte("x")}); err == nil {
		t.Error("a security key without a public key is accepted")
	}
	if e, err := w.Enrollment("nobody"); err == nil {
		t.Errorf("nobody can enroll: %+v", e)
	}
}
