package virtual

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"testing"
)

func TestGenerateAnswersThePoint(t *testing.T) {
	b := newBench(t)
	b.manage()
	point := b.generate("9a", "02", "03")
	if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point); err != nil {
		t.Fatalf("GENERATE answers %x: %v", point, err)
	}
	b.want("00f7009a", "010111 02020203 030101 0443 8641"+hex.EncodeToString(point)+"9000")
}

func TestGenerateReplacesTheKey(t *testing.T) {
	b := newBench(t)
	b.manage()
	if first, second := b.generate("9c", "01", "01"), b.generate("9c", "01", "01"); bytes.Equal(first, second) {
		t.Error("two keys in a row are the same")
	}
}

func TestPoliciesHaveDefaults(t *testing.T) {
	for slot, policies := range map[string]string{
		"9a": "0201", "9c": "0301", "9d": "0201", "9e": "0101", "82": "0201", "95": "0201", "f9": "0201",
	} {
		t.Run(slot, func(t *testing.T) {
			b := newBench(t)
			b.manage()
			b.wantWord("004700"+slot+"05 ac03 800111", "9000")
			answer := b.wantWord("00f700"+slot, "9000")
			if got := answer[10:14]; got != policies {
				t.Errorf("slot %s has policies %s, want %s", slot, got, policies)
			}
		})
	}
}

func TestGenerateRefuses(t *testing.T) {
	for name, row := range map[string]struct{ apdu, word string }{
		"the management key's slot": {"0047009b 05 ac03 800111", "6a86"},
		"a slot that is not there":  {"00470096 05 ac03 800111", "6a86"},
		"an unknown P1":             {"0047019a 05 ac03 800111", "6a86"},
		"Ed25519, since 5.7":        {"0047009a 05 ac03 8001e0", "6a80"},
		"RSA 3072, since 5.7":       {"0047009a 05 ac03 800105", "6a80"},
		"an unknown PIN policy":     {"0047009a 08 ac06 800111 aa0104", "6a80"},
		"an unknown touch policy":   {"0047009a 08 ac06 800111 ab0104", "6a80"},
		"a policy of two bytes":     {"0047009a 09 ac07 800111 ab020101", "6a80"},
		"no algorithm":              {"0047009a 02 ac00", "6a80"},
		"no template":               {"0047009a 03 800111", "6a80"},
		"a broken template":         {"0047009a 03 ac0180", "6a80"},
		"half a template":           {"0047009a 03 ac0380", "6a80"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.manage()
			b.want(row.apdu, row.word)
			b.want("00f7009a", "6a88")
		})
	}
}

func TestSignaturesVerify(t *testing.T) {
	b := newBench(t)
	b.manage()
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b.generate("9a", "01", "01"))
	if err != nil {
		t.Fatal(err)
	}
	answer := unhex(t, b.wantWord(sign9A, "9000"))
	if !ecdsa.VerifyASN1(public, unhex(t, digest), answer[4:]) {
		t.Errorf("the signature %x does not verify", answer[4:])
	}
	if b.card.signatures != 1 {
		t.Errorf("the card counts %d signatures, want 1", b.card.signatures)
	}
}

func TestSignRefuses(t *testing.T) {
	for name, row := range map[string]struct{ apdu, word string }{
		"an empty slot":             {"00871182 26 7c24 8200 8120" + digest, "6a80"},
		"another algorithm":         {"0087149a 26 7c24 8200 8120" + digest, "6a80"},
		"a slot that is not there":  {"00871196 26 7c24 8200 8120" + digest, "6a86"},
		"a digest of 33 bytes":      {"0087119a 27 7c25 8200 8121" + digest + "00", "6a80"},
		"an empty digest":           {"0087119a 06 7c04 8200 8100", "6a80"},
		"no place for a response":   {"0087119a 24 7c22 8120" + digest, "6a80"},
		"nothing to sign":           {"0087119a 04 7c02 8200", "6a80"},
		"no template":               {"0087119a 22 8120" + digest, "6a80"},
		"a point that is not there": {"0087119a 08 7c06 8200 85020400", "6a80"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.manage()
			b.generate("9a", "01", "01")
			b.want(row.apdu, row.word)
			if b.card.signatures != 0 {
				t.Errorf("the card counts %d signatures, want 0", b.card.signatures)
			}
		})
	}
}

