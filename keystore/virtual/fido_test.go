//go:build linux

package virtual

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// rawFIDO is a CTAPHID client with nothing of libfido2 or of our framing: it has offsets of its own.
type rawFIDO struct {
	t       testing.TB
	port    *os.File
	channel []byte
}

func openFIDO(t testing.TB, k *Key) *rawFIDO {
	t.Helper()
	// Without O_NOCTTY the terminal could become that of the test; without O_NONBLOCK nothing could end a read.
	port, err := os.OpenFile(k.FIDOPath(), os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { port.Close() })
	if err := port.SetDeadline(time.Now().Add(testkit.Deadline)); err != nil {
		t.Fatal(err)
	}
	return &rawFIDO{t: t, port: port, channel: unhex(t, "ffffffff")}
}

// newRawFIDO opens the device and a channel.
func newRawFIDO(t testing.TB, k *Key) *rawFIDO {
	t.Helper()
	c := openFIDO(t, k)
	c.channel = c.init()
	return c
}

func (c *rawFIDO) init() (channel []byte) {
	c.t.Helper()
	c.report(c.channel, "86 0008 0102030405060708")
	answer := c.wantReport("86 0011 0102030405060708")
	if got, want := answer[19:24], unhex(c.t, "02 050403 05"); !bytes.Equal(got, want) {
		c.t.Fatalf("INIT ends with %x, want %x", got, want)
	}
	return answer[15:19]
}

// report sends one report: a channel, and the rest in hex.
func (c *rawFIDO) report(channel []byte, rest string) {
	c.t.Helper()
	c.reportBytes(channel, unhex(c.t, rest))
}

func (c *rawFIDO) reportBytes(channel, rest []byte) {
	c.t.Helper()
	var b [65]byte
	copy(b[copy(b[1:], channel)+1:], rest)
	if _, err := c.port.Write(b[:]); err != nil {
		c.t.Fatalf("writing a report: %v", err)
	}
}

// receive reads the next report that is no KEEPALIVE.
func (c *rawFIDO) receive() []byte {
	c.t.Helper()
	for {
		b := make([]byte, 64)
		if _, err := io.ReadFull(c.port, b); err != nil {
			c.t.Fatalf("reading a report: %v", err)
		}
		if b[4] != 0xbb {
			return b
		}
	}
}

// wantReport reads a report on the present channel that begins with these bytes.
func (c *rawFIDO) wantReport(rest string) []byte {
	c.t.Helper()
	got, want := c.receive(), append(bytes.Clone(c.channel), unhex(c.t, rest)...)
	if !bytes.HasPrefix(got, want) {
		c.t.Fatalf("the report is %x, want it to begin with %x", got, want)
	}
	return got
}

// send sends a whole message.
func (c *rawFIDO) send(command byte, message []byte) {
	c.t.Helper()
	first := binary.BigEndian.AppendUint16([]byte{command | 0x80}, uint16(len(message)))
	n := min(57, len(message))
	c.reportBytes(c.channel, append(first, message[:n]...))
	for sequence := byte(0); n < len(message); sequence++ {
		m := min(59, len(message)-n)
		c.reportBytes(c.channel, append([]byte{sequence}, message[n:n+m]...))
		n += m
	}
}

// answer reads a whole message.
func (c *rawFIDO) answer() []byte {
	c.t.Helper()
	first := c.receive()
	n := int(binary.BigEndian.Uint16(first[5:]))
	message := first[7:]
	for len(message) < n {
		message = append(message, c.receive()[5:]...)
	}
	return message[:n]
}

// ctap sends a CTAP2 command and returns the status and the map behind it.
func (c *rawFIDO) ctap(command byte, parameters cborMap) (ctapStatus, cborMap) {
	c.t.Helper()
	c.send(0x10, append([]byte{command}, encodeCBOR(parameters)...))
	answer := c.answer()
	if len(answer) == 1 {
		return ctapStatus(answer[0]), nil
	}
	m, err := decodeCBOR(answer[1:])
	if err != nil {
		c.t.Fatalf("the answer %x: %v", answer, err)
	}
	return ctapStatus(answer[0]), m.(cborMap)
}

