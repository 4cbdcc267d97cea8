package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"time"
)

// PEMType is the type of the PEM block that holds the JSON of a Reference on disk (hardware-key sheet, 8).
const PEMType = "PIV YUBIKEY PRIVATE KEY"

// Reference names a key on a card, so that it can be found again without asking the card for it. Its JSON is the
// long form of the hardware-key sheet, section 8, which all versions of the clusters' own clients read. It holds
// nothing secret.
type Reference struct {
	Serial uint32 `json:"serial_number"`
	// SlotKey is the slot's number in decimal: 154 for 9a.
	SlotKey     uint32               `json:"slot_key"`
	PublicKey   []byte               `json:"public_key"` // PKIX DER
	Policy      ReferencePolicy      `json:"policy"`
	Attestation AttestationStatement `json:"attestation_statement"`
	PINCacheTTL time.Duration        `json:"pin_cache_ttl"`
}

// ReferencePolicy is a Policy with the member names that references have.
type ReferencePolicy struct {
	TouchRequired bool
	PINRequired   bool
}

// AttestationStatement is what a cluster is sent to prove where a key lives (hardware-key sheet, 7.1).
type AttestationStatement struct {
	YubiKey YubiKeyStatement `json:"yubikeyAttestationStatement"`
}

// YubiKeyStatement holds the card's certificate about the key and the certificate of the card, both DER.
type YubiKeyStatement struct {
	SlotCert        []byte `json:"slotCert"`
	AttestationCert []byte `json:"attestationCert"`
}

// Reference is the key's reference.
func (k *Key) Reference() Reference { return k.reference }

// parse checks that a reference is complete and agrees with itself. roots are as in ParseAttestation.
func (r Reference) parse(roots *x509.CertPool) (crypto.PublicKey, *Attested, error) {
	slot := Slot(r.SlotKey)
	if _, ok := pivSlots[slot]; !ok || r.SlotKey > 0xff || r.Serial == 0 {
		return nil, nil, fmt.Errorf("the reference names slot %d on card %d", r.SlotKey, r.Serial)
	}
	public, err := x509.ParsePKIXPublicKey(r.PublicKey)
	if err != nil {
		return nil, nil, fmt.Errorf("decoding the public key of the reference: %w", err)
	}
	attested, err := ParseAttestation(r.Attestation.YubiKey.SlotCert, r.Attestation.YubiKey.AttestationCert, roots)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(attested.PublicKey, r.PublicKey) {
		return nil, nil, fmt.Errorf("the attestation of the reference is of another key")
	}
	return public, attested, nil
}
