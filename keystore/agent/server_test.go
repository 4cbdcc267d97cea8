//go:build linux

package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/internal/wire/agentpb"
	"github.com/touchstone-app/touchstone/keystore"
)

// dial reaches the agent with nothing but what the sheet says: socket, certificate and name.
func (b *bench) dial() agentpb.HardwareKeyAgentServiceClient {
	b.Helper()
	trust, err := credentials.NewClientTLSFromFile(filepath.Join(b.folder, "cert.pem"), "localhost")
	if err != nil {
		b.Fatal(err)
	}
	return b.dialWith(trust)
}

func (b *bench) dialWith(trust credentials.TransportCredentials) agentpb.HardwareKeyAgentServiceClient {
	b.Helper()
	conn, err := grpc.NewClient("unix:"+filepath.Join(b.folder, "agent.sock"), grpc.WithTransportCredentials(trust))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return agentpb.NewHardwareKeyAgentServiceClient(conn)
}

// digest is what the tests have signed.
var digest = sha256.Sum256([]byte("a handshake"))

// request asks for a signature as tsh does.
func request(key *keystore.Key) *agentpb.SignRequest {
	number := map[keystore.Slot]agentpb.PIVSlotKey{keystore.Slot9A: 1, keystore.Slot9C: 2, keystore.Slot9D: 3, keystore.Slot9E: 4}
	return &agentpb.SignRequest{
		Digest: digest[:], Hash: agentpb.Hash_HASH_SHA256, Command: "/usr/bin/tsh ssh root@node-1 --otp 123456",
		KeyRef: &agentpb.KeyRef{SerialNumber: key.Serial(), SlotKey: number[key.Slot()], PublicKeyDer: key.Reference().PublicKey},
		KeyInfo: &agentpb.KeyInfo{
			TouchRequired: true, ProxyHost: "proxy.example.com", Username: "alice", ClusterName: "prod-eu",
		},
	}
}

// wantCode fails the test unless err is a status with that code.
func wantCode(t testing.TB, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}

