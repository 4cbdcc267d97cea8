package keystore

import (
	"crypto/x509"
	"fmt"

	"github.com/go-piv/piv-go/v2/piv"
)

// Attested is what a card says about a key, in the attestation certificate of the key's slot.
type Attested struct {
	Serial    uint32
	Firmware  string
	Slot      Slot
	Policy    Policy
	PublicKey []byte // PKIX DER
	// Issuer is who vouches for the card, as the device certificate names it.
	Issuer string
	// Trusted says that the statement chains to Yubico or to one of the roots given. It is for showing: whether a
	// key is good enough is for the cluster to decide.
	Trusted bool

	pinAlways bool // the card wants the PIN right before each use
}

// ParseAttestation reads the attestation certificate of a slot and the certificate of the device that signed it, both
// DER. It fails if the device did not sign the statement, and for a statement that says nothing about the key's
// policy. An unknown root is no failure (hardware-key sheet, 7.1). roots may be nil.
func ParseAttestation(slotCert, deviceCert []byte, roots *x509.CertPool) (*Attested, error) {
	slot, err := x509.ParseCertificate(slotCert)
	if err != nil {
		return nil, fmt.Errorf("decoding the attestation of the slot: %w", err)
	}
	device, err := x509.ParseCertificate(deviceCert)
	if err != nil {
		return nil, fmt.Errorf("decoding the attestation certificate of the card: %w", err)
	}
	said, err := statement(slot, device)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(slot.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("encoding the attested key: %w", err)
	}
	v := said.Version
	return &Attested{
		Serial:    said.Serial,
		Firmware:  fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch),
		Slot:      Slot(said.Slot.Key),
		Policy:    policyOf(said),
		PublicKey: public,
		Issuer:    device.Issuer.String(),
		Trusted:   chains(slot, device, nil) || roots != nil && chains(slot, device, roots),
		pinAlways: said.PINPolicy == piv.PINPolicyAlways,
	}, nil
}

// statement reads the extensions of a slot's attestation. The device certificate is the root here: the question is
// only whether this device made this statement.
func statement(slot, device *x509.Certificate) (*piv.Attestation, error) {
	self := x509.NewCertPool()
	self.AddCert(device)
	said, err := (&piv.Verifier{Roots: self}).Verify(device, slot)
	if err != nil {
		return nil, fmt.Errorf("reading the attestation of the slot: %w", err)
	}
	if said.PINPolicy == 0 || said.TouchPolicy == 0 {
		return nil, fmt.Errorf("reading the attestation of the slot: it names no policy")
	}
	return said, nil
}

func chains(slot, device *x509.Certificate, roots *x509.CertPool) bool {
	_, err := (&piv.Verifier{Roots: roots}).Verify(device, slot)
	return err == nil
}

// policyOf is our reading of the card's policies: whatever is not "never" is demanded (hardware-key sheet, 7.3).
func policyOf(said *piv.Attestation) Policy {
	return Policy{
		Touch: said.TouchPolicy != piv.TouchPolicyNever,
		PIN:   said.PINPolicy != piv.PINPolicyNever,
	}
}