func TestKeyAgreementGivesTheSharedPoint(t *testing.T) {
	b := newBench(t)
	b.manage()
	public, err := ecdh.P256().NewPublicKey(b.generate("9d", "01", "01"))
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	want, err := peer.ECDH(public)
	if err != nil {
		t.Fatal(err)
	}
	b.want("0087119d 47 7c45 8200 8541"+hex.EncodeToString(peer.PublicKey().Bytes()), "7c22 8220"+hex.EncodeToString(want)+"9000")
}

func TestRSASignsABlock(t *testing.T) {
	b := newBench(t)
	b.manage()
	answer := unhex(t, b.wantWord("0047009e 0000 05 ac03 800106 0000", "9000"))
	elements, err := parseTLVs(answer[4:])
	if err != nil {
		t.Fatal(err)
	}
	modulus, _ := elements.find(tagModulus)
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: publicExponent}
	sum := sha256.Sum256([]byte("message"))
	block := pkcs1Block(sum[:], public.Size())
	data := dynamicAuth(tagResponse, nil)
	data = appendTLV(nil, tagDynamicAuth, append(data[2:], appendTLV(nil, tagChallenge, block...)...)...)
	signed := unhex(t, b.wantWord("0087069e"+hexByte(byte(len(data)))+hex.EncodeToString(data), "9000"))
	signature := signed[len(signed)-public.Size():]
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("the signature does not verify: %v", err)
	}
	b.want("0087069e 08 7c06 8200 81020001", "6a80")
}

// pkcs1Block pads a SHA-256 digest as clients do, for the card's bare RSA operation (RFC 8017, 9.2).
func pkcs1Block(digest []byte, size int) []byte {
	info := []byte{0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20}
	tail := append(append([]byte{0}, info...), digest...)
	block := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-2-len(tail))...)
	return append(block, tail...)
}

func TestImportedKeysSignButAreNotAttested(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := private.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	load := "00fe119a 28 0620" + hex.EncodeToString(scalar) + "aa0101 ab0101"
	b.want(load, "6982")
	b.manage()
	b.want(load, "9000")
	answer := unhex(t, b.wantWord(sign9A, "9000"))
	if !ecdsa.VerifyASN1(&private.PublicKey, unhex(t, digest), answer[4:]) {
		t.Error("the signature does not verify with the key that was imported")
	}
	if metadata := b.wantWord("00f7009a", "9000"); metadata[14:20] != "030102" {
		t.Errorf("metadata says %s about the origin, want 030102", metadata[14:20])
	}
	b.want("00f99a00", "6a80")
}

func TestImportTakesRSAPrimes(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	data := appendTLV(nil, tagPrimeP, private.Primes[0].Bytes()...)
	data = appendTLV(data, tagPrimeQ, private.Primes[1].Bytes()...)
	b := newBench(t)
	b.manage()
	load := "9d 00" + hex.EncodeToString([]byte{byte(len(data) >> 8), byte(len(data))}) + hex.EncodeToString(data)
	b.want("00fe06"+load, "6a80") // they are of 2048 bits, not 1024
	b.want("00fe07"+load, "9000")
	if metadata := b.wantWord("00f7009d 000000", "9000"); !bytes.Contains(unhex(t, metadata), private.N.Bytes()) {
		t.Error("metadata does not show the modulus that was imported")
	}
}

func TestImportRefuses(t *testing.T) {
	for name, row := range map[string]struct{ apdu, word string }{
		"a scalar of zero":         {"00fe119a 22 0620 0000000000000000000000000000000000000000000000000000000000000000", "6a80"},
		"a short scalar":           {"00fe119a 03 060101", "6a80"},
		"no scalar":                {"00fe119a", "6a80"},
		"no primes":                {"00fe079a", "6a80"},
		"Ed25519, since 5.7":       {"00fee09a 03 070101", "6a80"},
		"a slot that is not there": {"00fe1196 03 060101", "6a86"},
		"half an element":          {"00fe119a 02 0620", "6a80"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.manage()
			b.want(row.apdu, row.word)
		})
	}
}
