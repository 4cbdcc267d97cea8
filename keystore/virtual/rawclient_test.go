package virtual

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// rawClient speaks the daemon's protocol as libpcsclite does, with nothing of libpcsclite: it sees the return codes
// that the library turns into retries. It has offsets of its own, so that it cannot share a mistake with message.go.
type rawClient struct {
	t       testing.TB
	conn    net.Conn
	context uint32
}

// startKey starts a key whose clock the test moves. Touches come from the test.
func startKey(t testing.TB) (*Key, *ManualClock) {
	t.Helper()
	clock := NewManualClock(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	dir := testkit.SocketDir(t)
	text, err := factory()
	if err != nil {
		t.Fatal(err)
	}
	if err := text.save(dir + "/" + cardFile); err != nil { // spares the making of an RSA key
		t.Fatal(err)
	}
	k, err := Start(Config{StateDir: dir, Clock: clock, Touch: TouchWait})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Errorf("closing the key: %v", err)
		}
	})
	return k, clock
}

// dialRaw connects without a word.
func dialRaw(t testing.TB, k *Key) *rawClient {
	t.Helper()
	conn, err := net.Dial("unix", k.Socket())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(testkit.Deadline)); err != nil {
		t.Fatal(err)
	}
	return &rawClient{t: t, conn: conn}
}

// newRaw connects and establishes a context, as a library of protocol 4.minor.
func newRaw(t testing.TB, k *Key, minor uint32) *rawClient {
	t.Helper()
	c := dialRaw(t, k)
	if got := c.ask(0x11, 12, 4, minor, 0); got[0] != 4 || got[1] != 6 || got[2] != 0 {
		t.Fatalf("VERSION 4.%d answers %x, want 4.6", minor, got)
	}
	established := c.ask(0x01, 12, 2, 0, 0)
	if established[2] != 0 || established[1] == 0 {
		t.Fatalf("ESTABLISH_CONTEXT answers %x", established)
	}
	c.context = established[1]
	return c
}

// send writes a request of 32-bit words, and data behind it.
func (c *rawClient) send(command uint32, data []byte, words ...uint32) {
	c.t.Helper()
	b := binary.NativeEndian.AppendUint32(nil, uint32(4*len(words)))
	b = binary.NativeEndian.AppendUint32(b, command)
	for _, w := range words {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	if _, err := c.conn.Write(append(b, data...)); err != nil {
		c.t.Fatalf("sending command %#x: %v", command, err)
	}
}

// receive reads n bytes.
func (c *rawClient) receive(n int) []byte {
	c.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c.conn, b); err != nil {
		c.t.Fatalf("reading %d bytes: %v", n, err)
	}
	return b
}

// ask sends a request and reads an answer of n bytes, as words.
func (c *rawClient) ask(command uint32, n int, words ...uint32) []uint32 {
	c.t.Helper()
	c.send(command, nil, words...)
	return asWords(c.receive(n))
}

func asWords(b []byte) []uint32 {
	words := make([]uint32, len(b)/4)
	for i := range words {
		words[i] = binary.NativeEndian.Uint32(b[4*i:])
	}
	return words
}

// wantClosed expects the daemon to hang up without another byte. What it did not read makes that a reset.
func (c *rawClient) wantClosed() {
	c.t.Helper()
	n, err := c.conn.Read(make([]byte, 1))
	if n != 0 || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Errorf("the daemon sent %d bytes, %v, want it to hang up", n, err)
	}
}

// rawHandle is a connection to the card.
type rawHandle struct {
	*rawClient
	id uint32
}

// connectRequest are the words of CONNECT: 32 of them are the reader's name.
func (c *rawClient) connectRequest(reader string, share, protocols uint32) []uint32 {
	name := make([]byte, 128)
	copy(name, reader)
	words := append([]uint32{c.context}, asWords(name)...)
	return append(words, share, protocols, 0, 0, 0)
}

// connect sends CONNECT and returns handle, protocol and return code.
func (c *rawClient) connect(reader string, share, protocols uint32) (rawHandle, uint32, uint32) {
	c.t.Helper()
	answer := c.ask(0x04, 152, c.connectRequest(reader, share, protocols)...)
	return rawHandle{c, answer[35]}, answer[36], answer[37]
}

// open connects and expects success.
func (c *rawClient) open(share uint32) rawHandle {
	c.t.Helper()
	h, protocol, rv := c.connect(testReader, share, 3)
	if rv != 0 || h.id == 0 || h.id > 0x7fffffff || protocol != 2 {
		c.t.Fatalf("CONNECT answers handle %x, protocol %d, %x", h.id, protocol, rv)
	}
	return h
}

func (h rawHandle) reconnect(share, initialization uint32) uint32 {
	h.t.Helper()
	return h.ask(0x05, 24, h.id, share, 3, initialization, 0, 0)[5]
}

func (h rawHandle) disconnect(disposition uint32) uint32 {
	h.t.Helper()
	return h.ask(0x06, 12, h.id, disposition, 0)[2]
}

func (h rawHandle) begin() uint32 { h.t.Helper(); return h.ask(0x07, 8, h.id, 0)[1] }

func (h rawHandle) end(disposition uint32) uint32 {
	h.t.Helper()
	return h.ask(0x08, 12, h.id, disposition, 0)[2]
}

func (h rawHandle) status() uint32 { h.t.Helper(); return h.ask(0x0b, 8, h.id, 0)[1] }

// sendAPDU sends TRANSMIT without waiting for the answer.
func (h rawHandle) sendAPDU(apdu string, protocol, room uint32) {
	h.t.Helper()
	data := unhex(h.t, apdu)
	h.send(0x09, data, h.id, protocol, 16, uint32(len(data)), protocol, 16, room, 0)
}

// receiveAPDU reads the answer of TRANSMIT.
func (h rawHandle) receiveAPDU() (answer string, rv uint32) {
	h.t.Helper()
	words := asWords(h.receive(32))
	if words[7] != 0 {
		return "", words[7]
	}
	return hex.EncodeToString(h.receive(int(words[6]))), 0
}

func (h rawHandle) transmit(apdu string) (answer string, rv uint32) {
	h.t.Helper()
	h.sendAPDU(apdu, 2, 65536)
	return h.receiveAPDU()
}

// want transmits an APDU and compares the whole answer.
func (h rawHandle) want(apdu, want string) {
	h.t.Helper()
	answer, rv := h.transmit(apdu)
	if want := strings.ReplaceAll(want, " ", ""); rv != 0 || answer != want {
		h.t.Errorf("%s answers %s, %x, want %s", apdu, answer, rv, want)
	}
}

// wantFailure transmits an APDU and expects a return code.
func (h rawHandle) wantFailure(apdu string, want uint32) {
	h.t.Helper()
	if answer, rv := h.transmit(apdu); rv != want {
		h.t.Errorf("%s answers %s, %x, want %x", apdu, answer, rv, want)
	}
}

// readers reads the reader array.
func (c *rawClient) readers() []byte {
	c.t.Helper()
	c.send(0x12, nil)
	return c.receive(16 * 184)
}

// entry is the first reader: its name, state and sharing.
func (c *rawClient) entry() (name string, state uint32, sharing int32) {
	c.t.Helper()
	b := c.readers()
	name, _, _ = strings.Cut(string(b[:128]), "\x00")
	return name, binary.NativeEndian.Uint32(b[132:]), int32(binary.NativeEndian.Uint32(b[136:]))
}

const selectPIV = "00a4040005a000000308"
const selected = "61114f0600001000010079074f05a000000308 9000"
