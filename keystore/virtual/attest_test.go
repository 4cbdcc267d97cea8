package virtual

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"testing"
)

// attested generates a key and returns its attestation.
func (b *bench) attested(slot, pin, touch string) (*x509.Certificate, *ecdsa.PublicKey) {
	b.t.Helper()
	b.manage()
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b.generate(slot, pin, touch))
	if err != nil {
		b.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(unhex(b.t, b.wantWord("00f9"+slot+"00 000000", "9000")))
	if err != nil {
		b.t.Fatal(err)
	}
	return certificate, public
}

func TestAttestationNamesTheKeyAndItsRules(t *testing.T) {
	b := newBench(t)
	certificate, public := b.attested("9c", "02", "03")
	if !public.Equal(certificate.PublicKey) {
		t.Error("the attestation is for another key")
	}
	if got, want := certificate.Subject.CommonName, "YubiKey PIV Attestation 9c"; got != want {
		t.Errorf("the subject is %q, want %q", got, want)
	}
	for suffix, want := range map[int][]byte{
		3: {5, 4, 3},
		7: {0x02, 0x04, 0x00, 0xbc, 0x61, 0x4e},
		8: {2, 3},
		9: {3},
	} {
		if got := extension(t, certificate, suffix); !bytes.Equal(got, want) {
			t.Errorf("extension .%d is %x, want %x", suffix, got, want)
		}
	}
}

func extension(t *testing.T, certificate *x509.Certificate, suffix int) []byte {
	t.Helper()
	id := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, suffix}
	for _, e := range certificate.Extensions {
		if e.Id.Equal(id) {
			return e.Value
		}
	}
	t.Errorf("extension %v is missing", id)
	return nil
}

func TestAttestationChainsToTheRoot(t *testing.T) {
	root, err := newRoot()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	if b.card.memory, err = newMemory(DefaultFirmware, testSerial, root); err != nil {
		t.Fatal(err)
	}
	certificate, _ := b.attested("9a", "01", "01")
	device, err := b.card.attestationCertificate()
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := device.PublicKey.(*rsa.PublicKey); !ok || key.Size() != 256 {
		t.Errorf("the device key is %T, want RSA-2048 as firmware 5.4 has", device.PublicKey)
	}
	if !certificate.NotAfter.Equal(device.NotAfter) || !certificate.NotBefore.Equal(device.NotBefore) {
		t.Error("the slot certificate is not valid for as long as the device certificate")
	}
	if err := verify(certificate, device, root.certificate); err != nil {
		t.Errorf("the chain does not verify: %v", err)
	}
	other, err := newRoot()
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(certificate, device, other.certificate); err == nil {
		t.Error("the chain verifies with the root of another folder")
	}
}

func verify(slot, device, root *x509.Certificate) error {
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	options.Roots.AddCert(root)
	options.Intermediates.AddCert(device)
	_, err := slot.Verify(options)
	return err
}

func TestTwoAttestationsOfOneKeyHaveTheirOwnSerialNumbers(t *testing.T) {
	b := newBench(t)
	first, _ := b.attested("9a", "01", "01")
	second, err := x509.ParseCertificate(unhex(t, b.wantWord("00f99a00 000000", "9000")))
	if err != nil {
		t.Fatal(err)
	}
	if first.SerialNumber.Cmp(second.SerialNumber) == 0 {
		t.Errorf("both attestations have serial number %v", first.SerialNumber)
	}
}

func TestAttestRefuses(t *testing.T) {
	b := newBench(t)
	b.want("00f99a00", "6a80") // empty
	b.want("00f9f900", "6a80") // the attestation key itself
	b.want("00f99b00", "6a80") // no slot
	b.manage()
	b.generate("9a", "01", "01")
	b.want("00db3fff 07 5c035fff01 5300", "9000")
	b.want("00f99a00", "6a80") // without a device certificate
}