func (c *rawFIDO) wantStatus(want ctapStatus, command byte, parameters cborMap) cborMap {
	c.t.Helper()
	got, m := c.ctap(command, parameters)
	if got != want {
		c.t.Fatalf("command %d ends with %v, want %v", command, got, want)
	}
	return m
}

// tapping is how the test's key is set up: the person is always quick.
var tapping = Config{AutoTouchDelay: time.Millisecond}

func TestTheFIDODeviceIsALinkOfThisAccount(t *testing.T) {
	k := startFIDO(t, tapping)
	if got, want := k.FIDOPath(), filepath.Join(filepath.Dir(k.Socket()), "fido"); got != want {
		t.Errorf("the path is %s, want %s", got, want)
	}
	info, err := os.Stat(k.FIDOPath())
	if err != nil || info.Mode()&fs.ModeCharDevice == 0 || info.Mode().Perm() != fileMode {
		t.Errorf("the device is %v, %v, want a terminal closed to others", info.Mode(), err)
	}
	k.Unplug()
	if _, err := os.Lstat(k.FIDOPath()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unplugged, the link: %v, want %v", err, fs.ErrNotExist)
	}
	k.Plug()
	newRawFIDO(t, k)
}

func TestWithoutFIDOThereIsNoDevice(t *testing.T) {
	k, _ := startKey(t)
	if got := k.FIDOPath(); got != "" {
		t.Errorf("the path is %s, want none", got)
	}
	k.Unplug()
	k.Plug()
}

func TestAFileInTheWayOfTheFIDODeviceIsKept(t *testing.T) {
	dir := testkit.SocketDir(t)
	path := filepath.Join(dir, fidoLink)
	if err := os.WriteFile(path, []byte("mine"), fileMode); err != nil {
		t.Fatal(err)
	}
	if k, err := Start(Config{StateDir: dir, FIDO: true}); err == nil {
		k.Close()
		t.Error("the key started")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestFIDOFramesEchoMessagesOfEveryLength(t *testing.T) {
	c := newRawFIDO(t, startFIDO(t, tapping))
	for _, n := range []int{0, 1, 56, 57, 58, 57 + 59, 57 + 59 + 1, 2000} {
		message := bytes.Repeat([]byte{0xa5}, n)
		c.send(0x01, message)
		if got := c.answer(); !bytes.Equal(got, message) {
			t.Errorf("PING with %d bytes answers %d bytes, or other ones", n, len(got))
		}
	}
	c.send(0x08, nil)
	c.wantReport("88 0000")
}

func TestFIDOFramingRefuses(t *testing.T) {
	k := startFIDO(t, tapping)
	for name, row := range map[string]struct{ send, want string }{
		"an unknown command":     {"bf 0000", "bf 0001 01"},
		"a message too long":     {"81 1dba", "bf 0001 03"},
		"an INIT of seven bytes": {"86 0007", "bf 0001 03"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRawFIDO(t, k)
			c.report(c.channel, row.send)
			c.wantReport(row.want)
		})
	}
	t.Run("a channel that was never opened", func(t *testing.T) {
		c := newRawFIDO(t, k)
		for _, channel := range []string{"00000000", "00c0ffee", "ffffffff"} {
			c.channel = unhex(t, channel)
			c.report(c.channel, "81 0000")
			c.wantReport("bf 0001 0b")
		}
	})
	t.Run("a report out of order", func(t *testing.T) {
		c := newRawFIDO(t, k)
		c.report(c.channel, "81 0100")
		c.report(c.channel, "01")
		c.wantReport("bf 0001 04")
	})
	t.Run("a message within a message", func(t *testing.T) {
		c := newRawFIDO(t, k)
		c.report(c.channel, "81 0100")
		c.report(c.channel, "81 0000")
		c.wantReport("bf 0001 04")
		c.report(c.channel, "00") // the rest of what was given up means nothing
		c.report(c.channel, "81 0001 77")
		c.wantReport("81 0001 77")
	})
	t.Run("half a message", func(t *testing.T) {
		c := newRawFIDO(t, k)
		c.report(c.channel, "81 0100")
		c.wantReport("bf 0001 05")
	})
}

func TestAnotherFIDOChannelWaits(t *testing.T) {
	k := startFIDO(t, Config{Touch: TouchWait})
	c := newRawFIDO(t, k)
	first := c.channel
	c.channel = unhex(t, "ffffffff")
	second := c.init()
	c.channel = first
	c.send(0x10, []byte{ctapSelection})
	testkit.Eventually(t, "the key blinks", func() bool { return k.Status().Waiting })
	c.channel = second
	c.report(second, "81 0000")
	c.wantReport("bf 0001 06")
	k.Touch()
	c.channel = first
	c.wantReport("90 0001 00")
	c.channel = second
	c.report(second, "81 0000")
	c.wantReport("81 0000")
}

func TestFIDOKeepsTheClientInformed(t *testing.T) {
	k := startFIDO(t, Config{Touch: TouchWait})
	c := newRawFIDO(t, k)
	c.send(0x10, []byte{ctapSelection})
	b := make([]byte, 64)
	for seen := 0; seen < 3; { // one at once, the others as time goes by
		if _, err := io.ReadFull(c.port, b); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b, append(bytes.Clone(c.channel), unhex(t, "bb 0001")...)) {
			t.Fatalf("the report is %x, want a KEEPALIVE", b)
		}
		if b[7] == 2 {
			seen++
		}
	}
	k.Touch()
	c.wantReport("90 0001 00")
}

