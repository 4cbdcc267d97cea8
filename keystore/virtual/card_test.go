package virtual

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const testSerial = 12345678

// testReader is where clients find a card with DefaultFirmware.
var testReader = DefaultFirmware.readerName(0)

// factory is one card from the factory, made once: its RSA key takes a while.
var factory = sync.OnceValues(func() (*memory, error) {
	root, err := newRoot()
	if err != nil {
		return nil, err
	}
	return newMemory(DefaultFirmware, testSerial, root)
})

// bench is a card without a reader, on a clock that the test moves. Its PIV applet is selected.
type bench struct {
	t     testing.TB
	card  *card
	clock *ManualClock
	saved int // how often the card saved itself
}

func newBench(t testing.TB) *bench { return newBenchOf(t, DefaultFirmware) }

// newBenchOf is newBench for a card of another age.
func newBenchOf(t testing.TB, firmware Firmware) *bench {
	t.Helper()
	original, err := factory()
	if err != nil {
		t.Fatal(err)
	}
	text, err := original.encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := decodeMemory(text)
	if err != nil {
		t.Fatal(err)
	}
	m.Firmware = firmware
	m.factoryReset()
	b := &bench{t: t, clock: NewManualClock(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))}
	finger := &contact{clock: b.clock, delay: defaultAutoTouchDelay, mode: TouchWait, notify: func() {}}
	save := func(*memory) error { b.saved++; return nil }
	b.card = newCard(m, finger, save, slog.New(slog.DiscardHandler))
	b.want("00a4040005a000000308", "61114f0600001000010079074f05a000000308 9000")
	return b
}

// send sends an APDU in hex, with spaces for the reader, and returns answer data and status word in hex.
func (b *bench) send(apdu string) (data, word string) {
	b.t.Helper()
	answer, err := b.card.transmit(unhex(b.t, apdu))
	if err != nil {
		b.t.Fatalf("sending %s: %v", apdu, err)
	}
	text := hex.EncodeToString(answer)
	return text[:len(text)-4], text[len(text)-4:]
}

// want sends an APDU and compares the whole answer, again with spaces for the reader.
func (b *bench) want(apdu, answer string) {
	b.t.Helper()
	data, word := b.send(apdu)
	if got, want := data+word, strings.ReplaceAll(answer, " ", ""); got != want {
		b.t.Errorf("%s answers %s %s, want %s", apdu, data, word, answer)
	}
}

// wantWord sends an APDU and compares the status word only.
func (b *bench) wantWord(apdu, word string) string {
	b.t.Helper()
	data, got := b.send(apdu)
	if got != word {
		b.t.Errorf("%s answers %s, want %s", apdu, got, word)
	}
	return data
}

// inBackground sends an APDU that waits for a touch, and returns once it does.
func (b *bench) inBackground(apdu string) <-chan string {
	b.t.Helper()
	word := make(chan string, 1)
	go func() {
		answer, err := b.card.transmit(unhex(b.t, apdu))
		if err != nil {
			word <- err.Error()
			return
		}
		word <- hex.EncodeToString(answer[len(answer)-2:])
	}()
	testkit.Eventually(b.t, "wait for a touch", func() bool {
		waiting, _, _ := b.card.contact.state()
		return waiting
	})
	return word
}

// manage authenticates with the default management key, by answering the card's challenge.
func (b *bench) manage() {
	b.t.Helper()
	b.manageWith(newManagementKey(b.card.firmware))
}

func (b *bench) manageWith(key managementKey) {
	b.t.Helper()
	question := unhex(b.t, b.wantWord("0087"+hexByte(key.Algorithm)+"9b 04 7c02 8100", "9000"))[4:]
	block, err := key.block()
	if err != nil {
		b.t.Fatal(err)
	}
	response := dynamicAuth(tagResponse, encrypted(block, question))
	b.want("0087"+hexByte(key.Algorithm)+"9b"+hexByte(byte(len(response)))+hex.EncodeToString(response), "9000")
}

// Commands that many tests send.
const (
	verifyDefault = "00200080 08 313233343536ffff"
	verifyWrong   = "00200080 08 393939393939ffff"
	askPIN        = "00200080"
	digest        = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	sign9A        = "0087119a 26 7c24 8200 8120" + digest
	sign9C        = "0087119c 26 7c24 8200 8120" + digest
	sign9D        = "0087119d 26 7c24 8200 8120" + digest
)

// generate makes a P-256 key with these policies and returns its point.
func (b *bench) generate(slot, pin, touch string) []byte {
	b.t.Helper()
	answer := unhex(b.t, b.wantWord("004700"+slot+"0b ac09 800111 aa01"+pin+"ab01"+touch, "9000"))
	if len(answer) != 70 {
		b.t.Fatalf("GENERATE answers %x, want 7f49 with a point of 65 bytes", answer)
	}
	return answer[5:]
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatalf("reading %q: %v", text, err)
	}
	return b
}

