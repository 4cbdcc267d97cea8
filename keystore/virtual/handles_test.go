package virtual

import (
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestConnectRefuses(t *testing.T) {
	k, _ := startKey(t)
	for name, row := range map[string]struct {
		reader           string
		share, protocols uint32
		want             uint32
	}{
		"an unknown reader":        {"Another reader 00 00", shareShared, 3, 0x80100009},
		"no reader":                {"", shareShared, 3, 0x80100009},
		"an unknown mode":          {testReader, 4, 3, 0x80100011},
		"mode zero":                {testReader, 0, 3, 0x80100011},
		"no protocol":              {testReader, shareShared, 0, 0x8010000f},
		"T=0 alone":                {testReader, shareShared, 1, 0x8010000f},
		"T=0 alone, exclusively":   {testReader, shareExclusive, 1, 0x8010000f},
		"a protocol of the future": {testReader, shareShared, 8, 0x8010000f},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRaw(t, k, 4)
			if h, _, rv := c.connect(row.reader, row.share, row.protocols); rv != row.want || h.id != 0 {
				t.Errorf("CONNECT answers handle %x, %x, want %x", h.id, rv, row.want)
			}
			if _, _, sharing := c.entry(); sharing != 0 {
				t.Errorf("a refused CONNECT leaves %d handles", sharing)
			}
		})
	}
}

func TestConnectDirectNeedsNoProtocol(t *testing.T) {
	k, _ := startKey(t)
	if h, _, rv := newRaw(t, k, 4).connect(testReader, shareDirect, 0); rv != 0 || h.status() != 0 {
		t.Errorf("CONNECT direct answers %x", rv)
	}
}

func TestAnExclusiveHandleIsAlone(t *testing.T) {
	k, _ := startKey(t)
	first, second := newRaw(t, k, 4), newRaw(t, k, 4)
	shared := first.open(shareShared)
	if _, _, rv := second.connect(testReader, shareExclusive, 3); rv != 0x8010000b {
		t.Errorf("CONNECT exclusive beside a shared handle answers %x, want 8010000b", rv)
	}
	shared.disconnect(dispositionLeave)
	exclusive := first.open(shareExclusive)
	for _, share := range []uint32{shareShared, shareExclusive, shareDirect} {
		if _, _, rv := second.connect(testReader, share, 3); rv != 0x8010000b {
			t.Errorf("CONNECT in mode %d beside an exclusive handle answers %x, want 8010000b", share, rv)
		}
	}
	exclusive.disconnect(dispositionLeave)
	second.open(shareShared)
}

func TestConnectWaitsForATransaction(t *testing.T) {
	k, _ := startKey(t)
	holder, waiter := newRaw(t, k, 4).open(shareShared), newRaw(t, k, 4)
	if rv := holder.begin(); rv != 0 {
		t.Fatalf("BEGIN answers %x", rv)
	}
	waiter.send(0x04, nil, waiter.connectRequest(testReader, shareShared, 3)...)
	if err := waiter.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, _ := waiter.conn.Read(make([]byte, 1)); n != 0 {
		t.Error("CONNECT was answered inside another's transaction")
	}
	if err := waiter.conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if rv := holder.end(dispositionLeave); rv != 0 {
		t.Fatalf("END answers %x", rv)
	}
	if rv := asWords(waiter.receive(152))[37]; rv != 0 {
		t.Errorf("CONNECT answers %x once the transaction ended, want 0", rv)
	}
}

func TestTransactions(t *testing.T) {
	k, _ := startKey(t)
	holder, other := newRaw(t, k, 4).open(shareShared), newRaw(t, k, 4).open(shareShared)
	want := func(what string, got, want uint32) {
		t.Helper()
		if got != want {
			t.Errorf("%s answers %x, want %x", what, got, want)
		}
	}
	want("END without BEGIN", holder.end(dispositionLeave), 0x80100016)
	want("BEGIN", holder.begin(), 0)
	want("BEGIN again", holder.begin(), 0)
	want("BEGIN of the other", other.begin(), 0x8010000b)
	want("END of the other", other.end(dispositionLeave), 0x8010000b)
	want("STATUS of the other", other.status(), 0x8010000b)
	want("RECONNECT of the other", other.reconnect(shareShared, dispositionLeave), 0x8010000b)
	other.wantFailure(selectPIV, 0x8010000b)
	holder.want(selectPIV, selected)
	want("END", holder.end(dispositionLeave), 0)
	want("BEGIN of the other while one is left", other.begin(), 0x8010000b)
	want("END again", holder.end(dispositionLeave), 0)
	want("BEGIN of the other", other.begin(), 0)
	want("END with an unknown disposition", other.end(4), 0x80100011)
	want("END of the other", other.end(dispositionLeave), 0)
}

