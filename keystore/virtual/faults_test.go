package virtual

import (
	"strings"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestACardCanAnswerAStatusWordInstead(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	h.want(selectPIV, selected)
	k.FailCommand(insVerify, 0x6f00, 2)
	h.want(verifyWrong, "6f00")
	h.want(verifyWrong, "6f00")
	h.want(askPIN, "63c3") // the PIN was never tried
}

func TestAStalledCommandEndsWithTheKey(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	k.Stall(insSelect, 1)
	h.sendAPDU(selectPIV, protocolT1, 512)
	testkit.Eventually(t, "the command", func() bool { return k.port.faultsLeft() == 0 })
	if got := newRaw(t, k, 4).open(shareShared).status(); got != 0 { // nobody else is held up
		t.Errorf("STATUS of another handle answers %x", got)
	}
	k.Unplug()
	if answer, rv := h.receiveAPDU(); rv != 0x80100016 {
		t.Errorf("the stalled TRANSMIT answers %s, %x", answer, rv)
	}
}

func (p *port) faultsLeft() int {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	return len(p.faults)
}

func TestADelayedCommandTakesItsTimeOnTheCardsClock(t *testing.T) {
	k, clock := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	k.Delay(insSelect, time.Minute)
	h.sendAPDU(selectPIV, protocolT1, 512)
	testkit.Eventually(t, "the delay", func() bool { return clock.Timers() > 0 })
	clock.Advance(time.Minute)
	if answer, rv := h.receiveAPDU(); rv != 0 || !strings.HasSuffix(answer, "9000") {
		t.Errorf("the delayed TRANSMIT answers %s, %x", answer, rv)
	}
	k.Delay(insSelect, 0)
	h.want(selectPIV, selected)
}

func TestACardTakesAsLongAsARealOneWhereThatIsWanted(t *testing.T) {
	clock := NewManualClock(time.Now())
	k := start(t, Config{Clock: clock, Latency: RealLatency})
	h := newRaw(t, k, 4).open(shareShared)
	for _, step := range []struct {
		apdu string
		take time.Duration
	}{
		{selectPIV, RealLatency.Other}, {"0087119a 00", RealLatency.PrivateKey}, {"00f99a00", RealLatency.PrivateKey}, {"0047009a 00", RealLatency.GenerateKey},
	} {
		h.sendAPDU(step.apdu, protocolT1, 512)
		testkit.Eventually(t, "the card at work", func() bool { return clock.Timers() > 0 })
		clock.Advance(step.take - 1)
		if clock.Timers() == 0 {
			t.Errorf("%s takes less than %v", step.apdu, step.take)
		}
		clock.Advance(1)
		h.receiveAPDU()
	}
}

func TestTheCardSideRefusesForAWhile(t *testing.T) {
	k, clock := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	k.RefuseFor(3 * time.Second)
	clock.Advance(2999 * time.Millisecond)
	h.wantFailure(selectPIV, 0x80100016)
	clock.Advance(time.Millisecond)
	h.want(selectPIV, selected)
}

func TestATapMakesTheCardSideRefuseWhereThatIsWanted(t *testing.T) {
	clock := NewManualClock(time.Now())
	k := start(t, Config{Clock: clock, Touch: TouchWait, Reclaim: 3 * time.Second})
	h := newRaw(t, k, 4).open(shareShared)
	h.want(selectPIV, selected)
	wait := k.contact.begin(true, tapTimeout)
	k.Touch()
	if !k.contact.settle(wait) {
		t.Fatal("the tap did not count")
	}
	h.wantFailure(selectPIV, 0x80100016)
	clock.Advance(3 * time.Second)
	h.want(selectPIV, selected)
}

func TestACardLeavesItsReader(t *testing.T) {
	k, _ := startKey(t)
	c := newRaw(t, k, 4)
	h := c.open(shareShared)
	h.want(selectPIV, selected)
	h.want(verifyDefault, "9000")
	k.RemoveCard()
	k.RemoveCard() // a second time changes nothing
	if name, state, _ := c.entry(); name != testReader || state != stateAbsent {
		t.Errorf("the reader is %q in state %x", name, state)
	}
	h.wantFailure(selectPIV, 0x80100069)
	if rv := h.begin(); rv != 0x80100069 {
		t.Errorf("BEGIN answers %x", rv)
	}
	if rv := h.reconnect(shareShared, 0); rv != 0x8010000c {
		t.Errorf("RECONNECT answers %x", rv)
	}
	if _, _, rv := newRaw(t, k, 4).connect(testReader, shareShared, 3); rv != 0x8010000c {
		t.Errorf("CONNECT answers %x", rv)
	}
	k.InsertCard()
	h.wantFailure(selectPIV, 0x80100069)
	if rv := h.reconnect(shareShared, 0); rv != 0 {
		t.Errorf("RECONNECT answers %x once the card is back", rv)
	}
	h.want(selectPIV, selected)
	h.want(askPIN, "63c3") // the PIN is forgotten
}

func TestACardThatLeavesDuringATouch(t *testing.T) {
	k, _ := startKey(t)
	h := prepare(t, k)
	startSigning(t, k, h)
	k.RemoveCard()
	if answer, rv := h.receiveAPDU(); rv != 0x8010000c {
		t.Errorf("the pending TRANSMIT answers %s, %x", answer, rv)
	}
}

func TestAnotherProgramKeepsTheCardToItself(t *testing.T) {
	k, _ := startKey(t)
	if err := k.Occupy(OccupyExclusive); err != nil {
		t.Fatal(err)
	}
	if _, _, rv := newRaw(t, k, 4).connect(testReader, shareShared, 3); rv != 0x8010000b {
		t.Errorf("CONNECT answers %x", rv)
	}
	if err := k.Occupy(OccupyTransaction); err == nil {
		t.Error("the card can be occupied twice")
	}
	k.Release()
	k.Release() // a second time does no harm
	h := newRaw(t, k, 4).open(shareShared)
	if err := k.Occupy(OccupyExclusive); err == nil {
		t.Error("the card can be occupied although a client has it")
	}
	h.want(selectPIV, selected)
}

func TestAnotherProgramIsInsideATransaction(t *testing.T) {
	k, _ := startKey(t)
	if err := k.Occupy(OccupyTransaction); err != nil {
		t.Fatal(err)
	}
	waiter := newRaw(t, k, 4)
	waiter.send(0x04, nil, waiter.connectRequest(testReader, shareShared, 3)...)
	k.Release()
	if rv := asWords(waiter.receive(152))[37]; rv != 0 {
		t.Errorf("the waiting CONNECT answers %x", rv)
	}
}

func TestOccupyingNeedsAKeyAndAKnownWord(t *testing.T) {
	k, _ := startKey(t)
	if err := k.Occupy("somehow"); err == nil {
		t.Error("an unknown occupation is accepted")
	}
	k.Unplug()
	if err := k.Occupy(OccupyExclusive); err == nil {
		t.Error("a key that is not there can be occupied")
	}
	k.Plug()
	if err := k.Occupy(OccupyExclusive); err != nil {
		t.Fatal(err)
	}
	k.Unplug()
	k.Plug()
	if err := k.Occupy(OccupyExclusive); err != nil {
		t.Errorf("after the key was pulled: %v", err)
	}
}

func TestAnotherProgramResetsTheCard(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	h.want(selectPIV, selected)
	h.want(verifyDefault, "9000")
	k.ResetCard()
	h.wantFailure(askPIN, 0x80100068)
	if rv := h.reconnect(shareShared, 0); rv != 0 {
		t.Fatalf("RECONNECT answers %x", rv)
	}
	h.want(selectPIV, selected)
	h.want(askPIN, "63c3")
}

func TestTheServiceEndsAndComesBack(t *testing.T) {
	k, _ := startKey(t)
	if err := k.StartService(); err == nil {
		t.Error("a service that runs can be started")
	}
	c := newRaw(t, k, 4)
	h := c.open(shareShared)
	h.want(selectPIV, selected)
	k.StopService()
	k.StopService() // a second time does no harm
	c.wantClosed()
	b := toolbox{t: t, key: k, dir: t.TempDir()}
	b.wantFailure("yubico-piv-tool -a version", "Failed to connect to yubikey")
	if err := k.StartService(); err != nil {
		t.Fatal(err)
	}
	b.want("yubico-piv-tool -a version", "5.4.3")
}

func TestTheServiceEndsDuringATouch(t *testing.T) {
	k, _ := startKey(t)
	h := prepare(t, k)
	startSigning(t, k, h)
	k.StopService()
	h.wantClosed()
	if k.Status().Waiting {
		t.Error("the card still blinks")
	}
}
