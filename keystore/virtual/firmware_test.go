package virtual

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// eachFirmware runs a test on a card of every age.
func eachFirmware(t *testing.T, test func(*testing.T, *bench)) {
	for _, f := range Firmwares() {
		t.Run(f.String(), func(t *testing.T) { test(t, newBenchOf(t, f)) })
	}
}

func TestCardsOfEveryAgeTellTheirVersion(t *testing.T) {
	eachFirmware(t, func(t *testing.T, b *bench) {
		version := hex.EncodeToString(b.card.firmware.bytes())
		b.want("00fd0000", version+"9000")
		b.want("00a4040008a000000527471117",
			hex.EncodeToString([]byte("Virtual mgr - FW version "+b.card.firmware.String()))+"9000")
		b.want("00a4040008a000000527200101", version+"010500 9000")
		b.want("00011000", "00bc614e 9000")
	})
}

// What a card is too old for it does not know.
func TestCommandsCameWithTheirVersions(t *testing.T) {
	for _, row := range []struct {
		what  string
		apdu  string
		since Firmware
		known string // status word since then
	}{
		{"the serial number", "00f80000", Firmware{5, 0, 0}, "9000"},
		{"metadata of the PIN", "00f70080", Firmware{5, 3, 0}, "9000"},
		{"metadata of an empty slot", "00f7009a", Firmware{5, 3, 0}, "6a88"},
		{"moving an empty slot", "00f69c9a", Firmware{5, 7, 0}, "6a88"},
		{"attesting an empty slot", "00f99a00", Firmware{4, 3, 0}, "6a80"},
	} {
		eachFirmware(t, func(t *testing.T, b *bench) {
			b.manage()
			want := row.known
			if !b.card.firmware.since(row.since.Major, row.since.Minor) {
				want = "6d00"
			}
			if _, word := b.send(row.apdu); word != want {
				t.Errorf("%s: the card answers %s, want %s", row.what, word, want)
			}
		})
	}
}

func TestTheFactorysManagementKeyIsAESSince57(t *testing.T) {
	eachFirmware(t, func(t *testing.T, b *bench) {
		want := byte(algorithm3DES)
		if b.card.firmware == (Firmware{5, 7, 1}) {
			want = algorithmAES192
		}
		if got := b.card.memory.Management.Algorithm; got != want {
			t.Errorf("the algorithm is %#02x, want %#02x", got, want)
		}
		b.manage()
		word := "9000"
		if !b.card.firmware.since(5, 4) {
			word = "6a80" // no AES at all
		}
		b.want("00ffffff 13 089b10"+strings.Repeat("07", 16), word)
	})
}

func TestAlgorithmsCameWithTheirVersions(t *testing.T) {
	for name, algorithm := range map[string]byte{
		"RSA-1024": 0x06, "P-256": 0x11, "P-384": 0x14, "RSA-3072": 0x05, "Ed25519": 0xe0, "X25519": 0xe1, "nothing": 0x42,
	} {
		eachFirmware(t, func(t *testing.T, b *bench) {
			b.manage()
			newer := slices.Contains([]byte{0x05, 0xe0, 0xe1}, algorithm)
			want := "9000"
			if algorithm == 0x42 || newer && b.card.firmware != (Firmware{5, 7, 1}) {
				want = "6a80"
			}
			if _, word := b.send("0047009a05ac038001" + hexByte(algorithm)); word != want && !strings.HasPrefix(word, "61") {
				t.Errorf("generating %s is answered %s, want %s", name, word, want)
			}
		})
	}
}

func TestEd25519SignsTheMessageItself(t *testing.T) {
	b := newBenchOf(t, Firmware{5, 7, 1})
	b.manage()
	public := ed25519.PublicKey(unhex(t, b.wantWord("0047009e05ac038001e0", "9000"))[5:])
	message := []byte("a whole message, of any length")
	apdu := dynamicAuth2(tagResponse, nil, tagChallenge, message)
	answer := unhex(t, b.wantWord(fmt.Sprintf("0087e09e%02x%x", len(apdu), apdu), "9000"))
	if !ed25519.Verify(public, message, answer[4:]) {
		t.Errorf("the signature %x is wrong", answer[4:])
	}
	b.wantWord("0087e09e 04 7c02 8200", "6a80") // nothing to sign
}