func TestAFIDOClientTakesItsRequestBack(t *testing.T) {
	k := startFIDO(t, Config{Touch: TouchWait})
	c := newRawFIDO(t, k)
	c.report(c.channel, "91 0000") // nothing to cancel: no answer
	blink := func() {
		c.send(0x10, []byte{ctapSelection})
		testkit.Eventually(t, "the key blinks", func() bool { return k.Status().Waiting })
	}
	blink()
	c.report(c.channel, "91 0000")
	c.wantReport("90 0001 2d")
	blink()
	c.report(c.channel, "86 0008 0000000000000001")
	c.wantReport("86 0011 0000000000000001") // and no answer to the request
	blink()
	c.port.Close()
	testkit.Eventually(t, "the key stops blinking", func() bool { return !k.Status().Waiting })
	if got := k.Status(); got.Taps != 0 {
		t.Errorf("the key counts %+v, want no tap", got)
	}
}

func TestUnpluggingEndsAFIDORequest(t *testing.T) {
	k := startFIDO(t, Config{Touch: TouchWait})
	c := newRawFIDO(t, k)
	c.send(0x10, []byte{ctapSelection})
	testkit.Eventually(t, "the key blinks", func() bool { return k.Status().Waiting })
	k.Unplug()
	if k.Status().Waiting {
		t.Error("an unplugged key blinks")
	}
	if _, err := io.Copy(io.Discard, c.port); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the client still waits: %v", err)
	}
}

