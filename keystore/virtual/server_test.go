package virtual

import (
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestVersionsFrom44To46AreServed(t *testing.T) {
	k, _ := startKey(t)
	for _, minor := range []uint32{4, 5, 6} {
		c := newRaw(t, k, minor)
		if got := c.ask(0x02, 8, c.context, 0)[1]; got != 0 {
			t.Errorf("RELEASE_CONTEXT answers %x", got)
		}
	}
	for _, version := range [][2]uint32{{4, 3}, {4, 7}, {3, 4}, {5, 6}} {
		got := dialRaw(t, k).ask(0x11, 12, version[0], version[1], 0)
		if got[0] != 4 || got[1] != 6 || got[2] != 0x8010001e {
			t.Errorf("VERSION %v answers %x, want 4.6 and 8010001e", version, got)
		}
	}
}

func TestReleaseOfAForeignContextIsRefused(t *testing.T) {
	k, _ := startKey(t)
	c := newRaw(t, k, 4)
	if got := c.ask(0x02, 8, c.context+1, 0)[1]; got != 0x80100011 {
		t.Errorf("RELEASE of another context answers %x, want 80100011", got)
	}
	if got := dialRaw(t, k).ask(0x02, 8, 1, 0)[1]; got != 0x80100003 {
		t.Errorf("RELEASE without a context answers %x, want 80100003", got)
	}
}

func TestReleasingAContextClosesItsHandles(t *testing.T) {
	k, _ := startKey(t)
	c := newRaw(t, k, 4)
	c.open(shareExclusive)
	if got := c.ask(0x02, 8, c.context, 0)[1]; got != 0 {
		t.Errorf("RELEASE_CONTEXT answers %x", got)
	}
	newRaw(t, k, 4).open(shareExclusive)
}

func TestTheReaderArrayShowsTheCard(t *testing.T) {
	k, _ := startKey(t)
	c := newRaw(t, k, 4)
	b := c.readers()
	if got, want := string(b[:34]), "Yubico YubiKey OTP+FIDO+CCID 00 00"; got != want {
		t.Errorf("the reader is %q, want %q", got, want)
	}
	if got, want := hex.EncodeToString(b[140:163]), "3bfd1300008131fe158073c021c057597562694b657940"; got != want {
		t.Errorf("the ATR is %s, want %s", got, want)
	}
	words := asWords(b)
	if words[176/4] != 23 || words[180/4] != 0 {
		t.Errorf("the ATR has %d bytes, protocol %d, want 23 and none yet", words[176/4], words[180/4])
	}
	for i, v := range b[184:] {
		if v != 0 {
			t.Fatalf("byte %d behind the only reader is %#x, want zero", i, v)
		}
	}
	for _, row := range []struct {
		share   uint32
		sharing int32
	}{{shareShared, 1}, {shareExclusive, -1}, {shareDirect, 1}} {
		h, _, _ := c.connect(testReader, row.share, 3)
		if _, state, sharing := c.entry(); state != 0x34 || sharing != row.sharing {
			t.Errorf("opened in mode %d the reader has state %x, sharing %d, want 34 and %d", row.share, state, sharing, row.sharing)
		}
		h.disconnect(dispositionLeave)
	}
}

func TestTheNewerArrayCommands(t *testing.T) {
	k, _ := startKey(t)
	c := newRaw(t, k, 6)
	if got := c.ask(0x16, 4); got[0] != 16 {
		t.Errorf("GET_READERS_STATE_SIZE answers %d, want 16", got[0])
	}
	c.send(0x17, nil)
	if got := string(c.receive(16 * 184)[:6]); got != "Yubico" {
		t.Errorf("GET_READERS_STATE_ARRAY begins with %q", got)
	}
	if got := c.ask(0x15, 8); got[0] != 1 || got[1] != 0 {
		t.Errorf("GET_READER_EVENTS answers %v, want one arrival", got)
	}
	k.Unplug()
	k.Plug()
	if got := c.ask(0x15, 8); got[0] != 3 {
		t.Errorf("after unplug and plug GET_READER_EVENTS answers %d, want 3", got[0])
	}
}

func TestBrokenRequestsEndTheConnection(t *testing.T) {
	k, _ := startKey(t)
	for name, send := range map[string]func(*rawClient){
		"an unknown command": func(c *rawClient) { c.send(0x18, nil) },
		"command zero":       func(c *rawClient) { c.send(0, nil) },
		"a wrong size":       func(c *rawClient) { c.send(0x01, nil, 2, 0) },
		"a huge size":        func(c *rawClient) { c.conn.Write([]byte{0xff, 0xff, 0xff, 0xff, 0x01, 0, 0, 0}) },
		"an APDU of 65549 bytes": func(c *rawClient) {
			h := c.open(shareShared)
			h.send(0x09, nil, h.id, 2, 16, 65549, 2, 16, 1000, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRaw(t, k, 4)
			send(c)
			c.wantClosed()
		})
	}
}

func TestAForeignHandleEndsTheConnectionAfterAPause(t *testing.T) {
	k, clock := startKey(t)
	owner, thief := newRaw(t, k, 4), newRaw(t, k, 4)
	h := owner.open(shareShared)
	thief.send(0x0b, nil, h.id, 0)
	testkit.Eventually(t, "pause before hanging up", func() bool {
		clock.mu.Lock()
		defer clock.mu.Unlock()
		return len(clock.timers) == 1
	})
	clock.Advance(badHandlePause)
	thief.wantClosed()
	if got := h.status(); got != 0 {
		t.Errorf("the owner's handle answers %x", got)
	}
}

// waitFor registers for the next change as the old or the new protocol does.
func waitFor(c *rawClient, minor uint32) {
	c.t.Helper()
	c.send(0x13, nil)
	if minor < 6 {
		c.receive(16 * 184)
		return
	}
	c.readers() // a round trip: after it the registration is in place
}

func TestAChangeWakesEveryWaitingClientOnce(t *testing.T) {
	k, _ := startKey(t)
	for _, minor := range []uint32{4, 5, 6} {
		c := newRaw(t, k, minor)
		waitFor(c, minor)
		k.Unplug()
		if got := asWords(c.receive(8)); got[0] != 0 || got[1] != 0 {
			t.Errorf("4.%d: the event is %x, want two zeros", minor, got)
		}
		k.Plug()
		if name, _, _ := c.entry(); name != testReader { // no second event lies before the array
			t.Errorf("4.%d: after the event the reader is %q", minor, name)
		}
	}
}

func TestOpeningTheCardIsAChange(t *testing.T) {
	k, _ := startKey(t)
	c := newRaw(t, k, 4)
	waitFor(c, 4)
	newRaw(t, k, 4).open(shareExclusive)
	c.receive(8)
}

func TestStopWaiting(t *testing.T) {
	k, _ := startKey(t)
	c := newRaw(t, k, 4)
	waitFor(c, 4)
	if got := c.ask(0x14, 8); got[0] != 0 || got[1] != 0 {
		t.Errorf("STOP_WAITING answers %x, want two zeros", got)
	}
	waitFor(c, 4)
	k.Unplug()
	c.send(0x14, nil) // the event is already there: it is the answer, and no other comes
	c.receive(8)
	if name, _, _ := c.entry(); name != "" {
		t.Errorf("after the event the reader is %q, want none", name)
	}
}

func TestCancelEndsAnothersWait(t *testing.T) {
	k, _ := startKey(t)
	c := newRaw(t, k, 4)
	waitFor(c, 4)
	canceller := dialRaw(t, k) // says CANCEL and nothing else
	if got := canceller.ask(0x0d, 8, c.context, 0)[1]; got != 0 {
		t.Errorf("CANCEL answers %x, want 0", got)
	}
	if got := asWords(c.receive(8)); got[1] != 0x80100002 {
		t.Errorf("the cancelled wait ends with %x, want 80100002", got[1])
	}
	for _, unknown := range []uint32{0, c.context + 1} {
		if got := dialRaw(t, k).ask(0x0d, 8, unknown, 0)[1]; got != 0x80100003 {
			t.Errorf("CANCEL of context %x answers %x, want 80100003", unknown, got)
		}
	}
}

func TestAttributes(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	for id, want := range map[uint32]string{
		0x00090303: string(atrYubiKey5),
		0x00010100: "Yubico\x00",
		0x7fff0003: testReader + "\x00",
		0x7fff0004: testReader + "\x00",
	} {
		h.send(0x0f, make([]byte, 0), append([]uint32{h.id, id}, make([]uint32, 68)...)...)
		b := h.receive(280)
		size := binary.NativeEndian.Uint32(b[272:])
		if got := string(b[8 : 8+size]); got != want {
			t.Errorf("attribute %#x is %q, want %q", id, got, want)
		}
	}
	for _, command := range []uint32{0x0f, 0x10} {
		got := h.ask(command, 280, append([]uint32{h.id, 0x12345}, make([]uint32, 68)...)...)
		if got[69] != 0x8010001f {
			t.Errorf("command %#x of an unknown attribute answers %x, want 8010001f", command, got[69])
		}
	}
}

func TestControlKnowsNoPinPad(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	if got := h.ask(0x0a, 24, h.id, 0x42000d48, 0, 256, 0, 0); got[4] != 0 || got[5] != 0 {
		t.Errorf("the feature request answers %d bytes, %x, want none and 0", got[4], got[5])
	}
	h.send(0x0a, []byte{1, 2, 3}, h.id, 0x42000001, 3, 256, 0, 0)
	if got := asWords(h.receive(24)); got[5] != 0x8010001f {
		t.Errorf("an unknown control code answers %x, want 8010001f", got[5])
	}
}
