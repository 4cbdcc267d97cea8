package virtual

import (
	"testing"
	"time"
)

// pair is two keys in one computer.
func pair(t *testing.T) (first, second *Key) {
	t.Helper()
	first = start(t, Config{Serial: testSerial, AutoTouchDelay: time.Millisecond})
	second = start(t, Config{Serial: 87654321, Firmware: Firmware{5, 7, 1}, AutoTouchDelay: time.Millisecond, Join: first})
	return first, second
}

func TestTwoKeysAreFoundSideBySide(t *testing.T) {
	first, second := pair(t)
	if first.Socket() != second.Socket() || first.Control() == second.Control() {
		t.Errorf("the sockets are %s and %s, the control sockets %s and %s", first.Socket(), second.Socket(), first.Control(), second.Control())
	}
	b := toolbox{t: t, key: first, dir: t.TempDir()}
	b.want("ykman list --serials", "12345678", "87654321")
	b.want("ykman --device 87654321 piv info", "PIV version: 5.7.1")
	b.want("ykman --device 12345678 piv info", "PIV version: 5.4.3")
	b.want("yubico-piv-tool -a list-readers", "CCID 00 00", "CCID 01 00")
}

func TestWhatHappensToOneKeyDoesNotHappenToTheOther(t *testing.T) {
	first, second := pair(t)
	c := newRaw(t, first, 4)
	h := c.open(shareShared)
	if _, _, rv := c.connect(second.port.reader.name, shareShared, 3); rv != 0 {
		t.Fatalf("CONNECT to the second key answers %x", rv)
	}
	second.RefuseFor(time.Hour)
	second.ResetCard()
	h.want(selectPIV, selected)
	second.Unplug()
	h.want("00fd0000", "050403 9000")
	if !first.Status().Plugged || second.Status().Plugged {
		t.Errorf("after the second was pulled: %+v, %+v", first.Status(), second.Status())
	}
	b := toolbox{t: t, key: first, dir: t.TempDir()}
	second.Plug()
	first.Unplug()
	second.RefuseFor(0)
	b.want("ykman list --serials", "87654321")
}

func TestAKeyThatIsClosedLeavesItsPlaceToTheNext(t *testing.T) {
	first, second := pair(t)
	name := second.port.reader.name
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	third := start(t, Config{Join: first})
	if got := third.port.reader.name; got != name {
		t.Errorf("the next key is in %q, want %q", got, name)
	}
}

func TestAServiceTakesAsManyKeysAsClientsCanBeToldOf(t *testing.T) {
	first := start(t, Config{})
	for number := 1; number < maxReaders; number++ {
		if _, err := first.server.newPort(first.card, Config{}, func() {}); err != nil {
			t.Fatalf("port %d: %v", number, err)
		}
	}
	if _, err := Start(Config{Join: first}); err == nil {
		t.Error("there is room for one key more than clients can be told of")
	}
}