func TestAFIDORequestEndsUntapped(t *testing.T) {
	clock := NewManualClock(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	k := startFIDO(t, Config{Touch: TouchWait, Clock: clock})
	c := newRawFIDO(t, k)
	c.send(0x10, []byte{ctapSelection})
	testkit.Eventually(t, "the key blinks", func() bool { return k.Status().Waiting })
	clock.Advance(30 * time.Second)
	c.wantReport("90 0001 2f")
}

func makeParameters(user string, more cborMap) cborMap {
	m := cborMap{
		1: bytes.Repeat([]byte{7}, 32), 2: cborMap{"id": testRP},
		3: cborMap{"id": []byte(user), "name": user}, 4: []any{cborMap{"alg": -7, "type": "public-key"}},
	}
	for key, value := range more {
		m[key] = value
	}
	return m
}

func assertParameters(more cborMap) cborMap {
	m := cborMap{1: testRP, 2: bytes.Repeat([]byte{9}, 32)}
	for key, value := range more {
		m[key] = value
	}
	return m
}

// made is what a makeCredential answer says of the new credential.
func made(t *testing.T, answer cborMap) (id []byte, public *ecdsa.PublicKey) {
	t.Helper()
	data := answer[2].([]byte)
	n := int(binary.BigEndian.Uint16(data[53:]))
	id = data[55 : 55+n]
	cose, err := decodeCBOR(data[55+n : 55+n+77])
	if err != nil {
		t.Fatal(err)
	}
	point := append([]byte{4}, append(cose.(cborMap)[-2].([]byte), cose.(cborMap)[-3].([]byte)...)...)
	public, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	return id, public
}

func allow(ids ...[]byte) []any {
	list := []any{}
	for _, id := range ids {
		list = append(list, cborMap{"id": id, "type": "public-key"})
	}
	return list
}

func TestCTAPRefuses(t *testing.T) {
	c := newRawFIDO(t, startFIDO(t, tapping))
	id, _ := made(t, c.wantStatus(ctapOK, 1, makeParameters("alice", nil)))
	for name, row := range map[string]struct {
		command    byte
		parameters cborMap
		want       ctapStatus
	}{
		"an unknown command":                  {0x40, cborMap{}, ctapInvalidCommand},
		"a credential for nobody":             {1, cborMap{1: make([]byte, 32)}, ctapMissingParameter},
		"a text as hash":                      {1, makeParameters("a", cborMap{1: "x"}), ctapUnexpectedType},
		"a short hash":                        {1, makeParameters("a", cborMap{1: []byte{1}}), ctapInvalidLength},
		"a user without an ID":                {1, makeParameters("a", cborMap{3: cborMap{"name": "a"}}), ctapMissingParameter},
		"RSA only":                            {1, makeParameters("a", cborMap{4: []any{cborMap{"alg": -257, "type": "public-key"}}}), ctapNoAlgorithm},
		"a credential that is excluded":       {1, makeParameters("a", cborMap{5: allow(id)}), ctapExcluded},
		"a credential made without a tap":     {1, makeParameters("a", cborMap{7: cborMap{"up": false}}), ctapInvalidOption},
		"a verified user without a PIN":       {1, makeParameters("a", cborMap{7: cborMap{"uv": true}}), ctapInvalidOption},
		"an option of a wrong type":           {1, makeParameters("a", cborMap{7: cborMap{"rk": 1}}), ctapUnexpectedType},
		"a protection that does not exist":    {1, makeParameters("a", cborMap{6: cborMap{"credProtect": 4}}), ctapInvalidOption},
		"a probe":                             {1, makeParameters("a", cborMap{8: []byte{}, 9: 1}), ctapPINNotSet},
		"an unknown credential":               {2, assertParameters(cborMap{3: allow([]byte{1, 2})}), ctapNoCredentials},
		"an unknown credential without a tap": {2, assertParameters(cborMap{3: allow([]byte{1, 2}), 5: cborMap{"up": false}}), ctapNoCredentials},
		"another party's credential":          {2, assertParameters(cborMap{1: "evil.example.com", 3: allow(id)}), ctapNoCredentials},
		"an assertion with option rk":         {2, assertParameters(cborMap{5: cborMap{"rk": true}}), ctapUnsupportedOption},
		"an assertion of a verified user":     {2, assertParameters(cborMap{3: allow(id), 5: cborMap{"uv": true}}), ctapInvalidOption},
		"a token that nobody gave":            {2, assertParameters(cborMap{3: allow(id), 6: make([]byte, 16), 7: 1}), ctapPINAuthInvalid},
		"a token of an unknown protocol":      {2, assertParameters(cborMap{3: allow(id), 6: make([]byte, 16), 7: 3}), ctapInvalidParameter},
		"a next assertion of none":            {8, cborMap{}, ctapNotAllowed},
		"an unknown PIN subcommand":           {6, cborMap{1: 1, 2: 7}, ctapInvalidSubcommand},
		"an unknown PIN protocol":             {6, cborMap{1: 3, 2: 2}, ctapInvalidParameter},
		"no PIN subcommand":                   {6, cborMap{1: 1}, ctapMissingParameter},
		"a point that is not on the curve": {6, cborMap{1: 1, 2: 5, 3: cborMap{1: 2, 3: -25, -1: 1, -2: make([]byte, 32), -3: make([]byte, 32)},
			6: make([]byte, 16)}, ctapInvalidParameter},
	} {
		if got, _ := c.ctap(row.command, row.parameters); got != row.want {
			t.Errorf("%s ends with %v, want %v", name, got, row.want)
		}
	}
	for name, row := range map[string]struct {
		message string
		want    ctapStatus
	}{
		"nothing":          {"", ctapInvalidLength},
		"no map":           {"0180", ctapUnexpectedType},
		"loose CBOR":       {"01a2020001 00", ctapInvalidCBOR},
		"CBOR and a rest":  {"01a000", ctapInvalidCBOR},
		"half of a number": {"01a118", ctapInvalidCBOR},
	} {
		c.send(0x10, unhex(t, row.message))
		if got := c.answer(); !bytes.Equal(got, []byte{byte(row.want)}) {
			t.Errorf("%s ends with %x, want %v", name, got, row.want)
		}
	}
}

func TestAnAssertionIsSignedAndCounted(t *testing.T) {
	dir := testkit.SocketDir(t)
	k := startFIDO(t, Config{StateDir: dir, AutoTouchDelay: time.Millisecond})
	c := newRawFIDO(t, k)
	id, public := made(t, c.wantStatus(ctapOK, 1, makeParameters("alice", nil)))
	var last uint32
	check := func(c *rawFIDO) {
		t.Helper()
		answer := c.wantStatus(ctapOK, 2, assertParameters(cborMap{3: allow([]byte{1}, id)}))
		data := answer[2].([]byte)
		rp, digest := sha256.Sum256([]byte(testRP)), sha256.Sum256(append(bytes.Clone(data), bytes.Repeat([]byte{9}, 32)...))
		if !bytes.Equal(data[:32], rp[:]) || data[32] != 1 || !ecdsa.VerifyASN1(public, digest[:], answer[3].([]byte)) {
			t.Errorf("the assertion %x does not verify", data)
		}
		if count := binary.BigEndian.Uint32(data[33:]); count <= last {
			t.Errorf("the counter goes from %d to %d", last, count)
		} else {
			last = count
		}
	}
	check(c)
	check(c)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	wantMode(t, filepath.Join(dir, fidoFile), 0o600)
	k = startFIDO(t, Config{StateDir: dir, AutoTouchDelay: time.Millisecond})
	check(newRawFIDO(t, k))
}

func TestResidentCredentialsAreListedNewestFirst(t *testing.T) {
	c := newRawFIDO(t, startFIDO(t, tapping))
	resident := cborMap{7: cborMap{"rk": true}}
	for _, user := range []string{"alice", "bob", "alice", "carol"} { // the second alice replaces the first
		c.wantStatus(ctapOK, 1, makeParameters(user, resident))
	}
	c.wantStatus(ctapOK, 1, makeParameters("hidden", cborMap{6: cborMap{"credProtect": 2}, 7: cborMap{"rk": true}}))
	answer := c.wantStatus(ctapOK, 2, assertParameters(nil))
	if answer[5] != 3 {
		t.Errorf("the key knows %v users, want 3", answer[5])
	}
	users := []any{answer[4]}
	for range 2 {
		users = append(users, c.wantStatus(ctapOK, 8, nil)[4])
	}
	want := []any{cborMap{"id": []byte("carol")}, cborMap{"id": []byte("alice")}, cborMap{"id": []byte("bob")}}
	if diff := cmp.Diff(want, users); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	c.wantStatus(ctapNotAllowed, 8, nil)
	c.wantStatus(ctapOK, 2, assertParameters(nil))
	c.wantStatus(ctapOK, 4, nil) // any other command ends the list
	c.wantStatus(ctapNotAllowed, 8, nil)
}

func TestTheKeyHasRoomForSoManyResidents(t *testing.T) {
	c := newRawFIDO(t, startFIDO(t, tapping))
	resident := cborMap{7: cborMap{"rk": true}}
	for i := range DefaultFirmware.maxResident() {
		c.wantStatus(ctapOK, 1, makeParameters(string(rune('a'+i)), resident))
	}
	c.wantStatus(ctapKeyStoreFull, 1, makeParameters("late", resident))
	c.wantStatus(ctapOK, 1, makeParameters("not resident", nil))
}

func TestDamagedFIDOStateIsRefused(t *testing.T) {
	k := startFIDO(t, tapping)
	newRawFIDO(t, k).wantStatus(ctapOK, 1, makeParameters("alice", nil))
	dir := filepath.Dir(k.FIDOPath())
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, fidoFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"an empty file":    nil,
		"a later format":   bytes.Replace(text, []byte(`"Format": 1`), []byte(`"Format": 2`), 1),
		"no attestation":   []byte(`{"Format": 1}`),
		"a key of another": bytes.Replace(text, []byte(`"Key": "`), []byte(`"Key": "AAAA`), 1),
		"no key":           bytes.Replace(text, []byte(`"Key": `), []byte(`"Lost": `), 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, fidoFile), damaged, fileMode); err != nil {
			t.Fatal(err)
		}
		if k, err := Start(Config{StateDir: dir, FIDO: true}); err == nil {
			k.Close()
			t.Errorf("%s: the key started", name)
		}
	}
}

