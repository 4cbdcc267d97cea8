package session

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// Keys is what sessions want of the key store; *keystore.Store has it.
type Keys interface {
	// Key returns a key that meets a requirement, making it where a slot is free. It may ask the person.
	Key(ctx context.Context, r keystore.Requirement, p keystore.Purpose) (*keystore.Key, error)
	// OpenKey returns the key of a reference and touches no card.
	OpenKey(r keystore.Reference) (*keystore.Key, error)
	// Assert has a security key sign for a relying party. It asks the person for a tap.
	Assert(ctx context.Context, r keystore.AssertRequest) (*fido.Response, error)
}

// storeKeys gives the keys of a key store to sessions.
type storeKeys struct{ store Keys }

func (s storeKeys) key(ctx context.Context, r keystore.Requirement, p keystore.Purpose) (signingKey, error) {
	key, err := s.store.Key(ctx, r, p)
	if err != nil {
		return nil, err
	}
	return hardwareKey{key}, nil
}

func (s storeKeys) open(stored []byte) (signingKey, error) {
	var reference keystore.Reference
	if err := json.Unmarshal(stored, &reference); err != nil {
		return nil, fmt.Errorf("reading the reference of the key: %w", err)
	}
	key, err := s.store.OpenKey(reference)
	if err != nil {
		return nil, err
	}
	return hardwareKey{key}, nil
}

func (s storeKeys) assert(ctx context.Context, r keystore.AssertRequest) (*fido.Response, error) {
	return s.store.Assert(ctx, r)
}

// hardwareKey is a key on a card.
type hardwareKey struct{ *keystore.Key }

func (k hardwareKey) attestation() *wire.AttestationStatement {
	slot, device := k.Attestation()
	return &wire.AttestationStatement{YubiKey: &wire.YubiKeyAttestation{SlotCert: slot, AttestationCert: device}}
}

// slow: cards remember a touch for 15 s, but forget that a PIN was verified with every connection; then only the PIN
// cache keeps the person from being asked twice (hardware-key sheet, section 5 and 6.4).
func (k hardwareKey) slow() bool {
	policy := k.Policy()
	return policy.Touch && (!policy.PIN || k.Reference().PINCacheTTL > 0)
}

func (k hardwareKey) encode() ([]byte, error) {
	reference, err := json.Marshal(k.Reference())
	if err != nil {
		return nil, fmt.Errorf("storing the reference of the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemHardware, Bytes: reference}), nil
}
