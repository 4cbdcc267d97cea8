package virtual

import (
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// prepare opens the card and makes a key in 9A that needs no PIN but every touch.
func prepare(t testing.TB, k *Key) rawHandle {
	t.Helper()
	h := newRaw(t, k, 4).open(shareShared)
	h.want(selectPIV, selected)
	b := &bench{t: t, card: k.card}
	b.manage()
	b.generate("9a", "01", "02")
	return h
}

// startSigning begins a signature and returns once the card waits for a touch.
func startSigning(t testing.TB, k *Key, h rawHandle) {
	t.Helper()
	h.sendAPDU(sign9A, 2, 65536)
	testkit.Eventually(t, "wait for a touch", func() bool { return k.Status().Waiting })
}

func TestTransmitChecksTheProtocol(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	for _, protocol := range []uint32{0, 1, 4} {
		h.sendAPDU(selectPIV, protocol, 256)
		if _, rv := h.receiveAPDU(); rv != 0x8010000f {
			t.Errorf("TRANSMIT with protocol %d answers %x, want 8010000f", protocol, rv)
		}
	}
}

func TestAnAnswerThatDoesNotFitIsNotSent(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	h.sendAPDU(selectPIV, 2, 20)
	if _, rv := h.receiveAPDU(); rv != 0x80100008 {
		t.Errorf("TRANSMIT with room for 20 of 21 bytes answers %x, want 80100008", rv)
	}
	h.sendAPDU(selectPIV, 2, 21)
	if answer, rv := h.receiveAPDU(); rv != 0 || len(answer) != 42 {
		t.Errorf("TRANSMIT with room for 21 bytes answers %s, %x", answer, rv)
	}
}

func TestAWaitForTouchHoldsUpNobodyElse(t *testing.T) {
	k, _ := startKey(t)
	h := prepare(t, k)
	waiter := newRaw(t, k, 4)
	waitFor(waiter, 4)
	startSigning(t, k, h)

	other := newRaw(t, k, 4)
	if name, _, _ := other.entry(); name != testReader {
		t.Errorf("the reader array shows %q during the wait", name)
	}
	if rv := other.ask(0x0d, 8, waiter.context, 0)[1]; rv != 0 {
		t.Errorf("CANCEL answers %x during the wait", rv)
	}
	waiter.receive(8)
	second := other.open(shareShared)
	if rv := second.status(); rv != 0 {
		t.Errorf("STATUS answers %x during the wait", rv)
	}
	second.sendAPDU("00fd0000", 2, 256) // the card itself does one thing at a time

	k.Touch()
	if answer, rv := h.receiveAPDU(); rv != 0 || answer[len(answer)-4:] != "9000" {
		t.Errorf("the signature ends with %s, %x", answer, rv)
	}
	if answer, rv := second.receiveAPDU(); rv != 0 || answer != "0504039000" {
		t.Errorf("the command behind it answers %s, %x", answer, rv)
	}
}

func TestATouchThatNeverComesEndsTheCommand(t *testing.T) {
	k, clock := startKey(t)
	h := prepare(t, k)
	startSigning(t, k, h)
	clock.Advance(touchTimeout)
	if answer, rv := h.receiveAPDU(); rv != 0 || answer != "6982" {
		t.Errorf("the untouched signature answers %s, %x, want 6982", answer, rv)
	}
	startSigning(t, k, h)
	k.Touch()
	if answer, rv := h.receiveAPDU(); rv != 0 || answer[len(answer)-4:] != "9000" {
		t.Errorf("the next try ends with %s, %x", answer, rv)
	}
}

func TestAKeyPulledDuringATouch(t *testing.T) {
	k, _ := startKey(t)
	h := prepare(t, k)
	startSigning(t, k, h)
	k.Unplug()
	if got := k.Status(); got.Waiting || got.Plugged || got.Touches != 0 {
		t.Errorf("the status after Unplug is %+v", got)
	}
	if answer, rv := h.receiveAPDU(); rv != 0x80100016 {
		t.Errorf("the pending TRANSMIT answers %s, %x, want 80100016", answer, rv)
	}
	h.wantFailure(askPIN, 0x80100011)
	for what, rv := range map[string]uint32{
		"BEGIN": h.begin(), "END": h.end(dispositionLeave), "STATUS": h.status(),
		"RECONNECT": h.reconnect(shareShared, dispositionReset),
	} {
		if rv != 0x80100011 {
			t.Errorf("%s on the old handle answers %x, want 80100011", what, rv)
		}
	}
	if rv := h.disconnect(dispositionReset); rv != 0 {
		t.Errorf("DISCONNECT of the old handle answers %x, want 0", rv)
	}
	if name, _, _ := h.entry(); name != "" {
		t.Errorf("the reader array still shows %q", name)
	}
	if _, _, rv := h.connect(testReader, shareShared, 3); rv != 0x80100009 {
		t.Errorf("CONNECT without a reader answers %x, want 80100009", rv)
	}

	k.Plug()
	h = h.open(shareShared)
	h.want(selectPIV, selected)
	startSigning(t, k, h) // the key in 9A is still there
	k.Touch()
	if answer, rv := h.receiveAPDU(); rv != 0 || answer[len(answer)-4:] != "9000" {
		t.Errorf("after Plug the signature ends with %s, %x", answer, rv)
	}
}

func TestUnplugForgetsThePINAndKeepsItsCounter(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	h.want(selectPIV, selected)
	h.want(verifyDefault, "9000")
	h.want(verifyWrong, "63c2")
	k.Unplug()
	k.Unplug()
	k.Plug()
	k.Plug()
	h = newRaw(t, k, 4).open(shareShared)
	h.want(selectPIV, selected)
	h.want(askPIN, "63c2")
}

func TestUnplugWakesAConnectThatWaits(t *testing.T) {
	k, _ := startKey(t)
	holder, waiter := newRaw(t, k, 4).open(shareShared), newRaw(t, k, 4)
	holder.begin()
	waiter.send(0x04, nil, waiter.connectRequest(testReader, shareShared, 3)...)
	k.Unplug()
	if rv := asWords(waiter.receive(152))[37]; rv != 0x80100009 {
		t.Errorf("the waiting CONNECT answers %x, want 80100009", rv)
	}
}

func TestAnotherHandlesResetEndsATouchWait(t *testing.T) {
	k, _ := startKey(t)
	h := prepare(t, k)
	other := newRaw(t, k, 4).open(shareShared)
	startSigning(t, k, h)
	if rv := other.disconnect(dispositionReset); rv != 0 {
		t.Fatalf("DISCONNECT with reset answers %x", rv)
	}
	if answer, rv := h.receiveAPDU(); rv != 0x80100068 {
		t.Errorf("the pending TRANSMIT answers %s, %x, want 80100068", answer, rv)
	}
}

func TestInjectedFaultsFailTransmitAndRunOut(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	k.FailTransmit(0xa4, 0x80100016, 10)
	k.FailTransmit(0xfd, 0x80100068, 1)
	for range 10 {
		h.wantFailure(selectPIV, 0x80100016)
	}
	h.want(selectPIV, selected)
	h.wantFailure("00fd0000", 0x80100068)
	h.want("00fd0000", "050403 9000")
	h.want(verifyDefault, "9000")
}

// FuzzServer writes arbitrary bytes to the socket. Whatever they are, the next client is served.
func FuzzServer(f *testing.F) {
	k, _ := startKey(f)
	f.Add([]byte{12, 0, 0, 0, 17, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{8, 0, 0, 0, 13, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		c := dialRaw(t, k)
		c.conn.Write(data) // fails when the server hangs up before the end
		c.conn.Close()
		if name, _, _ := newRaw(t, k, 4).entry(); name != testReader {
			t.Errorf("after %x the reader is %q", data, name)
		}
	})
}