func TestU2FAsksAgainUntilTheTap(t *testing.T) {
	k := startFIDO(t, Config{Touch: TouchWait})
	c := newRawFIDO(t, k)
	u2f := func(apdu string) []byte {
		t.Helper()
		c.send(0x03, unhex(t, apdu))
		return c.answer()
	}
	want := func(apdu, want string) {
		t.Helper()
		if got := u2f(apdu); !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("%s answers %x, want %s", apdu, got, want)
		}
	}
	zeros := "0000000000000000000000000000000000000000000000000000000000000000"
	register := "00010000 000040" + zeros + zeros + "0000"
	want("00030000 000000", "5532465f5632 9000")
	want("00050000 000000", "6d00")
	want("01030000 000000", "6e00")
	want("00010000 000001 00 0000", "6700")
	want("00020300 000041"+zeros+zeros+"00 0000", "6a80")
	want("00020300 000041"+zeros+zeros+"01 0000", "6700")
	want(register, "6985")
	if !k.Status().Waiting {
		t.Error("the key does not blink")
	}
	want(register, "6985")
	k.Touch()
	answer := u2f(register)
	if answer[0] != 5 || !bytes.HasSuffix(answer, []byte{0x90, 0}) || k.Status().Waiting {
		t.Fatalf("after the tap the answer is %x", answer)
	}
	handle := answer[67 : 67+64]
	sign := func(control string) string {
		return "0002" + control + "00 000081" + zeros + zeros + "40" + hex.EncodeToString(handle) + "0000"
	}
	want(sign("07"), "6985")
	want(sign("00"), "6a86")
	if got := u2f(sign("08")); got[0] != 0 || !bytes.HasSuffix(got, []byte{0x90, 0}) {
		t.Errorf("a signature without a tap is %x", got)
	}
	want(sign("03"), "6985")
	k.Touch()
	if got := u2f(sign("03")); got[0] != 1 || !bytes.HasSuffix(got, []byte{0x90, 0}) {
		t.Errorf("a signature with a tap is %x", got)
	}
	want(sign("03"), "6985")
	c.port.Close()
	testkit.Eventually(t, "the key stops blinking", func() bool { return !k.Status().Waiting })
}

