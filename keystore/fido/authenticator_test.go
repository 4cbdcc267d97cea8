//go:build linux

package fido

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// person answers prompts.
type person struct {
	pins   []string
	asked  []PINAsk
	taps   chan []string // receives the keys of each tap prompt
	refuse chan struct{} // nil never refuses a tap
}

func newPerson(pins ...string) *person { return &person{pins: pins, taps: make(chan []string, 10)} }

func (p *person) AskFIDOPIN(_ context.Context, ask PINAsk) (*secret.Bytes, error) {
	p.asked = append(p.asked, ask)
	if len(p.pins) == 0 {
		return nil, context.Canceled
	}
	pin := p.pins[0]
	p.pins = p.pins[1:]
	return secret.New([]byte(pin)), nil
}

func (p *person) ShowTap(_ context.Context, keys []string) (<-chan struct{}, func()) {
	p.taps <- keys
	return p.refuse, func() {}
}

// bench is a virtual key with a credential that Debian's tools registered.
type bench struct {
	t      *testing.T
	key    *virtual.Key
	auth   *Authenticator
	person *person
	dir    string
}

func newBench(t *testing.T, pins ...string) *bench {
	t.Helper()
	b := &bench{t: t, key: startKey(t), person: newPerson(pins...), dir: t.TempDir()}
	b.auth = &Authenticator{Worker: testWorker, Devices: []string{b.key.FIDOPath()}, NoDiscovery: true}
	return b
}

