//go:build linux

package keystore

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

// storedAttestation is what a virtual key once said about one of its keys, and the root that vouches for it.
func storedAttestation(t testing.TB) (slot, device []byte, roots *x509.CertPool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "attestation.pem"))
	if err != nil {
		t.Fatal(err)
	}
	var chain [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		chain = append(chain, block.Bytes)
	}
	if len(chain) != 3 {
		t.Fatalf("the file holds %d certificates, want those of slot, device and root", len(chain))
	}
	root, err := x509.ParseCertificate(chain[2])
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(root)
	return chain[0], chain[1], roots
}

func TestAStoredAttestationIsRead(t *testing.T) {
	slot, device, roots := storedAttestation(t)
	got, err := ParseAttestation(slot, device, roots)
	if err != nil || !got.Trusted || got.Slot != Slot9D || got.Policy != bothPolicy || got.Serial != 12345678 {
		t.Errorf("it reads as %+v, %v", got, err)
	}
}

// FuzzParseAttestation reads what any card may say. What was changed is not trusted.
func FuzzParseAttestation(f *testing.F) {
	slot, device, roots := storedAttestation(f)
	f.Add(slot, device)
	f.Add(device, slot)
	f.Add(slot, slot)
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x01}, device)
	f.Fuzz(func(t *testing.T, s, d []byte) {
		got, err := ParseAttestation(s, d, roots)
		if err == nil && got.Trusted && (!bytes.Equal(s, slot) || !bytes.Equal(d, device)) {
			t.Errorf("a changed attestation is trusted: %+v\n%x\n%x", got, s, d)
		}
	})
}