func TestATapIsNoTouch(t *testing.T) {
	k := startFIDO(t, Config{Touch: TouchWait})
	h := prepare(t, k)
	c := newRawFIDO(t, k)
	c.send(0x10, []byte{ctapSelection})
	testkit.Eventually(t, "FIDO blinks", func() bool { return k.Status().Waiting })
	h.sendAPDU(sign9A, 2, 256)
	testkit.Eventually(t, "both wait", func() bool {
		k.contact.mu.Lock()
		defer k.contact.mu.Unlock()
		return len(k.contact.waits) == 2
	})
	k.Touch()
	c.wantReport("90 0001 00")
	if got := k.Status(); got.Taps != 1 || got.Touches != 0 || !got.Waiting {
		t.Errorf("after one touch the key is %+v, want the PIV key to wait on", got)
	}
	k.Touch()
	h.receiveAPDU()
	if got := k.Status(); got.Taps != 1 || got.Touches != 1 {
		t.Errorf("after two touches the key is %+v", got)
	}
}

func FuzzCTAP(f *testing.F) {
	root, err := newRoot()
	if err != nil {
		f.Fatal(err)
	}
	memory, err := newFIDOMemory(DefaultFirmware, root)
	if err != nil {
		f.Fatal(err)
	}
	finger := &contact{clock: realClock{}, delay: time.Nanosecond, notify: func() {}, mode: TouchAuto}
	save := func(*fidoMemory) error { return nil }
	f.Add(append([]byte{1}, encodeCBOR(makeParameters("alice", cborMap{5: allow([]byte{1}), 7: cborMap{"rk": true}}))...))
	f.Add(append([]byte{2}, encodeCBOR(assertParameters(cborMap{3: allow([]byte{1}), 6: []byte{1}, 7: 2}))...))
	f.Add(append([]byte{6}, encodeCBOR(cborMap{1: 2, 2: 5, 3: cborMap{-2: make([]byte, 32), -3: make([]byte, 32)}, 6: []byte{1}})...))
	f.Add([]byte{4})
	f.Fuzz(func(t *testing.T, request []byte) {
		a := newAuthenticator(DefaultFirmware, memory, finger, save, slog.New(slog.DiscardHandler))
		answer := a.answerCBOR(ceremony{ctx: t.Context(), blink: func(bool) {}}, request)
		if len(answer) == 0 || len(answer) > 1 && answer[0] != 0 {
			t.Fatalf("%x answers %x, want a status, and more only if it is 0", request, answer)
		}
		a.answerU2F(request)
		a.clientLeft()
	})
}

