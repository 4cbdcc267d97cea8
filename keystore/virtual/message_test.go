package virtual

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// TestMessagesHaveTheLayoutOfTheDaemon compares every message, filled with values that tell its fields apart, with the
// bytes that libpcsclite sends and expects. The golden file is of a little-endian machine; the order is the host's.
func TestMessagesHaveTheLayoutOfTheDaemon(t *testing.T) {
	var name [readerNameLen]byte
	copy(name[:], testReader)
	state := newReader(&port{server: &server{clock: realClock{}}, card: &card{firmware: DefaultFirmware}}, 7).state()
	var out bytes.Buffer
	for _, row := range []struct {
		name    string
		message any
	}{
		{"header", header{Size: 12, Command: cmdVersion}},
		{"version", versionMessage{4, 6, scardServiceStopped}},
		{"establish", establishMessage{2, 0x11223344, scardOK}},
		{"release", releaseMessage{0x11223344, scardInvalidHandle}},
		{"connect", connectMessage{0x11223344, name, shareShared, protocolT0 | protocolT1, 0x55667788, protocolT1, scardSharingViolation}},
		{"reconnect", reconnectMessage{0x55667788, shareExclusive, protocolT1, dispositionReset, protocolT1, scardOK}},
		{"disconnect", disconnectMessage{0x55667788, dispositionUnpower, scardInvalidValue}},
		{"begin", beginMessage{0x55667788, scardResetCard}},
		{"end", endMessage{0x55667788, dispositionLeave, scardNotTransacted}},
		{"transmit", transmitMessage{0x55667788, protocolT1, 16, 5, protocolT1, 16, 258, scardInsufficientBuffer}},
		{"control", controlMessage{0x55667788, featureRequest, 0, 256, 0, scardUnsupported}},
		{"status", statusMessage{0x55667788, scardOK}},
		{"cancel", cancelMessage{0x11223344, scardOK}},
		{"attribute", attributeMessage{Handle: 0x55667788, ID: attributeATR, Value: [264]byte{0x3b, 0xfd}, Size: 2, Result: scardOK}},
		{"wait", waitMessage{Result: scardCancelled}},
		{"events", eventsMessage{Counter: 9}},
		{"reader", state},
	} {
		encoded := encodeMessage(row.message)
		out.WriteString(row.name + "\n" + strings.TrimRight(hex.Dump(encoded), "\n") + "\n")
	}
	testkit.Golden(t, "messages.golden", out.Bytes())
}

func TestMessageSizesAreTheDaemons(t *testing.T) {
	for command, size := range map[messageCommand]int{
		0x01: 12, 0x02: 8, 0x04: 152, 0x05: 24, 0x06: 12, 0x07: 8, 0x08: 12, 0x09: 32, 0x0a: 24, 0x0b: 8, 0x0d: 8,
		0x0f: 280, 0x10: 280, 0x11: 12, 0x12: 0, 0x13: 0, 0x14: 0, 0x15: 0, 0x16: 0, 0x17: 0,
	} {
		if got, ok := requests[command]; !ok || got.size != size {
			t.Errorf("command %#x has %d bytes (known: %v), want %d", command, got.size, ok, size)
		}
	}
	if len(requests) != 20 {
		t.Errorf("%d commands are known, want 20", len(requests))
	}
	if got := binary.Size(readerState{}); got != 184 {
		t.Errorf("an entry of the reader array has %d bytes, want 184", got)
	}
}

func FuzzDecodeMessage(f *testing.F) {
	f.Add(encodeMessage(transmitMessage{Handle: 1, SendSize: 5}))
	f.Add(encodeMessage(connectMessage{Share: shareShared}))
	f.Fuzz(func(t *testing.T, body []byte) {
		roundTrip[versionMessage](t, body)
		roundTrip[connectMessage](t, body)
		roundTrip[transmitMessage](t, body)
		roundTrip[attributeMessage](t, body)
	})
}

func roundTrip[M any](t *testing.T, body []byte) {
	m := new(M)
	fits := len(body) == binary.Size(m)
	if decodeMessage(body, m) != fits {
		t.Fatalf("decoding %d bytes as %T: %v, want %v", len(body), m, !fits, fits)
	}
	if fits && !cmp.Equal(encodeMessage(m), body) {
		t.Errorf("%x changes when encoded again", body)
	}
}