func TestAnExclusiveHandleIsInsideATransaction(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareExclusive)
	if rv := h.end(dispositionLeave); rv != 0x80100016 {
		t.Errorf("END without BEGIN answers %x, want 80100016", rv)
	}
	if rv := h.begin(); rv != 0 {
		t.Errorf("BEGIN answers %x", rv)
	}
	if rv := h.end(dispositionLeave); rv != 0 {
		t.Errorf("END answers %x", rv)
	}
}

func TestFromExclusiveToSharedLeavesOneEnd(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareExclusive)
	if rv := h.reconnect(shareShared, dispositionLeave); rv != 0 {
		t.Fatalf("RECONNECT answers %x", rv)
	}
	if rv := h.end(dispositionLeave); rv != 0 {
		t.Errorf("END after RECONNECT answers %x, want 0", rv)
	}
	if rv := h.end(dispositionLeave); rv != 0x80100016 {
		t.Errorf("a second END answers %x, want 80100016", rv)
	}
	newRaw(t, k, 4).open(shareShared)
}

func TestFromSharedToExclusive(t *testing.T) {
	k, _ := startKey(t)
	c := newRaw(t, k, 4)
	first, second := c.open(shareShared), c.open(shareShared)
	if rv := first.reconnect(shareExclusive, dispositionLeave); rv != 0x8010000b {
		t.Errorf("RECONNECT to exclusive beside another handle answers %x, want 8010000b", rv)
	}
	second.disconnect(dispositionLeave)
	if rv := first.reconnect(shareExclusive, dispositionLeave); rv != 0 {
		t.Errorf("RECONNECT to exclusive answers %x, want 0", rv)
	}
	if _, _, rv := newRaw(t, k, 4).connect(testReader, shareShared, 3); rv != 0x8010000b {
		t.Errorf("CONNECT beside it answers %x, want 8010000b", rv)
	}
}

func TestReconnectRefuses(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	for name, row := range map[string]struct{ share, protocols, initialization, want uint32 }{
		"an unknown mode":           {4, 3, 0, 0x80100011},
		"an unknown initialization": {shareShared, 3, 3, 0x80100011},
		"no protocol":               {shareShared, 0, 0, 0x8010000f},
		"T=0 alone":                 {shareShared, 1, 0, 0x8010000f},
	} {
		t.Run(name, func(t *testing.T) {
			if rv := h.ask(0x05, 24, h.id, row.share, row.protocols, row.initialization, 0, 0)[5]; rv != row.want {
				t.Errorf("RECONNECT answers %x, want %x", rv, row.want)
			}
		})
	}
}

func TestAResetIsSeenByEveryHandle(t *testing.T) {
	k, _ := startKey(t)
	for name, reset := range map[string]func(rawHandle) uint32{
		"by DISCONNECT":          func(h rawHandle) uint32 { return h.disconnect(dispositionReset) },
		"by DISCONNECT, unpower": func(h rawHandle) uint32 { return h.disconnect(dispositionUnpower) },
		"by RECONNECT":           func(h rawHandle) uint32 { return h.reconnect(shareShared, dispositionReset) },
		"by END":                 func(h rawHandle) uint32 { h.begin(); return h.end(dispositionReset) },
	} {
		t.Run(name, func(t *testing.T) {
			victim, culprit := newRaw(t, k, 4).open(shareShared), newRaw(t, k, 4).open(shareShared)
			victim.want(selectPIV, selected)
			victim.want(verifyDefault, "9000")
			if rv := reset(culprit); rv != 0 {
				t.Fatalf("the reset answers %x", rv)
			}
			const resetCard = 0x80100068
			victim.wantFailure(askPIN, resetCard)
			for what, rv := range map[string]uint32{
				"BEGIN": victim.begin(), "END": victim.end(dispositionLeave), "STATUS": victim.status(),
				"GET_ATTRIB": victim.ask(0x0f, 280, append([]uint32{victim.id, attributeATR}, make([]uint32, 68)...)...)[69],
			} {
				if rv != resetCard {
					t.Errorf("%s answers %x after the reset, want %x", what, rv, resetCard)
				}
			}
			if rv := victim.reconnect(shareShared, dispositionLeave); rv != 0 {
				t.Fatalf("RECONNECT answers %x", rv)
			}
			victim.want(selectPIV, selected)
			victim.want(askPIN, "63c3") // the reset forgot the PIN
			victim.disconnect(dispositionLeave)
		})
	}
}

