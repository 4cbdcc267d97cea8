package session

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// softKey is a security key in memory, tapped at once, and the part of a relying party that knows it.
type softKey struct {
	id      []byte
	private *ecdsa.PrivateKey

	mu      sync.Mutex
	seen    []keystore.AssertRequest
	answers []error // of the next taps; nil taps
}

func newSoftKey(t testing.TB) *softKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &softKey{id: []byte("credential of the test"), private: private}
}

// assert answers as a person with a security key does.
func (k *softKey) assert(_ context.Context, r keystore.AssertRequest) (*fido.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = append(k.seen, r)
	if len(k.answers) > 0 {
		err := k.answers[0]
		k.answers = k.answers[1:]
		if err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(r.Allowed, func(id []byte) bool { return bytes.Equal(id, k.id) }) {
		return nil, fido.ErrNoCredential
	}
	return k.sign(r.Request)
}

// sign makes an assertion (WebAuthn 2, 6.3.3) with the user present.
func (k *softKey) sign(r fido.Request) (*fido.Response, error) {
	data, err := json.Marshal(map[string]any{
		"type": "webauthn.get", "challenge": base64.RawURLEncoding.EncodeToString(r.Challenge), "origin": r.Origin})
	if err != nil {
		return nil, err
	}
	party, hash := sha256.Sum256([]byte(r.RPID)), sha256.Sum256(data)
	auth := append(party[:], 1, 0, 0, 0, 1)
	digest := sha256.Sum256(slices.Concat(auth, hash[:]))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, digest[:])
	return &fido.Response{
		ID: base64.RawURLEncoding.EncodeToString(k.id), Type: "public-key", RawID: k.id,
		Response: fido.Assertion{ClientDataJSON: data, AuthenticatorData: auth, Signature: signature},
	}, err
}

// requests returns what was asked of the key so far.
func (k *softKey) requests() []keystore.AssertRequest {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.seen)
}

var errNotGenuine = errors.New("invalid Webauthn response")

// verify checks an assertion for a challenge as a relying party does.
func (k *softKey) verify(answer []byte, challenge []byte, origin, rpID string) error {
	var r struct {
		Response struct{ ClientDataJSON, AuthenticatorData, Signature string }
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return err
	}
	decode := func(text string) []byte { b, _ := base64.RawURLEncoding.DecodeString(text); return b }
	var data struct{ Type, Challenge, Origin string }
	if err := json.Unmarshal(decode(r.Response.ClientDataJSON), &data); err != nil {
		return err
	}
	auth, hash := decode(r.Response.AuthenticatorData), sha256.Sum256(decode(r.Response.ClientDataJSON))
	party, digest := sha256.Sum256([]byte(rpID)), sha256.Sum256(slices.Concat(auth, hash[:]))
	if data.Type != "webauthn.get" || !bytes.Equal(decode(data.Challenge), challenge) || data.Origin != origin ||
		!bytes.HasPrefix(auth, party[:]) || !ecdsa.VerifyASN1(&k.private.PublicKey, digest[:], decode(r.Response.Signature)) {
		return errNotGenuine
	}
	return nil
}