func TestX25519AgreesOnASecret(t *testing.T) {
	b := newBenchOf(t, Firmware{5, 7, 1})
	b.manage()
	public, err := ecdh.X25519().NewPublicKey(unhex(t, b.wantWord("0047009e05ac038001e1", "9000"))[5:])
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	want, err := own.ECDH(public)
	if err != nil {
		t.Fatal(err)
	}
	apdu := dynamicAuth2(tagResponse, nil, tagExponentiation, own.PublicKey().Bytes())
	b.want(fmt.Sprintf("0087e19e%02x%x", len(apdu), apdu), hex.EncodeToString(dynamicAuth(tagResponse, want))+"9000")
	b.wantWord("0087e19e 07 7c05 8200 850101", "6a80") // a point of one byte
}

// dynamicAuth2 is a template with two elements.
func dynamicAuth2(tag1 uint16, value1 []byte, tag2 uint16, value2 []byte) []byte {
	return appendTLV(nil, tagDynamicAuth, appendTLV(appendTLV(nil, tag1, value1...), tag2, value2...)...)
}

func TestImportedCurve25519KeysAreTheSameKeys(t *testing.T) {
	b := newBenchOf(t, Firmware{5, 7, 1})
	b.manage()
	seed := make([]byte, ed25519.SeedSize)
	b.want(fmt.Sprintf("00fee09a 22 0720%x", seed), "9000")
	b.want("00f7009a", "0101e0 02020201 030102 042286 20"+
		hex.EncodeToString(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))+"9000")
	scalar := make([]byte, 32)
	scalar[3] = 9
	b.want(fmt.Sprintf("00fee19a 22 0820%x", scalar), "9000")
	b.wantWord("00fee09a 21 071f"+strings.Repeat("00", 31), "6a80")
	b.wantWord("00fee19a 21 081f"+strings.Repeat("00", 31), "6a80")
}

func TestKeysMoveWithTheirPolicies(t *testing.T) {
	b := newBenchOf(t, Firmware{5, 7, 1})
	b.want("00f6829a", "6982") // without the management key
	b.manage()
	b.generate("9a", "01", "01")
	b.generate("9c", "02", "01")
	b.want("00f69c9a", "6985") // occupied
	b.want("00f6829a", "9000")
	b.want("00f7009a", "6a88")
	if answer := b.wantWord("00f70082", "9000"); !strings.HasPrefix(answer, "010111"+"02020101"+"030101") {
		t.Errorf("the moved key is described as %s", answer)
	}
	b.wantWord("00f98200", "6100") // it can still be attested, in several answers
	b.want("00f682f9", "6a86")
	b.want("00f6f982", "6a86")
	b.want("00f6ff82", "9000")
	b.want("00f70082", "6a88")
	b.want("00f6ff82", "6a88")
}

func TestACardWithoutAttestationKeyAttestsNothingAndIsReadAgain(t *testing.T) {
	b := newBenchOf(t, Firmware{5, 7, 1})
	b.manage()
	b.generate("9a", "01", "01")
	b.want("00f6fff9", "9000")
	b.want("00f99a00", "6a80")
	text, err := b.card.memory.encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := decodeMemory(text); err != nil || again.Firmware != b.card.firmware {
		t.Errorf("the card reads back as %+v, %v", again, err)
	}
}