func TestAnotherProgramHasItsKeySign(t *testing.T) {
	b := newBench(t)
	key := b.prepare(touchPolicy)
	b.person.forget()
	answer, err := b.dial().Sign(t.Context(), request(key))
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(key.Public().(*ecdsa.PublicKey), digest[:], answer.GetSignature()) {
		t.Error("the signature is not one of the key")
	}
	want := keystore.Purpose{Where: "prod-eu", What: `Signature for "tsh ssh root@node-1" as alice`, Program: filepath.Base(os.Args[0])}
	_, touches := b.person.prompts()
	if len(touches) != 1 {
		t.Fatalf("the person was asked for %d touches, want 1", len(touches))
	}
	if diff := cmp.Diff(want, touches[0].Purpose); diff != "" {
		t.Errorf("the person is told (-want +got):\n%s", diff)
	}
	if got := b.store.Activity()[0]; got.Program != want.Program || got.Result != keystore.ActivitySigned {
		t.Errorf("the activity tells %+v", got)
	}

	long := sha512.Sum512([]byte("longer than the key"))
	r := request(key)
	r.Digest, r.Hash = long[:], agentpb.Hash_HASH_SHA512
	if answer, err = b.dial().Sign(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(key.Public().(*ecdsa.PublicKey), long[:], answer.GetSignature()) {
		t.Error("the signature of a SHA-512 digest is not one of the key")
	}
}

func TestPingTellsTheProcess(t *testing.T) {
	b := newBench(t)
	pong, err := b.dial().Ping(t.Context(), &agentpb.PingRequest{})
	if err != nil || int(pong.GetPid()) != os.Getpid() {
		t.Errorf("got %v, %v, want process %d", pong, err, os.Getpid())
	}
}

func TestAPINIsKeptAsLongAsTheCallerMayHaveItKept(t *testing.T) {
	b := newBench(t)
	key := b.prepare(bothPolicy)
	client := b.dial()
	for _, step := range []struct {
		name string
		ttl  time.Duration
		asks int
	}{
		{"nothing is kept", 0, 1}, {"nothing was kept", time.Minute, 1}, {"it was kept", time.Minute, 0},
		{"a kept one is not for those who may keep none", 0, 1},
	} {
		b.clock.Advance(6 * time.Second) // the service takes the power from a card that nobody uses
		b.person.forget()
		r := request(key)
		r.KeyInfo.PinCacheTtl = durationpb.New(step.ttl)
		if _, err := client.Sign(t.Context(), r); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if pins, _ := b.person.prompts(); len(pins) != step.asks {
			t.Errorf("%s: the PIN was asked for %d times, want %d", step.name, len(pins), step.asks)
		}
	}
}

func TestMalformedRequestsReachNoCard(t *testing.T) {
	b := newBench(t)
	key := b.prepare(touchPolicy)
	b.person.forget()
	client := b.dial()
	for name, change := range map[string]func(*agentpb.SignRequest){
		"no hash":                 func(r *agentpb.SignRequest) { r.Hash = agentpb.Hash_HASH_UNSPECIFIED },
		"a message, not a digest": func(r *agentpb.SignRequest) { r.Hash = agentpb.Hash_HASH_NONE },
		"an unknown hash":         func(r *agentpb.SignRequest) { r.Hash = 9 },
		"a digest cut short":      func(r *agentpb.SignRequest) { r.Digest = r.Digest[1:] },
		"a digest too long":       func(r *agentpb.SignRequest) { r.Hash = agentpb.Hash_HASH_SHA512 },
		"no digest":               func(r *agentpb.SignRequest) { r.Digest = nil },
		"a salt":                  func(r *agentpb.SignRequest) { r.SaltLength = 32 },
		"no key":                  func(r *agentpb.SignRequest) { r.KeyRef = nil },
		"no slot":                 func(r *agentpb.SignRequest) { r.KeyRef.SlotKey = 0 },
		"an unknown slot":         func(r *agentpb.SignRequest) { r.KeyRef.SlotKey = 0x9c },
		"no card":                 func(r *agentpb.SignRequest) { r.KeyRef.SerialNumber = 0 },
		"no public key":           func(r *agentpb.SignRequest) { r.KeyRef.PublicKeyDer = nil },
		"a PIN kept too long":     func(r *agentpb.SignRequest) { r.KeyInfo.PinCacheTtl = durationpb.New(time.Hour + 1) },
		"a PIN kept backwards":    func(r *agentpb.SignRequest) { r.KeyInfo.PinCacheTtl = durationpb.New(-1) },
		"no time at all":          func(r *agentpb.SignRequest) { r.KeyInfo.PinCacheTtl = &durationpb.Duration{Nanos: 2e9} },
	} {
		t.Run(name, func(t *testing.T) {
			r := request(key)
			change(r)
			_, err := client.Sign(t.Context(), r)
			wantCode(t, err, codes.InvalidArgument)
		})
	}
	r := request(key)
	r.Command = strings.Repeat("x", longestMessage)
	_, err := client.Sign(t.Context(), r)
	wantCode(t, err, codes.ResourceExhausted)
	if _, touches := b.person.prompts(); len(touches) > 0 || len(b.store.Activity()) > 0 {
		t.Errorf("the card was asked all the same: %v", b.store.Activity())
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	b := newBench(t)
	key := b.prepare(touchPolicy)
	for name, test := range map[string]struct {
		change func(*agentpb.KeyRef)
		want   codes.Code
	}{
		"a slot without the mark": {func(r *agentpb.KeyRef) { r.SlotKey = agentpb.PIVSlotKey_PIV_SLOT_KEY_9A }, codes.PermissionDenied},
		"another public key":      {func(r *agentpb.KeyRef) { r.PublicKeyDer = r.PublicKeyDer[1:] }, codes.FailedPrecondition},
		"another card":            {func(r *agentpb.KeyRef) { r.SerialNumber++ }, codes.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(key)
			test.change(r.KeyRef)
			_, err := b.dial().Sign(t.Context(), r)
			wantCode(t, err, test.want)
		})
	}
}

func TestAPersonMayRefuse(t *testing.T) {
	b := newBench(t)
	key := b.prepare(touchPolicy)
	b.person.does(func(_ context.Context, cancel func()) { cancel() })
	_, err := b.dial().Sign(t.Context(), request(key))
	wantCode(t, err, codes.Canceled)
	if got := b.store.Activity()[0].Result; got != keystore.ActivityRefused {
		t.Errorf("the activity tells %q", got)
	}
}

func TestAQuestionEndsWithItsCaller(t *testing.T) {
	b := newBench(t)
	key := b.prepare(touchPolicy)
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan struct{})
	b.person.does(func(prompt context.Context, _ func()) {
		context.AfterFunc(prompt, func() { close(closed) })
		cancel()
	})
	_, err := b.dial().Sign(ctx, request(key))
	wantCode(t, err, codes.Canceled)
	testkit.Receive(t, "the end of the question", closed)
	testkit.Eventually(t, "the activity is told", func() bool { return len(b.store.Activity()) == 1 })
	if got := b.store.Activity()[0].Result; got != keystore.ActivityAbandoned {
		t.Errorf("the activity tells %q", got)
	}
}