func startKey(t *testing.T) *virtual.Key {
	t.Helper()
	k, err := virtual.Start(virtual.Config{FIDO: true, AutoTouchDelay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// tool runs one of fido2-tools, with lines of input.
func (b *bench) tool(commandLine string, input ...string) string {
	b.t.Helper()
	args := append([]string{"-c", `"$@"; exit $?`, "sh"}, strings.Fields(commandLine)...)
	cmd := exec.CommandContext(b.t.Context(), "sh", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // so that it asks for PINs on standard input
	cmd.Dir = b.dir
	cmd.Stdin = strings.NewReader(strings.Join(input, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", commandLine, err, out)
	}
	return string(out)
}

func (b *bench) setTouch(k *virtual.Key, mode virtual.TouchMode) {
	b.t.Helper()
	if err := k.SetTouch(mode); err != nil {
		b.t.Fatal(err)
	}
}

// register makes a credential on a key for a relying party and returns its ID and public key. A PIN is given where the
// key has one.
func (b *bench) register(k *virtual.Key, options, rpID string, pin ...string) ([]byte, *ecdsa.PublicKey) {
	b.t.Helper()
	b.setTouch(k, virtual.TouchAuto)
	hash := base64.StdEncoding.EncodeToString(make([]byte, 32))
	lines := strings.Join([]string{hash, rpID, "alice", "YWxpY2U="}, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(b.dir, "make"), []byte(lines), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.tool("fido2-cred -M "+options+" -i make -o cred "+k.FIDOPath()+" es256", pin...)
	id, text, _ := strings.Cut(b.tool("fido2-cred -V -i cred es256"), "\n")
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		b.t.Fatalf("no public key in %q", text)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		b.t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil {
		b.t.Fatal(err)
	}
	return raw, public.(*ecdsa.PublicKey)
}

func (b *bench) assert(r Request) (*Response, error) {
	return b.auth.Assert(b.t.Context(), r, b.person)
}

// verify checks a response as a relying party does.
func (b *bench) verify(r Request, got *Response, rpID string, id []byte, public *ecdsa.PublicKey) {
	b.t.Helper()
	var data struct{ Type, Challenge, Origin string }
	if err := json.Unmarshal(got.Response.ClientDataJSON, &data); err != nil {
		b.t.Fatal(err)
	}
	want := struct{ Type, Challenge, Origin string }{"webauthn.get", base64URL(r.Challenge).String(), r.Origin}
	if diff := cmp.Diff(want, data); diff != "" {
		b.t.Errorf("client data (-want +got):\n%s", diff)
	}
	clientHash, rpHash := sha256.Sum256(got.Response.ClientDataJSON), sha256.Sum256([]byte(rpID))
	authData := got.Response.AuthenticatorData
	digest := sha256.Sum256(append(bytes.Clone(authData), clientHash[:]...))
	if !bytes.Equal(got.RawID, id) || got.ID != base64URL(id).String() || len(authData) != 37 ||
		!bytes.Equal(authData[:32], rpHash[:]) || !ecdsa.VerifyASN1(public, digest[:], got.Response.Signature) {
		b.t.Errorf("the response does not verify: %+v", got)
	}
}

// wantFault expects one of the errors that callers branch on, in sentences.
func (b *bench) wantFault(err, want error) {
	b.t.Helper()
	f, ok := fault.As(err)
	if !errors.Is(err, want) || !ok || f.What == "" || f.Do == "" {
		b.t.Errorf("the error is %v, want a fault of kind %v", err, want)
	}
}

func (b *bench) awaitBlinking() {
	b.t.Helper()
	testkit.Eventually(b.t, "the key blinks", func() bool { return b.key.Status().Waiting })
}

func (b *bench) awaitDark() {
	b.t.Helper()
	testkit.Eventually(b.t, "the key stops blinking", func() bool { return !b.key.Status().Waiting })
}

func TestAKeySignsForItsSite(t *testing.T) {
	b := newBench(t)
	r := testRequest()
	id, public := b.register(b.key, "", r.RPID)
	r.Allowed = [][]byte{{1, 2, 3}, id}
	before := b.key.Status().Taps
	got, err := b.assert(r)
	if err != nil {
		t.Fatal(err)
	}
	b.verify(r, got, r.RPID, id, public)
	if taps := b.key.Status().Taps - before; taps != 1 {
		t.Errorf("it took %d taps, want 1", taps)
	}
	if diff := cmp.Diff([]string{"security key"}, testkit.Receive(t, "tap prompt", b.person.taps)); diff != "" {
		t.Errorf("keys in the prompt (-want +got):\n%s", diff)
	}
}

func TestADiscoverableCredentialNeedsNoList(t *testing.T) {
	b := newBench(t)
	r := testRequest()
	id, public := b.register(b.key, "-r", r.RPID)
	got, err := b.assert(r)
	if err != nil {
		t.Fatal(err)
	}
	b.verify(r, got, r.RPID, id, public)
	if string(got.Response.UserHandle) != "alice" {
		t.Errorf("the user is %q, want alice", got.Response.UserHandle)
	}
}

func TestAnOldCredentialAnswersUnderItsApplication(t *testing.T) {
	b := newBench(t)
	r := testRequest()
	r.AppID = "https://demo.example.com:3080"
	id, public := b.register(b.key, "-u", r.AppID)
	r.Allowed = [][]byte{id}
	got, err := b.assert(r)
	if err != nil {
		t.Fatal(err)
	}
	b.verify(r, got, r.AppID, id, public)
	if got.Extensions == nil || !got.Extensions.AppID {
		t.Error("the response does not say that it is for the application")
	}
}

func TestOnlyTheKeyWithTheCredentialBlinks(t *testing.T) {
	b := newBench(t)
	second := startKey(t)
	r := testRequest()
	id, public := b.register(second, "", r.RPID)
	r.Allowed = [][]byte{id}
	b.auth.Devices = append(b.auth.Devices, "/dev/null", second.FIDOPath())
	got, err := b.assert(r)
	if err != nil {
		t.Fatal(err)
	}
	b.verify(r, got, r.RPID, id, public)
	if taps := b.key.Status().Taps; taps != 0 {
		t.Errorf("the other key was tapped %d times", taps)
	}
}

func TestTheKeyThatIsTappedAnswers(t *testing.T) {
	b := newBench(t)
	second := startKey(t)
	r := testRequest()
	first, _ := b.register(b.key, "", r.RPID)
	id, public := b.register(second, "", r.RPID)
	b.setTouch(b.key, virtual.TouchWait)
	b.setTouch(second, virtual.TouchWait)
	r.Allowed = [][]byte{first, id}
	b.auth.Devices = append(b.auth.Devices, second.FIDOPath())
	answered := make(chan *Response, 1)
	go func() {
		got, err := b.assert(r)
		if err != nil {
			t.Errorf("Assert: %v", err)
		}
		answered <- got
	}()
	b.awaitBlinking()
	testkit.Eventually(t, "the second key blinks", func() bool { return second.Status().Waiting })
	second.Touch()
	b.verify(r, testkit.Receive(t, "response", answered), r.RPID, id, public)
	b.awaitDark()
}

func TestNoKeyMayBeTheReason(t *testing.T) {
	b := newBench(t)
	r := testRequest()
	id, _ := b.register(b.key, "", r.RPID)
	r.Allowed = [][]byte{id[:10]}
	before := b.key.Status().Taps
	_, err := b.assert(r)
	b.wantFault(err, ErrNoCredential)
	if b.key.Status().Taps != before {
		t.Error("a key that cannot help was tapped")
	}
	r.Allowed = [][]byte{id}
	b.key.Unplug()
	_, err = b.assert(r)
	b.wantFault(err, ErrKeyRemoved)
	b.auth.Devices = nil
	_, err = b.assert(r)
	b.wantFault(err, ErrNoKey)
}

func TestASuspiciousRequestReachesNoKey(t *testing.T) {
	b := newBench(t)
	b.auth.Worker = func() *exec.Cmd {
		t.Error("a worker was started")
		return testWorker()
	}
	r := testRequest()
	r.RPID = "bank.example.org"
	_, err := b.assert(r)
	b.wantFault(err, ErrSuspicious)
}

func TestATapMayBeRefused(t *testing.T) {
	for name, refuse := range map[string]func(b *bench, cancel context.CancelFunc){
		"in the prompt":  func(b *bench, _ context.CancelFunc) { close(b.person.refuse) },
		"by the program": func(_ *bench, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := testRequest()
			id, _ := b.register(b.key, "", r.RPID)
			b.setTouch(b.key, virtual.TouchIgnore)
			r.Allowed, b.person.refuse = [][]byte{id}, make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := b.auth.Assert(ctx, r, b.person)
				ended <- err
			}()
			b.awaitBlinking()
			refuse(b, cancel)
			if err := testkit.Receive(t, "end", ended); !errors.Is(err, context.Canceled) {
				t.Errorf("Assert: %v, want %v", err, context.Canceled)
			}
			b.awaitDark()
		})
	}
}

func TestNobodyWaitsForEver(t *testing.T) {
	b := newBench(t)
	r := testRequest()
	id, _ := b.register(b.key, "", r.RPID)
	b.setTouch(b.key, virtual.TouchIgnore)
	r.Allowed, b.auth.Patience = [][]byte{id}, 300*time.Millisecond
	_, err := b.assert(r)
	b.wantFault(err, ErrNotTapped)
	b.awaitDark()
}

func TestAKeyThatIsPulledSaysSo(t *testing.T) {
	b := newBench(t)
	r := testRequest()
	id, _ := b.register(b.key, "", r.RPID)
	b.setTouch(b.key, virtual.TouchWait)
	r.Allowed = [][]byte{id}
	ended := make(chan error, 1)
	go func() {
		_, err := b.assert(r)
		ended <- err
	}()
	b.awaitBlinking()
	b.key.Unplug()
	b.wantFault(testkit.Receive(t, "end", ended), ErrKeyRemoved)
}

// TestPullingAKeyDoesNotEndAService has a program that leads a session without a terminal: opened by it, the device
// would become its terminal, and pulling the key would end it with SIGHUP (virtual-key sheet, 3.2).
func TestPullingAKeyDoesNotEndAService(t *testing.T) {
	b := newBench(t)
	r := testRequest()
	id, _ := b.register(b.key, "", r.RPID)
	b.setTouch(b.key, virtual.TouchWait)
	r.Allowed = [][]byte{id}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	leader := exec.CommandContext(t.Context(), os.Args[0])
	leader.Env = append(os.Environ(), leaderVariable+"="+b.key.FIDOPath(), quickExit)
	leader.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	leader.Stdin = bytes.NewReader(text)
	var out bytes.Buffer
	leader.Stdout, leader.Stderr = &out, t.Output()
	if err := leader.Start(); err != nil {
		t.Fatal(err)
	}
	b.awaitBlinking()
	b.key.Unplug()
	if err := leader.Wait(); err != nil {
		t.Errorf("the service ended with %v", err)
	}
	if got := out.String(); !strings.HasPrefix(got, "The security key was unplugged") || strings.Contains(got, "terminal") {
		t.Errorf("the service says %q", got)
	}
}

func TestAPINVerifiesTheUser(t *testing.T) {
	b := newBench(t, "1111", "2468")
	r := testRequest()
	b.tool("fido2-token -S "+b.key.FIDOPath(), "2468", "2468")
	id, public := b.register(b.key, "", r.RPID, "2468")
	r.Allowed, r.VerifyUser = [][]byte{id}, true
	got, err := b.assert(r)
	if err != nil {
		t.Fatal(err)
	}
	b.verify(r, got, r.RPID, id, public)
	if flags := got.Response.AuthenticatorData[32]; flags != 0x05 {
		t.Errorf("the flags are %x, want a user who is present and verified", flags)
	}
	want := []PINAsk{{Key: "security key", AttemptsLeft: 8}, {Key: "security key", AttemptsLeft: 7, Wrong: true}}
	if diff := cmp.Diff(want, b.person.asked); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
}

func TestThePINIsRefused(t *testing.T) {
	b := newBench(t, "1111", "2222", "3333")
	r := testRequest()
	id, _ := b.register(b.key, "", r.RPID)
	r.Allowed, r.VerifyUser = [][]byte{id}, true
	_, err := b.assert(r)
	b.wantFault(err, ErrPINNotSet)
	b.tool("fido2-token -S "+b.key.FIDOPath(), "2468", "2468")
	_, err = b.assert(r)
	b.wantFault(err, ErrPINBlocked)
	if len(b.person.asked) != 3 {
		t.Errorf("the person was asked %d times, want 3", len(b.person.asked))
	}
	if _, err = b.assert(r); !errors.Is(err, context.Canceled) { // the person has no more answers
		t.Errorf("a refused PIN: %v, want %v", err, context.Canceled)
	}
}
