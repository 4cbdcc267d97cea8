package demo

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// PIN and touch policies in the attestation extension (hardware-key sheet, 7.3).
const (
	attestedNever  = 1
	attestedAlways = 3 // the highest known: PIN 3 is always, touch 3 is cached
)

// attestation is what a card proved about a key.
type attestation struct {
	policy keyPolicy
	serial uint32
}

// parseStatement reads an attestation statement as strictly as version 15 does: members that it does not know and
// other encodings than padded standard base64 are refused (login sheet, 5.4).
func parseStatement(raw json.RawMessage) (*wire.YubiKeyAttestation, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var statement struct {
		Camel *statementBody `json:"yubikeyAttestationStatement"`
		Snake *statementBody `json:"yubikey_attestation_statement"`
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&statement); err != nil {
		return nil, refuse(badParameter, "attestation statement refused: %v", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse(badParameter, "attestation statement refused: there is more than one")
	}
	switch {
	case statement.Camel != nil && statement.Snake == nil:
		return statement.Camel.merge()
	case statement.Snake != nil && statement.Camel == nil:
		return statement.Snake.merge()
	default:
		return nil, refuse(badParameter, "attestation statement refused: it is not a YubiKey's")
	}
}

// statementBody accepts both spellings of each member, as protobuf-JSON parsers do.
type statementBody struct {
	SlotCert             []byte `json:"slotCert"`
	SlotCertSnake        []byte `json:"slot_cert"`
	AttestationCert      []byte `json:"attestationCert"`
	AttestationCertSnake []byte `json:"attestation_cert"`
}

func (b *statementBody) merge() (*wire.YubiKeyAttestation, error) {
	if b.SlotCert != nil && b.SlotCertSnake != nil || b.AttestationCert != nil && b.AttestationCertSnake != nil {
		return nil, refuse(badParameter, "attestation statement refused: a member is given twice")
	}
	return &wire.YubiKeyAttestation{
		SlotCert:        append(b.SlotCert, b.SlotCertSnake...),
		AttestationCert: append(b.AttestationCert, b.AttestationCertSnake...),
	}, nil
}

// verifyAttestation checks that the statement is about publicKey, that it chains to a trusted root, and reads what
// the card says about the key (hardware-key sheet, 7.2). Refusals begin with "attestation is not trusted".
func verifyAttestation(s *wire.YubiKeyAttestation, publicKey crypto.PublicKey, roots *x509.CertPool,
	now time.Time) (attestation, error) {

	slot, err := x509.ParseCertificate(s.SlotCert)
	if err != nil {
		return attestation{}, distrust("the slot certificate cannot be read")
	}
	device, err := x509.ParseCertificate(s.AttestationCert)
	if err != nil {
		return attestation{}, distrust("the device certificate cannot be read")
	}
	key, ok := publicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !key.Equal(slot.PublicKey) {
		return attestation{}, distrust("it is for another key")
	}
	if err := verifyDevice(device, roots, now); err != nil {
		return attestation{}, err
	}
	if err := verifySlot(slot, device, now); err != nil {
		return attestation{}, err
	}
	return readSlot(slot)
}

func distrust(reason string) error {
	return refuse(badParameter, "attestation is not trusted: %s", reason)
}

// verifyDevice checks the device's certificate against the roots. It is taken for an authority even without basic
// constraints, which some YubiKeys 4 lack (hardware-key sheet, 7.3); one that says it is no authority is refused.
func verifyDevice(device *x509.Certificate, roots *x509.CertPool, now time.Time) error {
	if roots == nil {
		return distrust("no roots are configured")
	}
	if device.BasicConstraintsValid && !device.IsCA {
		return distrust("the device certificate is not an authority's")
	}
	_, err := device.Verify(x509.VerifyOptions{
		Roots:       roots,
		CurrentTime: now,
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return distrust("the device certificate does not chain to a configured root")
	}
	return nil
}

func verifySlot(slot, device *x509.Certificate, now time.Time) error {
	switch {
	case !bytes.Equal(slot.RawIssuer, device.RawSubject):
		return distrust("the slot certificate names another issuer")
	case now.Before(slot.NotBefore) || now.After(slot.NotAfter):
		return distrust("the slot certificate is not valid at this time")
	case device.CheckSignature(slot.SignatureAlgorithm, slot.RawTBSCertificate, slot.Signature) != nil:
		return distrust("the slot certificate was not signed by the device")
	}
	return nil
}

// readSlot reads policies and serial number from the vendor's extensions.
func readSlot(slot *x509.Certificate) (attestation, error) {
	policies, err := soleExtension(slot, wire.OIDYubicoPolicy)
	if err != nil {
		return attestation{}, err
	}
	if len(policies) != 2 || !knownPolicy(policies[0]) || !knownPolicy(policies[1]) {
		return attestation{}, distrust(fmt.Sprintf("the policies %x are not known", policies))
	}
	number, err := soleExtension(slot, wire.OIDYubicoSerial)
	if err != nil {
		return attestation{}, err
	}
	var serial int64
	if rest, err := asn1.Unmarshal(number, &serial); err != nil || len(rest) > 0 || serial < 0 || serial > 1<<32-1 {
		return attestation{}, distrust("the serial number cannot be read")
	}
	return attestation{
		policy: attestedPolicy(policies[1] != attestedNever, policies[0] != attestedNever),
		serial: uint32(serial),
	}, nil
}

func knownPolicy(b byte) bool { return b >= attestedNever && b <= attestedAlways }

// soleExtension returns the value of an extension that must be there exactly once.
func soleExtension(cert *x509.Certificate, oid asn1.ObjectIdentifier) ([]byte, error) {
	var value []byte
	found := 0
	for _, extension := range cert.Extensions {
		if extension.Id.Equal(oid) {
			value, found = extension.Value, found+1
		}
	}
	if found != 1 {
		return nil, distrust(fmt.Sprintf("the slot certificate has extension %v %d times", oid, found))
	}
	return value, nil
}
