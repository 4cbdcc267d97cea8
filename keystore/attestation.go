package keystore

import (
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/go-piv/piv-go/v2/piv"
)

// ReadAttestation is ParseAttestation with everything that the certificates say, and with the chain that proves it.
func ReadAttestation(slotCert, deviceCert []byte, roots *x509.CertPool) (*Attestation, error) {
	attested, err := ParseAttestation(slotCert, deviceCert, roots)
	if err != nil {
		return nil, err
	}
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
	a := &Attestation{
		Attested:   *attested,
		FormFactor: formFactorName(byte(said.Formfactor)),
		PIN:        pinPolicies[said.PINPolicy],
		Touch:      touchPolicies[said.TouchPolicy],
		Chain:      []*x509.Certificate{slot, device},
	}
	a.verify(roots)
	return a, nil
}

// verify finds out who vouches for the card. piv-go knows Yubico's roots and intermediates but shows no chain; a root
// of our own is added to it.
func (a *Attestation) verify(roots *x509.CertPool) {
	slot, device := a.Chain[0], a.Chain[1]
	switch {
	case chains(slot, device, nil):
		a.Verified = VerifiedByYubico
	case roots != nil && chains(slot, device, roots):
		a.Verified = VerifiedByExtra
		a.Chain = append(a.Chain, above(device, roots)...)
	}
}

// above is the certificates between a card's and one of the roots, and that root.
func above(device *x509.Certificate, roots *x509.CertPool) []*x509.Certificate {
	found, err := device.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil || len(found) == 0 {
		return nil
	}
	return found[0][1:]
}

// VerifiedBy says in words who vouches for the card, or "" for nobody.
func (a *Attestation) VerifiedBy() string {
	root := a.Chain[len(a.Chain)-1].Issuer.CommonName
	switch a.Verified {
	case VerifiedByYubico:
		return "Yubico (" + root + ")"
	case VerifiedByExtra:
		return root
	default:
		return ""
	}
}

var pinPolicies = map[piv.PINPolicy]PINPolicy{
	piv.PINPolicyNever:       PINNever,
	piv.PINPolicyOnce:        PINOnce,
	piv.PINPolicyAlways:      PINAlways,
	piv.PINPolicyMatchOnce:   PINMatchOnce,
	piv.PINPolicyMatchAlways: PINMatchAlways,
}

var touchPolicies = map[piv.TouchPolicy]TouchPolicy{
	piv.TouchPolicyNever:  TouchNever,
	piv.TouchPolicyAlways: TouchAlways,
	piv.TouchPolicyCached: TouchCached,
}

// formFactorName is the shape of a card in words (virtual-key sheet, 2.6, extension .9); empty for an unknown one.
func formFactorName(form byte) string {
	name := map[byte]string{
		0x01: "USB-A keychain", 0x02: "USB-A nano", 0x03: "USB-C keychain", 0x04: "USB-C nano",
		0x05: "USB-C and Lightning", 0x06: "USB-A with fingerprint reader", 0x07: "USB-C with fingerprint reader",
	}[form&0x7f]
	if name != "" && form&0x80 != 0 {
		name += ", FIPS"
	}
	return name
}

// policyNames are the clusters' words for what a key's policy amounts to (hardware-key sheet, 1.1 and 7.3).
var policyNames = map[Policy]string{
	{}:                       "hardware_key",
	{Touch: true}:            "hardware_key_touch",
	{PIN: true}:              "hardware_key_pin",
	{Touch: true, PIN: true}: "hardware_key_touch_and_pin",
}

// Name is the word that clusters have for the policy, which is what they read out of an attestation:
// "hardware_key_touch".
func (p Policy) Name() string { return policyNames[p] }

// ParsePolicy reads a policy by the clusters' word for it, with or without its "hardware_key_": "touch_and_pin", where
// "none" and "hardware_key" are a key that asks for nothing. Dashes do for underscores.
func ParsePolicy(text string) (Policy, error) {
	word := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(text)), "-", "_")
	for policy, name := range policyNames {
		if word == name || "hardware_key_"+word == name {
			return policy, nil
		}
	}
	if word == "none" {
		return Policy{}, nil
	}
	return Policy{}, fmt.Errorf("%q is no policy of a key: use none, touch, pin or touch-and-pin", text)
}
