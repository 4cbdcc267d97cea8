package virtual

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// start starts a key and closes it with the test.
func start(t testing.TB, config Config) *Key {
	t.Helper()
	k, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Errorf("closing the key: %v", err)
		}
	})
	return k
}

func TestOnlyTheOwnerReachesTheSockets(t *testing.T) {
	k, _ := startKey(t)
	for _, path := range []string{k.Socket(), k.Control()} {
		wantMode(t, path, fs.ModeSocket|0o600)
		wantMode(t, filepath.Dir(path), fs.ModeDir|0o700)
	}
}

func TestAKeyWithoutAFolderLeavesNothingBehind(t *testing.T) {
	k := start(t, Config{})
	dir := filepath.Dir(k.Socket())
	if !strings.HasPrefix(filepath.Base(dir), "ts-") || filepath.Dir(k.Control()) != dir {
		t.Errorf("the sockets are %s and %s, want both in one temporary folder", k.Socket(), k.Control())
	}
	wantMode(t, dir, fs.ModeDir|0o700)
	if got := k.Status().Serial; got < 10_000_000 {
		t.Errorf("the serial number is %d, want eight digits", got)
	}
	if err := k.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close the socket folder: %v, want %v", err, fs.ErrNotExist)
	}
	if err := k.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestALongFolderGetsShortSockets(t *testing.T) {
	dir := filepath.Join(testkit.SocketDir(t), strings.Repeat("long", 30))
	k := start(t, Config{StateDir: dir})
	for _, path := range []string{k.Socket(), k.Control()} {
		if len(path) > maxSocketPath {
			t.Errorf("%s has %d bytes, want at most %d", path, len(path), maxSocketPath)
		}
	}
	newRaw(t, k, 4).open(shareShared)
	wantMode(t, filepath.Join(dir, cardFile), 0o600)
}

func TestTheCallerMayNameTheSockets(t *testing.T) {
	dir := testkit.SocketDir(t)
	config := Config{Socket: filepath.Join(dir, "a"), ControlSocket: filepath.Join(dir, "b")}
	k := start(t, config)
	if k.Socket() != config.Socket || k.Control() != config.ControlSocket {
		t.Errorf("the sockets are %s and %s", k.Socket(), k.Control())
	}
	if second, err := Start(config); err == nil {
		second.Close()
		t.Error("a second key took over the sockets of a running one")
	}
	newRaw(t, k, 4).open(shareShared)
}

func TestTheCardOutlivesTheProcess(t *testing.T) {
	dir := testkit.SocketDir(t)
	config := Config{StateDir: dir, Serial: 14725836, Touch: TouchWait}
	k := start(t, config)
	h := prepare(t, k)
	h.want(verifyWrong, "63c2")
	point, _ := h.transmit("00f7009a")
	root := k.Root()
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}

	config.Serial = 0
	k = start(t, config)
	if got := k.Status(); got.Serial != 14725836 || got.PINTries != 2 || !got.Plugged {
		t.Errorf("the card came back as %+v", got)
	}
	if !k.Root().Equal(root) {
		t.Error("the attestation root changed")
	}
	if again, err := Root(dir); err != nil || !again.Equal(root) {
		t.Errorf("Root(%s): %v, want the running key's", dir, err)
	}
	h = newRaw(t, k, 4).open(shareShared)
	h.want(selectPIV, selected)
	h.want("00f7009a", point)
	h.want(askPIN, "63c2")
}

func TestAFolderServesOneKeyAtATime(t *testing.T) {
	k, _ := startKey(t)
	dir := filepath.Dir(k.Socket())
	if _, err := Start(Config{StateDir: dir}); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a second key on the folder: %v, want %v", err, syscall.EWOULDBLOCK)
	}
	if got := ctl(t, k, "status"); !got.Plugged {
		t.Errorf("the first key is %+v", got)
	}
}

func TestStartRefuses(t *testing.T) {
	dir := testkit.SocketDir(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, fileMode); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]Config{
		"an unknown touch mode":      {Touch: "sometimes"},
		"a file as state folder":     {StateDir: file},
		"a file as socket":           {Socket: file},
		"a file as control socket":   {ControlSocket: file},
		"a socket path of 108 bytes": {Socket: filepath.Join(dir, strings.Repeat("x", 107-len(dir)))},
		"a folder that is not there": {Socket: filepath.Join(dir, "none", "socket")},
	} {
		t.Run(name, func(t *testing.T) {
			if k, err := Start(config); err == nil {
				k.Close()
				t.Error("the key started")
			}
		})
	}
	if content, err := os.ReadFile(file); err != nil || len(content) != 0 {
		t.Errorf("the file was touched: %v", err)
	}
}

func TestASocketOfACrashedProcessIsReplaced(t *testing.T) {
	path := filepath.Join(testkit.SocketDir(t), "stale")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	newRaw(t, start(t, Config{Socket: path}), 4).open(shareShared)
}

func TestCloseEndsWhateverIsUnderWay(t *testing.T) {
	k, _ := startKey(t)
	signing := prepare(t, k)
	startSigning(t, k, signing)
	holder := newRaw(t, k, 4).open(shareShared)
	holder.begin()
	blocked := newRaw(t, k, 4)
	blocked.send(0x04, nil, blocked.connectRequest(testReader, shareShared, 3)...)
	waiting := newRaw(t, k, 6)
	waitFor(waiting, 6)
	if err := k.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := net.Dial("unix", k.Socket()); err == nil {
		t.Error("the socket is still served")
	}
	k.Plug()
	if got := k.Status(); got.Plugged || got.Waiting {
		t.Errorf("after Close the status is %+v", got)
	}
}

func TestChangedAnnouncesEveryChange(t *testing.T) {
	k, _ := startKey(t)
	h := prepare(t, k)
	changes := func(what string, act func(), seen func(Status) bool) {
		t.Helper()
		changed := k.Changed()
		act()
		for !seen(k.Status()) {
			testkit.Receive(t, "change: "+what, changed)
			changed = k.Changed()
		}
	}
	changes("waiting", func() { h.sendAPDU(sign9A, 2, 256) }, func(s Status) bool { return s.Waiting })
	changes("touched", k.Touch, func(s Status) bool { return s.Touches == 1 && !s.Waiting })
	h.receiveAPDU()
	changes("wrong PIN", func() { h.want(verifyWrong, "63c2") }, func(s Status) bool { return s.PINTries == 2 })
	changes("unplugged", k.Unplug, func(s Status) bool { return !s.Plugged })
	changes("plugged", k.Plug, func(s Status) bool { return s.Plugged })
}

func TestChangedStaysQuietWithoutAChange(t *testing.T) {
	k, _ := startKey(t)
	h := newRaw(t, k, 4).open(shareShared)
	changed := k.Changed()
	h.want(selectPIV, selected)
	k.Touch()
	k.Plug()
	select {
	case <-changed:
		t.Error("nothing changed, yet it was announced")
	default:
	}
}

func TestAutoTouchWorksOnTheRealClock(t *testing.T) {
	k := start(t, Config{AutoTouchDelay: time.Millisecond})
	h := prepare(t, k)
	if answer, rv := h.transmit(sign9A); rv != 0 || !strings.HasSuffix(answer, "9000") {
		t.Errorf("the signature ends with %s, %x", answer, rv)
	}
	if got := k.Status(); got.Touches != 1 || got.Signatures != 1 {
		t.Errorf("the status is %+v, want one touch and one signature", got)
	}
}
