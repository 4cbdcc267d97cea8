package virtual

import (
	"encoding/hex"
	"strings"
	"testing"
)

const (
	getCHUID    = "00cb3fff 05 5c035fc102"
	putCHUID    = "00db3fff 0a 5c035fc102 5303aabbcc"
	deleteCHUID = "00db3fff 07 5c035fc102 5300"
)

func TestObjectsAreKeptAndDeleted(t *testing.T) {
	b := newBench(t)
	b.want(getCHUID, "6a82")
	b.want(putCHUID, "6982")
	b.manage()
	b.want(putCHUID, "9000")
	b.want(getCHUID, "5303aabbcc 9000")
	b.want(deleteCHUID, "9000")
	b.want(getCHUID, "6a82")
}

func TestTheDiscoveryObjectHasNoWrapper(t *testing.T) {
	newBench(t).want("00cb3fff 03 5c017e", "7e12 4f0ba000000308000010000100 5f2f024000 9000")
}

func TestSomeObjectsNeedThePIN(t *testing.T) {
	for name, id := range map[string]string{"printed": "5fc109", "fingerprints": "5fc103", "face": "5fc108", "iris": "5fc121"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.manage()
			b.want("00db3fff 08 5c03"+id+"530142", "9000")
			b.want("00cb3fff 05 5c03"+id, "6982")
			b.want(verifyDefault, "9000")
			b.want("00cb3fff 05 5c03"+id, "530142 9000")
		})
	}
}

func TestObjectCommandsRefuse(t *testing.T) {
	for name, row := range map[string]struct{ apdu, word string }{
		"reading another file":            {"00cb0000 05 5c035fc102", "6a86"},
		"reading without a name":          {"00cb3fff 02 5c00", "6a80"},
		"reading a name of four bytes":    {"00cb3fff 06 5c045fc10203", "6a80"},
		"reading half a name":             {"00cb3fff 03 5c035f", "6a80"},
		"reading nothing":                 {"00cb3fff", "6a80"},
		"writing another file":            {"00db0000 0a 5c035fc102 5303aabbcc", "6a86"},
		"writing without content":         {"00db3fff 05 5c035fc102", "6a80"},
		"writing without a name":          {"00db3fff 05 5303aabbcc", "6a80"},
		"writing the discovery object":    {"00db3fff 06 5c017e 530142", "6a80"},
		"writing more than an object has": {"00db3fff 000bf6 5c035fc102 53820bed" + strings.Repeat("00", 3053), "6a84"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.manage()
			b.want(row.apdu, row.word)
			b.want(getCHUID, "6a82")
		})
	}
}

func TestTheLargestObjectFits(t *testing.T) {
	b := newBench(t)
	b.manage()
	content := strings.Repeat("5a", maxObjectSize)
	b.want("00db3fff 000bf5 5c035fc102 53820bec"+content, "9000")
	b.want("00cb3fff 000005 5c035fc102", "53820bec"+content+"9000")
}

func TestTheAttestationCertificateIsAnObject(t *testing.T) {
	b := newBench(t)
	certificate, err := b.card.attestationCertificate()
	if err != nil {
		t.Fatal(err)
	}
	data := unhex(t, b.wantWord("00cb3fff 000005 5c035fff01", "9000"))
	if want := hex.EncodeToString(certificate.Raw); !strings.Contains(hex.EncodeToString(data), want) {
		t.Error("object 5fff01 does not hold the attestation certificate")
	}
	if tail := hex.EncodeToString(data[len(data)-5:]); tail != "710100fe00" {
		t.Errorf("object 5fff01 ends with %s, want 710100fe00: not compressed", tail)
	}
}