func TestEndWithResetIsSeenByItsOwnHandle(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	h.begin()
	if rv := h.end(dispositionReset); rv != 0 {
		t.Fatalf("END with reset answers %x", rv)
	}
	if rv := h.status(); rv != 0x80100068 {
		t.Errorf("STATUS answers %x, want 80100068", rv)
	}
}

func TestAClientThatDiesInItsTransactionLeavesAResetCard(t *testing.T) {
	k, _ := startKey(t)
	dying, other := newRaw(t, k, 4), newRaw(t, k, 4).open(shareShared)
	h := dying.open(shareShared)
	h.begin()
	h.want(selectPIV, selected)
	h.want(verifyDefault, "9000")
	dying.conn.Close()
	for rv := uint32(0x8010000b); rv == 0x8010000b; { // as the library does
		rv = other.begin()
		if rv != 0x8010000b && rv != 0x80100068 {
			t.Fatalf("BEGIN answers %x, want 80100068", rv)
		}
	}
	other.reconnect(shareShared, dispositionLeave)
	other.want(askPIN, "6d00") // not even an applet is selected
}

func TestDisconnectRefusesAnUnknownDisposition(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	if rv := h.disconnect(4); rv != 0x80100011 {
		t.Errorf("DISCONNECT answers %x, want 80100011", rv)
	}
	if rv := h.disconnect(dispositionEject); rv != 0 {
		t.Errorf("DISCONNECT with eject answers %x, want 0", rv)
	}
}

func TestAnUnusedCardLosesPowerAfterFiveSeconds(t *testing.T) {
	k, clock := startKey(t)
	c := newRaw(t, k, 4)
	h := c.open(shareShared)
	h.want(selectPIV, selected)
	h.want(verifyDefault, "9000")
	h.disconnect(dispositionLeave)
	clock.Advance(idlePower - time.Millisecond)
	h = c.open(shareShared)
	h.want(askPIN, "9000")
	h.disconnect(dispositionLeave)
	clock.Advance(idlePower)
	if _, state, _ := c.entry(); state != 0x04 {
		t.Errorf("the idle card has state %x, want 4: present, without power", state)
	}
	h = c.open(shareShared)
	h.want(selectPIV, selected)
	h.want(askPIN, "63c3")
	if _, state, _ := c.entry(); state != 0x34 {
		t.Errorf("the card in use has state %x, want 34", state)
	}
}

func TestAClientThatGoesAwayFreesTheCard(t *testing.T) {
	k, _ := startKey(t)
	first := newRaw(t, k, 4)
	first.open(shareExclusive)
	first.conn.Close()
	second := newRaw(t, k, 4)
	testkit.Eventually(t, "exclusive handle for the next client", func() bool {
		_, _, rv := second.connect(testReader, shareExclusive, 3)
		return rv == 0
	})
}

// TestAClientThatGoesAwayDuringATouchLeavesTheCardWaiting is what makes killing a client no way out of a touch: the
// card is busy until it is touched or gives up (virtual-key sheet, 2.5).
func TestAClientThatGoesAwayDuringATouchLeavesTheCardWaiting(t *testing.T) {
	k, clock := startKey(t)
	h := prepare(t, k)
	startSigning(t, k, h)
	h.conn.Close()
	other := newRaw(t, k, 4)
	if _, _, rv := other.connect(testReader, shareExclusive, 3); rv != 0x8010000b {
		t.Errorf("CONNECT exclusive during the wait answers %x, want 8010000b", rv)
	}
	if !k.Status().Waiting {
		t.Error("the card stopped waiting when its client went away")
	}
	clock.Advance(touchTimeout)
	testkit.Eventually(t, "card that is free again", func() bool {
		_, _, rv := other.connect(testReader, shareExclusive, 3)
		return rv == 0
	})
}
