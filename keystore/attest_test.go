//go:build linux

package keystore

import (
	"crypto/x509"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAnAttestationIsReadWhoeverTheRootIs(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: bothPolicy})
	slot, device := key.Attestation()
	known := x509.NewCertPool()
	known.AddCert(b.key.Root())
	for _, row := range []struct {
		name    string
		roots   *x509.CertPool
		trusted bool
	}{
		{"Yubico's roots only", nil, false},
		{"the virtual key's root as well", known, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := ParseAttestation(slot, device, row.roots)
			if err != nil {
				t.Fatal(err)
			}
			want := &Attested{
				Serial: key.Serial(), Firmware: "5.4.3", Slot: Slot9D, Policy: bothPolicy,
				PublicKey: key.Reference().PublicKey, Trusted: row.trusted, Issuer: got.Issuer,
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Attested{})); diff != "" {
				t.Errorf("the attestation differs:\n%s", diff)
			}
		})
	}
}

func TestAStatementThatTheDeviceDidNotSignIsRefused(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{})
	slot, device := key.Attestation()
	other, _ := newBench(t).prepare(Requirement{}).Attestation()
	for name, pair := range map[string][2][]byte{
		"another card's statement":     {other, device},
		"the device for the statement": {device, device},
		"no statement":                 {nil, device},
		"no device":                    {slot, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ParseAttestation(pair[0], pair[1], nil); err == nil {
				t.Errorf("it was read as %+v", got)
			}
		})
	}
}
