package virtual

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

func ctl(t testing.TB, k *Key, command string) Status {
	t.Helper()
	status, err := Ctl(t.Context(), k.Control(), command)
	if err != nil {
		t.Fatalf("Ctl(%q): %v", command, err)
	}
	return status
}

func TestControlTellsTheStatus(t *testing.T) {
	k, _ := startKey(t)
	want := Status{Serial: testSerial, Firmware: "5.4.3", Plugged: true, PINTries: 3, PUKTries: 3}
	if diff := cmp.Diff(want, ctl(t, k, "status")); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestStatusIsJSONWithTheseNames(t *testing.T) {
	k, _ := startKey(t)
	conn, err := net.Dial("unix", k.Control())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for command, want := range map[string]string{
		"status": `{"serial":12345678,"firmware":"5.4.3","plugged":true,"waiting":false,"touches":0,"taps":0,"signatures":0,"pin_tries":3,"puk_tries":3}`,
		"dance":  `{"error":"\"dance\" is not a command: use one of answer, card, delay, fail, mode, occupy, plug, refuse, release, reset, service, stall, status, touch, unplug"}`,
	} {
		if _, err := conn.Write([]byte(command + "\n")); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("%s answers %s, want %s", command, lines.Text(), want)
		}
	}
}

func TestControlTouchesPlugsAndUnplugs(t *testing.T) {
	k, _ := startKey(t)
	h := prepare(t, k)
	if got := ctl(t, k, "touch"); got.Touches != 0 {
		t.Errorf("a touch that is not wanted counts: %+v", got)
	}
	startSigning(t, k, h)
	if got := ctl(t, k, "status"); !got.Waiting {
		t.Errorf("the status during a wait is %+v", got)
	}
	if got := ctl(t, k, "touch"); got.Touches != 1 || got.Waiting {
		t.Errorf("after the touch the status is %+v", got)
	}
	h.receiveAPDU()
	if got := ctl(t, k, "status"); got.Signatures != 1 {
		t.Errorf("after the signature the status is %+v", got)
	}
	if got := ctl(t, k, "unplug"); got.Plugged {
		t.Errorf("after unplug the status is %+v", got)
	}
	if got := ctl(t, k, "plug"); !got.Plugged {
		t.Errorf("after plug the status is %+v", got)
	}
}

func TestControlChangesWhoTouches(t *testing.T) {
	k, clock := startKey(t)
	h := prepare(t, k)
	ctl(t, k, "mode ignore")
	startSigning(t, k, h)
	if got := ctl(t, k, "touch"); got.Touches != 0 || !got.Waiting {
		t.Errorf("a card that is ignored was touched: %+v", got)
	}
	clock.Advance(touchTimeout)
	h.receiveAPDU()
	ctl(t, k, "mode auto")
	startSigning(t, k, h)
	clock.Advance(defaultAutoTouchDelay)
	if answer, rv := h.receiveAPDU(); rv != 0 || !strings.HasSuffix(answer, "9000") {
		t.Errorf("the signature ends with %s, %x", answer, rv)
	}
}

func TestControlInjectsFaults(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	ctl(t, k, "fail a4 80100016 2")
	ctl(t, k, "fail FD 80100017")
	h.wantFailure(selectPIV, 0x80100016)
	h.wantFailure(selectPIV, 0x80100016)
	h.want(selectPIV, selected)
	h.wantFailure("00fd0000", 0x80100017)
	h.want("00fd0000", "050403 9000")
	ctl(t, k, "answer fd 6f00")
	h.want("00fd0000", "6f00")
	ctl(t, k, "refuse 1000")
	h.wantFailure("00fd0000", 0x80100016)
	ctl(t, k, "refuse 0")
	ctl(t, k, "reset")
	h.wantFailure("00fd0000", 0x80100068)
	ctl(t, k, "card out")
	h.wantFailure("00fd0000", 0x80100069)
	ctl(t, k, "card in")
	h.disconnect(dispositionLeave)
	ctl(t, k, "occupy exclusive")
	ctl(t, k, "release")
	ctl(t, k, "service stop")
	ctl(t, k, "service start")
	newRaw(t, k, 4).open(shareShared).want(selectPIV, selected)
}

func TestControlRefuses(t *testing.T) {
	k, _ := startKey(t)
	for _, command := range []string{
		"", "dance", "touch twice", "mode", "mode never", "fail", "fail a4", "fail a4 0", "fail a4 80100016 0",
		"fail a4 80100016 -1", "fail a4 80100016 ten", "fail a4 80100016 1 2", "fail 1a4 80100016", "fail xx 80100016",
		"fail a4 180100016", "status\nunplug", "answer 87", "answer 87 0", "answer 87 16f00", "stall", "stall xx", "delay 87",
		"delay 87 soon", "refuse", "refuse -1", "card", "card away", "occupy", "occupy it", "service", "service restart",
	} {
		if got, err := Ctl(t.Context(), k.Control(), command); err == nil {
			t.Errorf("Ctl(%q) = %+v, want an error", command, got)
		}
	}
	if !k.Status().Plugged {
		t.Error("a refused command unplugged the card")
	}
}

func TestALongLineEndsTheConnection(t *testing.T) {
	k, _ := startKey(t)
	if _, err := Ctl(t.Context(), k.Control(), strings.Repeat("x", 1000)); err == nil {
		t.Error("a line of 1000 bytes was answered")
	}
	ctl(t, k, "status")
}

func TestCtlSaysWhenThereIsNoKey(t *testing.T) {
	if _, err := Ctl(t.Context(), filepath.Join(t.TempDir(), "none"), "status"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Ctl without a key: %v, want %v", err, fs.ErrNotExist)
	}
}

func TestCtlGivesUpWithItsContext(t *testing.T) {
	path := filepath.Join(testkit.SocketDir(t), "silent.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Ctl(ctx, path, "status")
		ended <- err
	}()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := testkit.Receive(t, "end of Ctl", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Ctl ends with %v, want %v", err, context.Canceled)
	}
}

// FuzzControl obeys any line without harm, and refuses what it does not understand.
func FuzzControl(f *testing.F) {
	k, _ := startKey(f)
	for name, c := range controlCommands {
		f.Add(name)
		f.Add(c.usage)
	}
	f.Add("fail a4 80100016 10")
	f.Add("delay 87 0")
	f.Fuzz(func(t *testing.T, line string) {
		_, known := controlCommands[strings.Join(strings.Fields(line)[:min(1, len(strings.Fields(line)))], "")]
		if err := k.obey(line); err == nil && !known {
			t.Errorf("%q is obeyed", line)
		}
	})
}
