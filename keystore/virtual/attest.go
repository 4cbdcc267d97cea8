package virtual

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// Yubico's extensions of attestation certificates below 1.3.6.1.4.1.41482.3 (virtual-key sheet, 2.6). Except for the
// serial number their values are raw bytes, not DER.
const (
	extensionFirmware   = 3
	extensionSerial     = 7
	extensionPolicies   = 8
	extensionFormFactor = 9
)

func yubicoExtension(id int, value []byte) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, id}, Value: value}
}

// newAttestationKey makes the F9 key of a card, RSA-2048 on firmware 4.3 to 5.6 and here on newer ones as well, and its
// certificate, signed by root. The factory counts it as imported.
func newAttestationKey(firmware Firmware, root *authority) (*slotKey, []byte, error) {
	private, err := rsa.GenerateKey(rand.Reader, rsaBits[algorithmRSA2048])
	if err != nil {
		return nil, nil, fmt.Errorf("generating the attestation key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          randomSerialNumber(),
		Subject:               pkix.Name{CommonName: "Touchstone Virtual PIV Attestation"},
		NotBefore:             root.certificate.NotBefore,
		NotAfter:              root.certificate.NotAfter,
		IsCA:                  true,
		BasicConstraintsValid: true, // Go's verifier wants it; some real devices lack it
		MaxPathLenZero:        true,
		ExtraExtensions:       []pkix.Extension{yubicoExtension(extensionFirmware, firmware.bytes())},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, root.certificate, private.Public(), root.private)
	if err != nil {
		return nil, nil, fmt.Errorf("signing the attestation certificate: %w", err)
	}
	key := &slotKey{
		Algorithm: algorithmRSA2048, PINPolicy: pinNever, TouchPolicy: touchNever,
		Origin: originImported, private: private,
	}
	return key, der, nil
}

// attest answers ATTEST with a fresh certificate for a generated key, as bare DER.
func (c *card) attest(slot ref) reply {
	key, ok := c.memory.Keys[slot]
	if !ok || slot == slotAttestation || key.Origin != originGenerated {
		return just(swWrongData)
	}
	der, err := c.attestation(slot, key)
	if err != nil {
		c.log.Warn("attesting a slot", "slot", fmt.Sprintf("%02x", byte(slot)), "err", err)
		return just(swWrongData)
	}
	return success(der)
}

func (c *card) attestation(slot ref, key *slotKey) ([]byte, error) {
	device, ok := c.memory.Keys[slotAttestation]
	if !ok {
		return nil, errors.New("the attestation key was deleted")
	}
	issuer, err := c.attestationCertificate()
	if err != nil {
		return nil, err
	}
	serial, err := asn1.Marshal(int64(c.memory.Serial))
	if err != nil {
		return nil, fmt.Errorf("encoding the serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: randomSerialNumber(),
		Subject:      pkix.Name{CommonName: fmt.Sprintf("YubiKey PIV Attestation %02x", byte(slot))},
		NotBefore:    issuer.NotBefore,
		NotAfter:     issuer.NotAfter,
		ExtraExtensions: []pkix.Extension{
			yubicoExtension(extensionFirmware, c.firmware.bytes()),
			yubicoExtension(extensionSerial, serial),
			yubicoExtension(extensionPolicies, []byte{byte(key.PINPolicy), byte(key.TouchPolicy)}),
			yubicoExtension(extensionFormFactor, []byte{formFactorCKeychain}),
		},
	}
	return x509.CreateCertificate(rand.Reader, template, issuer, key.private.Public(), device.private)
}

// attestationCertificate reads the F9 certificate from its object, which a client may have replaced.
func (c *card) attestationCertificate() (*x509.Certificate, error) {
	elements, err := parseTLVs(c.memory.Objects[objectAttestationCert])
	if err != nil {
		return nil, fmt.Errorf("reading object %x: %w", objectAttestationCert, err)
	}
	der, _ := elements.find(tagCertificate)
	return x509.ParseCertificate(der)
}

// randomSerialNumber is 16 random bytes, positive.
func randomSerialNumber() *big.Int {
	b := randomBytes(16)
	b[0] = b[0]&0x7f | 0x01
	return new(big.Int).SetBytes(b)
}