func hexByte(b byte) string { return hex.EncodeToString([]byte{b}) }

func TestSelectChoosesTheApplet(t *testing.T) {
	for name, row := range map[string]struct{ apdu, answer string }{
		"PIV by its full name":       {"00a404000ba000000308000010000100", "61114f0600001000010079074f05a000000308 9000"},
		"PIV by a prefix":            {"00a4040009a00000030800001000", "61114f0600001000010079074f05a000000308 9000"},
		"management":                 {"00a4040008a000000527471117", hex.EncodeToString([]byte("Virtual mgr - FW version 5.4.3")) + "9000"},
		"OTP":                        {"00a4040008a000000527200101", "050403010500 9000"},
		"a prefix too short for PIV": {"00a4040004a0000003", "6a82"},
		"OATH is not there":          {"00a4040007a0000005272101", "6a82"},
		"OpenPGP is not there":       {"00a4040006d27600012401", "6a82"},
		"FIDO is not there":          {"00a4040008a0000006472f0001", "6a82"},
		"selection by file id":       {"00a40000023f00", "6a86"},
	} {
		t.Run(name, func(t *testing.T) { newBench(t).want(row.apdu, row.answer) })
	}
}

func TestNothingAnswersBeforeSelect(t *testing.T) {
	b := newBench(t)
	b.card.reset()
	b.want("00fd0000", "6d00")
	b.want(verifyDefault, "6d00")
}

func TestSelectingAnotherAppletForgetsThePINAndManagementKey(t *testing.T) {
	b := newBench(t)
	b.want(verifyDefault, "9000")
	b.manage()
	b.wantWord("00a4040005a000000308", "9000")
	b.want(askPIN, "9000")
	b.wantWord("00a4040008a000000527471117", "9000")
	b.wantWord("00a4040005a000000308", "9000")
	b.want(askPIN, "63c3")
	b.want("0047009a05ac03800111", "6982")
}

func TestResetForgetsEverythingButTheMemory(t *testing.T) {
	b := newBench(t)
	b.want(verifyWrong, "63c2")
	b.want(verifyDefault, "9000")
	b.want(verifyWrong, "63c2")
	b.card.reset()
	b.wantWord("00a4040005a000000308", "9000")
	b.want(askPIN, "63c2")
}

func TestManagementAppletTellsTheDevice(t *testing.T) {
	b := newBench(t)
	b.wantWord("00a4040008a000000527471117", "9000")
	b.want("001d0000", "2b 0102023f 0302023f 020400bc614e 040103 0503050403 06020000 07010f 080100 0d02023f 0e02023f 0a0100 9000")
	b.want("001c0000", "6985")
	b.want("00fd0000", "6d00")
}

func TestOTPAppletTellsSerialAndStatus(t *testing.T) {
	b := newBench(t)
	b.wantWord("00a4040008a000000527200101", "9000")
	b.want("00011000", "00bc614e 9000")
	b.want("00030000", "050403010500 9000")
	b.want("00013000", "6d00")
}

func TestVersionAndSerial(t *testing.T) {
	b := newBench(t)
	b.want("00fd0000", "050403 9000")
	b.want("00f80000", "00bc614e 9000")
	b.want("00fd0000000000", "050403 9000") // as ykman writes it: extended, without Le
}

func TestUnknownCommands(t *testing.T) {
	b := newBench(t)
	for name, row := range map[string]struct{ apdu, word string }{
		"an unknown instruction":    {"00ee0000", "6d00"},
		"an unknown class":          {"80fd0000", "6e00"},
		"half a header":             {"00fd00", "6700"},
		"less data than announced":  {"00200080 08 3132", "6700"},
		"moving a key, since 5.7":   {"00f69a9c", "6d00"},
		"more data than announced":  {"0020008001313233", "6700"},
		"extended, half of its Lc":  {"00200080000010313233", "6700"},
		"extended, one byte of Le":  {"0020008000000131ff", "6700"},
		"extended, empty and no Le": {"00200080000000", "63c3"},
	} {
		t.Run(name, func(t *testing.T) { b.want(row.apdu, row.word) })
	}
}

func TestAFailedSaveIsAMemoryFailure(t *testing.T) {
	b := newBench(t)
	b.card.save = func(*memory) error { return bytes.ErrTooLarge }
	b.want(verifyWrong, "6581")
}

func TestOnlyWhatChangesIsSaved(t *testing.T) {
	b := newBench(t)
	b.want("00fd0000", "050403 9000")
	b.want(verifyDefault, "9000")
	if b.saved != 0 {
		t.Errorf("reading and a right PIN saved the card %d times, want 0", b.saved)
	}
	b.want(verifyWrong, "63c2")
	if b.saved != 1 {
		t.Errorf("a wrong PIN saved the card %d times, want 1", b.saved)
	}
}
