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
	"slices"
	"sync"
	"testing"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/demo/demotest"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// softKey is a security key in memory, which is tapped at once.
type softKey struct {
	id      []byte
	private *ecdsa.PrivateKey

	mu      sync.Mutex
	count   byte // of signatures
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
	k.count++
	auth := append(party[:], 1, 0, 0, 0, k.count)
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

// register makes the key a second factor of a user, who has but this one credential on it (RFC 9052, section 7: a
// COSE_Key for ES256).
func (k *softKey) register(string, []byte, string) (id, publicKey, aaguid []byte, err error) {
	point, err := k.private.PublicKey.Bytes()
	if err != nil {
		return nil, nil, nil, err
	}
	x, y := point[1:33], point[33:]
	public := slices.Concat([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20}, x, []byte{0x22, 0x58, 0x20}, y)
	return k.id, public, make([]byte, 16), nil
}

// keyWorld is a world with a security key beside the card, which those who have one have registered.
type keyWorld struct {
	*world
	key *softKey
}

func newKeyWorld(t *testing.T, config demo.Config) *keyWorld {
	t.Helper()
	w := &keyWorld{newWorldLike(t, config), newSoftKey(t)}
	w.card.onAssert = w.key.assert
	demotest.Enroll(t, w.cluster, w.key.register)
	return w
}

// wantTaps checks what taps were asked for.
func (w *keyWorld) wantTaps(what ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.key.requests() {
		got = append(got, r.Purpose.What)
		if r.Purpose.Where != "demo" || r.Origin != "https://"+w.ready.Proxy || r.RPID != "localhost" {
			w.t.Errorf("a tap was asked for with %+v", r)
		}
	}
	if !slices.Equal(got, what) {
		w.t.Errorf("taps were asked for to %q, want %q", got, what)
	}
}
