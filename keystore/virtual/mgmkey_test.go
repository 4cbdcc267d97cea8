package virtual

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"
)

const (
	askSingle = "0087039b 04 7c02 8100"
	askMutual = "0087039b 04 7c02 8000"
	makeKey9A = "0047009a 05 ac03 800111"
)

func TestManagementKeyAnswersACardChallenge(t *testing.T) {
	b := newBench(t)
	b.want(makeKey9A, "6982")
	b.manage()
	b.wantWord(makeKey9A, "9000")
}

func TestManagementKeyAuthenticatesBothSides(t *testing.T) {
	b := newBench(t)
	key := newManagementKey(DefaultFirmware)
	block, err := key.block()
	if err != nil {
		t.Fatal(err)
	}
	cipherText := unhex(t, b.wantWord(askMutual, "9000"))[4:]
	witness := make([]byte, block.BlockSize())
	block.Decrypt(witness, cipherText)
	question := []byte("question")
	b.want("0087039b 16 7c14 8008"+hex.EncodeToString(witness)+"8108"+hex.EncodeToString(question),
		"7c0a 8208"+hex.EncodeToString(encrypted(block, question))+"9000")
	b.wantWord(makeKey9A, "9000")
}

func TestManagementKeyAuthenticationRefuses(t *testing.T) {
	const zeros = "0000000000000000"
	for name, row := range map[string]struct{ ask, answer, word string }{
		"a wrong response":               {askSingle, "0087039b 0c 7c0a 8208" + zeros, "6982"},
		"a wrong witness":                {askMutual, "0087039b 16 7c14 8008" + zeros + "8108" + zeros, "6982"},
		"a short response":               {askSingle, "0087039b 05 7c03 820100", "6982"},
		"a response to nothing":          {"00fd0000", "0087039b 0c 7c0a 8208" + zeros, "6a80"},
		"a response to the other method": {askMutual, "0087039b 0c 7c0a 8208" + zeros, "6a80"},
		"another algorithm":              {"00fd0000", "00870a9b 04 7c02 8100", "6a86"},
		"no template":                    {"00fd0000", "0087039b 02 8100", "6a80"},
		"a broken template":              {"00fd0000", "0087039b 03 7c0181", "6a80"},
		"an empty template":              {"00fd0000", "0087039b 02 7c00", "6a80"},
		"no data":                        {"00fd0000", "0087039b", "6a80"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.wantWord(row.ask, "9000")
			b.want(row.answer, row.word)
			b.want(makeKey9A, "6982")
		})
	}
}

func TestAChallengeServesOnceAndNothingComesBetween(t *testing.T) {
	b := newBench(t)
	key := newManagementKey(DefaultFirmware)
	block, err := key.block()
	if err != nil {
		t.Fatal(err)
	}
	question := unhex(t, b.wantWord(askSingle, "9000"))[4:]
	b.want("00fd0000", "050403 9000")
	b.want("0087039b 0c 7c0a 8208"+hex.EncodeToString(encrypted(block, question)), "6a80")
	b.want(makeKey9A, "6982")
}

func TestTripleDESIgnoresParityBits(t *testing.T) {
	b := newBench(t)
	key := newManagementKey(DefaultFirmware)
	for i := range key.Value {
		key.Value[i] ^= 1
	}
	b.manageWith(key)
	b.wantWord(makeKey9A, "9000")
}

func TestSetManagementKey(t *testing.T) {
	for name, key := range map[string]managementKey{
		"3DES":    {Algorithm: algorithm3DES, Value: bytes.Repeat([]byte{0x11, 0x22, 0x33}, 8)},
		"AES-128": {Algorithm: algorithmAES128, Value: bytes.Repeat([]byte{0x5a}, 16)},
		"AES-192": {Algorithm: algorithmAES192, Value: bytes.Repeat([]byte{0x5b}, 24)},
		"AES-256": {Algorithm: algorithmAES256, Value: bytes.Repeat([]byte{0x5c}, 32)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			size := byte(len(key.Value))
			set := "00ffffff" + hexByte(size+3) + hexByte(key.Algorithm) + "9b" + hexByte(size) + hex.EncodeToString(key.Value)
			b.want(set, "6982")
			b.manage()
			b.want(set, "9000")
			b.want("00f7009b", "0101"+hexByte(key.Algorithm)+"02020001 050100 9000")
			b.card.reset()
			b.wantWord("00a4040005a000000308", "9000")
			b.manageWith(key)
			b.wantWord(makeKey9A, "9000")
		})
	}
}

func TestSetManagementKeyRefuses(t *testing.T) {
	const key = "010203040506070801020304050607080102030405060708"
	for name, row := range map[string]struct{ apdu, word string }{
		"another reference":     {"00ffffff 1b 039a18" + key, "6a80"},
		"an unknown algorithm":  {"00ffffff 1b 049b18" + key, "6a80"},
		"a key too short":       {"00ffffff 13 039b10 01020304050607080102030405060708", "6a80"},
		"a length that lies":    {"00ffffff 1b 039b17" + key, "6a80"},
		"no data":               {"00ffffff", "6a80"},
		"an unknown P1":         {"00ff00ff 1b 039b18" + key, "6a86"},
		"an unknown touch rule": {"00ffff00 1b 039b18" + key, "6a86"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.manage()
			b.want(row.apdu, row.word)
			b.want("00f7009b", "010103 02020001 050101 9000")
		})
	}
}

func TestAManagementKeyMayWantATouch(t *testing.T) {
	b := newBench(t)
	b.manage()
	b.want("00fffffe 1b 039b18 010203040506070801020304050607080102030405060708", "9000")
	b.want("00f7009b", "010103 02020002 050101 9000")
	b.card.reset()
	b.wantWord("00a4040005a000000308", "9000")

	word := b.inBackground(b.rightResponse())
	b.card.contact.touch()
	if got := <-word; got != "9000" {
		t.Errorf("the touched authentication answers %s, want 9000", got)
	}
	b.wantWord(makeKey9A, "9000")

	word = b.inBackground(b.rightResponse())
	b.clock.Advance(touchTimeout + time.Second)
	if got := <-word; got != "6982" {
		t.Errorf("the untouched authentication answers %s, want 6982", got)
	}
}

// rightResponse asks for a challenge and returns the APDU that answers it.
func (b *bench) rightResponse() string {
	b.t.Helper()
	key := newManagementKey(DefaultFirmware)
	block, err := key.block()
	if err != nil {
		b.t.Fatal(err)
	}
	question := unhex(b.t, b.wantWord(askSingle, "9000"))[4:]
	return "0087039b 0c 7c0a 8208" + hex.EncodeToString(encrypted(block, question))
}