func TestNotEverybodyMayWaitAtOnce(t *testing.T) {
	b := newBench(t)
	key := b.prepare(touchPolicy)
	b.person.does(func(context.Context, func()) {}) // nobody touches
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := b.dial()
	var waiting sync.WaitGroup
	answers := make(chan error, mostWaiting+1)
	for range mostWaiting + 1 {
		waiting.Go(func() {
			_, err := client.Sign(ctx, request(key))
			answers <- err
		})
	}
	wantCode(t, testkit.Receive(t, "the answer to one too many", answers), codes.ResourceExhausted)
	cancel()
	waiting.Wait()
	b.key.Touch() // what is abandoned leaves the card waiting
}

func TestClosingEndsWhatWaits(t *testing.T) {
	b := newBench(t)
	key := b.prepare(touchPolicy)
	asked := make(chan struct{})
	b.person.does(func(context.Context, func()) { close(asked) })
	answer := make(chan error, 1)
	client := b.dial()
	go func() {
		_, err := client.Sign(context.WithoutCancel(t.Context()), request(key))
		answer <- err
	}()
	testkit.Receive(t, "the question", asked)
	b.server.Close()
	if err := testkit.Receive(t, "the answer", answer); err == nil {
		t.Error("a closed agent has signed")
	}
}

func TestOnlyOneAgentServes(t *testing.T) {
	b := newBench(t)
	_, err := Start(t.Context(), b.config())
	var running *RunningError
	if !errors.As(err, &running) || running.PID != os.Getpid() {
		t.Errorf("a second agent gives %v", err)
	}
	wantFiles := func(want ...string) {
		t.Helper()
		var got []string
		files, _ := os.ReadDir(b.folder)
		for _, f := range files {
			got = append(got, f.Name())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	}
	wantFiles("agent.sock", "cert.pem")
	b.server.Close()
	b.server.Close() // twice is allowed
	if _, err := os.Stat(b.folder); !os.IsNotExist(err) {
		t.Errorf("the folder is left behind: %v", err)
	}
	b.start().Close()
}

func TestWhatADeadAgentLeftBehindIsReplaced(t *testing.T) {
	b := newBench(t)
	b.server.Close()
	if err := os.Mkdir(b.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(b.folder, socketName)})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if err := os.WriteFile(filepath.Join(b.folder, certificateName), []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.start()
	if _, err := b.dial().Ping(t.Context(), &agentpb.PingRequest{}); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]os.FileMode{"": os.ModeDir | 0o700, socketName: os.ModeSocket | 0o600, certificateName: 0o600} {
		info, err := os.Lstat(filepath.Join(b.folder, path))
		if err != nil || info.Mode() != want {
			t.Errorf("%q has mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestAnotherAgentsFilesAreLeftAlone(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(b.folder, certificateName)
	if err := writePrivate(path, []byte("another's")); err != nil {
		t.Fatal(err)
	}
	b.server.Close()
	if text, err := os.ReadFile(path); err != nil || string(text) != "another's" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestAFolderThatIsNotOursIsRefused(t *testing.T) {
	b := newBench(t)
	b.server.Close()
	elsewhere := t.TempDir()
	if err := os.Symlink(elsewhere, b.folder); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), b.config()); err == nil {
		t.Error("a link was followed")
	}
	if err := os.Remove(b.folder); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // only root can give folders away
		const nobody = 65534
		if err := errors.Join(os.Mkdir(b.folder, 0o700), os.Chown(b.folder, nobody, nobody)); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), b.config()); err == nil {
			t.Error("another account's folder was used")
		}
		if _, err := (&Client{Folder: b.folder}).Ping(t.Context()); !errors.Is(err, ErrNoAgent) {
			t.Errorf("another account's agent gives %v", err)
		}
	}
}

func TestOnlyTheCertificateInTheFolderIsTrusted(t *testing.T) {
	b := newBench(t)
	_, err := b.dialWith(credentials.NewTLS(&tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"})).
		Ping(t.Context(), &agentpb.PingRequest{})
	wantCode(t, err, codes.Unavailable)
	_, err = b.dialWith(insecure.NewCredentials()).Ping(t.Context(), &agentpb.PingRequest{})
	wantCode(t, err, codes.Unavailable)
}

func TestStrangersAreHungUpOn(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(b.folder, "another.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialled, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	who, err := identify(dialled.(*net.UnixConn))
	if err != nil || who.account != os.Geteuid() || who.process != os.Getpid() {
		t.Errorf("we are %+v, %v", who, err)
	}
	dialled.Close()
	if _, err := identify(dialled.(*net.UnixConn)); err == nil {
		t.Error("a connection that says nothing about its account was let in")
	}
	// A caller that says nothing is given no time without end.
	silent, err := net.Dial("unix", filepath.Join(b.folder, socketName))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := silent.SetReadDeadline(time.Now().Add(4 * handshakeTime)); err != nil {
		t.Fatal(err)
	}
	if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a silent caller gets %v", err)
	}
}