func TestTheFirmwareOfACardStays(t *testing.T) {
	root, err := newRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := loadOrMakeMemory(dir, Firmware{5, 7, 1}, 0, root); err != nil {
		t.Fatal(err)
	}
	again, err := loadOrMakeMemory(dir, Firmware{}, 0, root)
	if err != nil || again.Firmware != (Firmware{5, 7, 1}) {
		t.Errorf("the card of %s reads back as %+v, %v", filepath.Base(dir), again, err)
	}
	if _, err := loadOrMakeMemory(dir, Firmware{5, 2, 7}, 0, root); !errors.Is(err, errFirmware) {
		t.Errorf("other firmware: %v, want %v", err, errFirmware)
	}
}

func TestFirmwareIsReadAsCardsTellIt(t *testing.T) {
	for _, f := range Firmwares() {
		if got, err := ParseFirmware(f.String()); got != f || err != nil {
			t.Errorf("%s reads as %v, %v", f, got, err)
		}
	}
	if got, err := ParseFirmware(""); got != (Firmware{}) || err != nil {
		t.Errorf("nothing reads as %v, %v", got, err)
	}
	for _, text := range []string{"5.4", "5.4.3.1", "6.0.0", "05.4.3", "x"} {
		if _, err := ParseFirmware(text); err == nil {
			t.Errorf("%q is taken for firmware", text)
		}
	}
}

func TestDebiansToolsKnowCardsOfEveryAge(t *testing.T) {
	for firmware, want := range map[Firmware]struct{ name, management string }{
		{4, 3, 5}: {"YubiKey 4 (4.3.5) [OTP+FIDO+CCID] Serial: 12345678", ""},
		{5, 2, 7}: {"YubiKey 5C NFC (5.2.7) [OTP+FIDO+CCID] Serial: 12345678", ""},
		{5, 4, 3}: {"YubiKey 5C NFC (5.4.3) [OTP+FIDO+CCID] Serial: 12345678", "TDES"},
		{5, 7, 1}: {"YubiKey 5C NFC (5.7.1) [OTP+FIDO+CCID] Serial: 12345678", "AES192"},
	} {
		t.Run(firmware.String(), func(t *testing.T) {
			b := newToolbox(t, firmware)
			b.want("yubico-piv-tool -a list-readers", firmware.readerName(0))
			b.want("yubico-piv-tool -a version", "Application version "+firmware.String()+" found.")
			b.want("yubico-piv-tool -a status", "12345678", "PIN tries left:\t3")
			b.want("ykman list", want.name)
			b.want("ykman piv info", "PIV version: "+firmware.String(), want.management)
			b.want("ykman piv keys generate -m " + hex.EncodeToString(defaultManagementKey) + " -a ECCP256 9a p.pem")
			b.want("ykman piv keys attest 9a a.pem")
		})
	}
}

func TestLibfido2KnowsKeysOfEveryAge(t *testing.T) {
	for firmware, texts := range map[Firmware][]string{
		{5, 2, 7}: {"FIDO_2_1_PRE", "fwversion: 0x50207"},
		{5, 7, 1}: {"FIDO_2_1_PRE, FIDO_2_1", "fwversion: 0x50701", "pinUvAuthToken"},
	} {
		k := start(t, Config{Firmware: firmware, FIDO: true})
		out, ok := toolbox{t: t, key: k, dir: t.TempDir()}.run("fido2-token", "-I", k.FIDOPath())
		for _, text := range texts {
			if !ok || !strings.Contains(out+",", text) {
				t.Errorf("%s: fido2-token does not say %q:\n%s", firmware, text, out)
			}
		}
	}
}

func TestAYubiKey4IsASecurityKeyWithoutFIDO2(t *testing.T) {
	k := start(t, Config{Firmware: Firmware{4, 3, 5}, FIDO: true})
	out, ok := toolbox{t: t, key: k, dir: t.TempDir()}.run("fido2-token", "-I", k.FIDOPath())
	if !ok || !strings.Contains(out, "caps: 0x01 (wink, nocbor, msg)") || strings.Contains(out, "FIDO_2") {
		t.Errorf("fido2-token says:\n%s", out)
	}
}