func TestAKeyCanHaveBeenRegisteredBefore(t *testing.T) {
	dir := testkit.SocketDir(t)
	config := Config{StateDir: dir, AutoTouchDelay: time.Millisecond}
	k := startFIDO(t, config)
	before, err := k.Register(testRP, []byte("alice"), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	k = startFIDO(t, config)
	again, err := k.Register(testRP, []byte("alice"), "alice")
	if diff := cmp.Diff(before, again); diff != "" || err != nil {
		t.Errorf("a second time: %v (-first +second):\n%s", err, diff)
	}
	bob, err := k.Register(testRP, []byte("bob"), "bob")
	if err != nil || bytes.Equal(bob.ID, again.ID) {
		t.Errorf("another user has the same credential, or none: %v", err)
	}
	if k.Status().Taps != 0 {
		t.Error("registering took a tap")
	}
	cose, err := decodeCBOR(again.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	point := append([]byte{4}, append(cose.(cborMap)[-2].([]byte), cose.(cborMap)[-3].([]byte)...)...)
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	answer := newRawFIDO(t, k).wantStatus(ctapOK, 2, assertParameters(cborMap{3: allow(again.ID)}))
	digest := sha256.Sum256(append(bytes.Clone(answer[2].([]byte)), bytes.Repeat([]byte{9}, 32)...))
	if !ecdsa.VerifyASN1(public, digest[:], answer[3].([]byte)) {
		t.Error("the credential's signature does not verify")
	}
	for name, register := range map[string]func() (Credential, error){
		"nobody's site":  func() (Credential, error) { return k.Register("", []byte("alice"), "alice") },
		"nobody":         func() (Credential, error) { return k.Register(testRP, nil, "") },
		"no second door": func() (Credential, error) { return start(t, Config{}).Register(testRP, []byte("a"), "a") },
	} {
		if got, err := register(); err == nil {
			t.Errorf("registering %s gives %x", name, got.ID)
		}
	}
}
