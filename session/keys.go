package session

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// signingKey is the private key of a session, in software or in hardware.
type signingKey interface {
	Public() crypto.PublicKey
	// For binds a signer to one use of the key. Hardware may ask the person; ctx ends that.
	For(ctx context.Context, purpose keystore.Purpose) crypto.Signer
	Serial() uint32      // of the card; zero for software
	Slot() keystore.Slot // zero for software
	// slow reports whether a signature may wait for a person, and another one soon after it will not.
	slow() bool
	// attestation proves where the key lives; nil for software.
	attestation() *wire.AttestationStatement
	// encode returns what the profile keeps: a reference for hardware, the key itself for software.
	encode() ([]byte, error)
}

// keySource gives hardware keys. It is keystore behind the few methods that session needs.
type keySource interface {
	key(ctx context.Context, r keystore.Requirement, p keystore.Purpose) (signingKey, error)
	// open returns the key of a stored reference and touches no card.
	open(reference []byte) (signingKey, error)
	// assert has a security key sign for a relying party, which asks the person for a tap.
	assert(ctx context.Context, r keystore.AssertRequest) (*fido.Response, error)
}

// PEM types of stored keys.
const (
	pemHardware = "PIV YUBIKEY PRIVATE KEY" // a reference, no key (hardware-key sheet, section 8)
	pemSoftware = "PRIVATE KEY"             // PKCS #8
)

// openKey reads what encode wrote.
func openKey(source keySource, stored []byte) (signingKey, error) {
	block, _ := pem.Decode(stored)
	if block == nil {
		return nil, fmt.Errorf("reading the stored key: it is not PEM")
	}
	switch block.Type {
	case pemHardware:
		return source.open(block.Bytes)
	case pemSoftware:
		return openSoftwareKey(block.Bytes)
	default:
		return nil, fmt.Errorf("reading the stored key: unknown type %q", block.Type)
	}
}

// softwareKey is a key for clusters that demand no hardware. P-256 serves SSH and TLS alike on every version
// (login sheet, section 9).
type softwareKey struct{ private *ecdsa.PrivateKey }

func newSoftwareKey() (signingKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return softwareKey{private}, nil
}

func openSoftwareKey(der []byte) (signingKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("reading the stored key: %w", err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("reading the stored key: %T is not an ECDSA key", parsed)
	}
	return softwareKey{private}, nil
}

func (k softwareKey) Public() crypto.PublicKey                            { return k.private.Public() }
func (k softwareKey) For(context.Context, keystore.Purpose) crypto.Signer { return k.private }
func (k softwareKey) Serial() uint32                                      { return 0 }
func (k softwareKey) Slot() keystore.Slot                                 { return 0 }
func (k softwareKey) slow() bool                                          { return false }
func (k softwareKey) attestation() *wire.AttestationStatement             { return nil }

func (k softwareKey) encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("storing the key: %w", err)
	}
	defer clear(der)
	return pem.EncodeToMemory(&pem.Block{Type: pemSoftware, Bytes: der}), nil
}
