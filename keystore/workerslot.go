package keystore

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/go-piv/piv-go/v2/piv"
)

// pivSlots maps our slots to piv-go's.
var pivSlots = map[Slot]piv.Slot{
	Slot9A: piv.SlotAuthentication,
	Slot9C: piv.SlotSignature,
	Slot9D: piv.SlotKeyManagement,
	Slot9E: piv.SlotCardAuthentication,
}

// firstMetadata is the first firmware that tells about the key in a slot (GET METADATA).
var firstMetadata = piv.Version{Major: 5, Minor: 3}

// inspect reads the certificate object and the attestation of a slot.
func inspect(yk *piv.YubiKey, q *request) (*reply, error) {
	slot := pivSlots[q.Slot]
	var found slotContents
	cert, err := yk.Certificate(slot)
	switch {
	case err == nil:
		found.Certificate = cert.Raw
	case errors.Is(err, piv.ErrNotFound):
	case statusOf(err) != 0 || pcscFailed(err):
		return nil, fmt.Errorf("reading the certificate in slot %s: %w", q.Slot, err)
	default: // something that is no X.509 certificate: not ours, and not empty either
		found.Unattested, found.Algorithm = true, unreadableCertificate
		return &reply{Slot: &found}, nil
	}
	if err := addAttestation(yk, q.Slot, &found); err != nil {
		return nil, err
	}
	return &reply{Slot: &found}, nil
}

// addAttestation asks the card for its statement about the key in the slot. No statement means no key, or one that
// was made elsewhere and imported.
func addAttestation(yk *piv.YubiKey, slot Slot, found *slotContents) error {
	statement, err := yk.Attest(pivSlots[slot])
	if errors.Is(err, piv.ErrNotFound) {
		return addImported(yk, slot, found)
	}
	if statusOf(err) == statusUnknownCommand {
		return &failure{Kind: kindTooOld, Status: statusUnknownCommand, Text: err.Error()}
	}
	if err != nil {
		return fmt.Errorf("attesting slot %s: %w", slot, err)
	}
	device, err := yk.AttestationCertificate()
	if err != nil {
		return fmt.Errorf("reading the attestation certificate: %w", err)
	}
	found.Attestation, found.Device = statement.Raw, device.Raw
	return nil
}

// addImported tells an empty slot from one with an imported key, where the firmware can.
func addImported(yk *piv.YubiKey, slot Slot, found *slotContents) error {
	if found.Hidden = !atLeast(yk.Version(), firstMetadata); found.Hidden {
		return nil
	}
	info, err := yk.KeyInfo(pivSlots[slot])
	if errors.Is(err, piv.ErrNotFound) {
		return nil
	}
	if err != nil && (statusOf(err) != 0 || pcscFailed(err)) {
		return fmt.Errorf("reading about slot %s: %w", slot, err)
	}
	found.Unattested, found.Algorithm = true, algorithmName(info.PublicKey)
	return nil
}

// checkPublic refuses a slot whose key is not the expected one before the person is asked for anything. Old
// firmware cannot tell; there the signature is checked afterwards.
func checkPublic(yk *piv.YubiKey, q *request, want crypto.PublicKey) error {
	if !atLeast(yk.Version(), firstMetadata) {
		return nil
	}
	info, err := yk.KeyInfo(pivSlots[q.Slot])
	if errors.Is(err, piv.ErrNotFound) {
		return &failure{Kind: kindChanged, Text: fmt.Sprintf("slot %s is empty", q.Slot)}
	}
	if err != nil {
		return fmt.Errorf("reading about slot %s: %w", q.Slot, err)
	}
	if !samePublic(info.PublicKey, want) {
		return &failure{Kind: kindChanged, Text: fmt.Sprintf("public key mismatch on PIV slot %s", q.Slot)}
	}
	return nil
}

// samePublic compares two public keys of any type.
func samePublic(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && b != nil && comparable.Equal(b)
}

func atLeast(v, want piv.Version) bool {
	if v.Major != want.Major {
		return v.Major > want.Major
	}
	return v.Minor >= want.Minor
}

// publicOf decodes the key that a request speaks of.
func (q *request) publicOf() (crypto.PublicKey, error) {
	public, err := x509.ParsePKIXPublicKey(q.Public)
	if err != nil {
		return nil, fmt.Errorf("decoding the public key: %w", err)
	}
	return public, nil
}
