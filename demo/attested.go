package demo

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"sync"
	"time"
)

// attestedKeys remembers what cards proved, so that certificates can be issued again for the same key without a new
// statement, for as long as those of the sign-in live (hardware-key sheet, 7.2).
type attestedKeys struct {
	dir stateDir

	mu   sync.Mutex
	keys map[string]attestedKey // by fingerprint, guarded by mu
}

type attestedKey struct {
	Policy  keyPolicy `json:"private_key_policy"`
	Serial  uint32    `json:"serial_number"`
	Expires time.Time `json:"expires"`
}

func (d stateDir) openAttestedKeys() (*attestedKeys, error) {
	a := &attestedKeys{dir: d, keys: map[string]attestedKey{}}
	return a, d.readJSON(fileAttestations, &a.keys)
}

// fingerprint names a public key: the SHA-256 of its PKIX form, in URL-safe base64.
func fingerprint(key crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// store keeps a proof until expires and forgets those whose time is over.
func (a *attestedKeys) store(key crypto.PublicKey, proof attestation, now, expires time.Time) error {
	name, err := fingerprint(key)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.keys, func(_ string, k attestedKey) bool { return !k.Expires.After(now) })
	a.keys[name] = attestedKey{Policy: proof.policy, Serial: proof.serial, Expires: expires}
	return a.dir.writeJSON(fileAttestations, a.keys)
}

// look returns what is known about a key; a key that nothing is known about has policy none.
func (a *attestedKeys) look(key crypto.PublicKey, now time.Time) (attestation, error) {
	name, err := fingerprint(key)
	if err != nil {
		return attestation{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.keys[name]
	if !ok || !known.Expires.After(now) {
		return attestation{policy: "none"}, nil
	}
	return attestation{policy: known.Policy, serial: known.Serial}, nil
}
