//go:build linux

package session

import (
	"context"
	"crypto/x509"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/demo/demotest"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// person answers the key store's prompts like somebody with a new YubiKey.
type person struct {
	mu   sync.Mutex
	pin  string // empty while the card has its factory PIN; guarded by mu
	seen []keystore.Purpose
	taps []time.Time // ends of tap prompts
}

const chosenPIN, chosenPUK = "739154", "60518273"

func (p *person) AskPIN(_ context.Context, prompt keystore.PINPrompt) (*secret.Bytes, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, prompt.Purpose)
	return secret.New([]byte(p.pin)), nil
}

func (p *person) AskNewPIN(context.Context, keystore.NewPINPrompt) (pin, puk *secret.Bytes, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pin = chosenPIN
	return secret.New([]byte(chosenPIN)), secret.New([]byte(chosenPUK)), nil
}

func (p *person) ShowTouch(_ context.Context, prompt keystore.TouchPrompt) (<-chan struct{}, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, prompt.Purpose)
	return nil, func() {}
}

func (p *person) ShowTap(_ context.Context, prompt keystore.TapPrompt) (<-chan struct{}, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, prompt.Purpose)
	return nil, sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.taps = append(p.taps, time.Now())
	})
}

// openStore opens the real key store on one virtual key, and makes sure that it sees no other card.
func openStore(t *testing.T, key *virtual.Key, person *person) *keystore.Store {
	t.Helper()
	store, err := keystore.Open(keystore.Config{
		Prompter: person,
		Worker:   worker(workerVariable+"=1", socketVariable+"="+key.Socket()),
		SecurityKeys: &fido.Authenticator{
			Worker: worker(fidoVariable + "=1"), Devices: []string{key.FIDOPath()}, NoDiscovery: true,
		},
		TouchDelay: 10 * time.Millisecond,
		ScanEvery:  20 * time.Millisecond,
		Log:        slogTo(t),
	})
	if err != nil {
		t.Fatalf("opening the key store: %v", err)
	}
	t.Cleanup(func() { _ = store.Close() })
	eventually(t, "serial number of the card", func() bool {
		cards := store.Snapshot().Cards
		return len(cards) > 0 && cards[0].Serial != 0
	})
	if got, want := store.Snapshot().Cards[0].Serial, key.Status().Serial; got != want {
		t.Fatalf("the store sees card %d, which is not the virtual key %d", got, want)
	}
	return store
}

func worker(environment ...string) func() *exec.Cmd {
	return func() *exec.Cmd {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), environment...)
		return command
	}
}

// newHardwareWorld is a world whose card is a virtual key behind the real key store.
func newHardwareWorld(t *testing.T) (*world, *virtual.Key, *person) {
	t.Helper()
	// A clock that stands still: one touch lasts for the whole test, so every touch beyond it is one too many.
	key, err := virtual.Start(virtual.Config{Touch: virtual.TouchWait, FIDO: true, Clock: virtual.NewManualClock(time.Now())})
	if err != nil {
		t.Fatalf("starting the virtual key: %v", err)
	}
	t.Cleanup(func() { _ = key.Close() })
	touchWhenAsked(t, key)
	roots := x509.NewCertPool()
	roots.AddCert(key.Root())
	w := &world{t: t, home: t.TempDir(), clock: &clock{}}
	w.cluster = startDemo(t, demo.Config{State: demotest.State(t), AttestationRoots: roots})
	w.ready = w.cluster.Ready()
	demotest.Enroll(t, w.cluster, func(rpID string, userID []byte, userName string) (id, publicKey, aaguid []byte, err error) {
		c, err := key.Register(rpID, userID, userName)
		return c.ID, c.PublicKey, c.AAGUID, err
	})
	person := &person{}
	w.Manager = w.open(storeKeys{openStore(t, key, person)})
	return w, key, person
}

// touchWhenAsked touches the key whenever it waits for that: earlier it would take no notice.
func touchWhenAsked(t *testing.T, key *virtual.Key) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			changed := key.Changed()
			if key.Status().Waiting {
				key.Touch()
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// run runs a command on the node and returns what it printed and its exit status.
func run(t testing.TB, m *Manager, r ShellRequest) (string, int) {
	t.Helper()
	s := shell(t, m, r)
	out, err := io.ReadAll(s.Stdout())
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	status, err := s.Wait()
	if err != nil {
		t.Fatalf("waiting: %v", err)
	}
	return string(out), status
}

func TestOneTouchLeadsFromAPasswordToAShell(t *testing.T) {
	w, key, _ := newHardwareWorld(t)
	id := w.signIn("touch")
	wantIssues(t, w, wire.PolicyTouch, false, true)
	wantNoPrivateKey(t, w.home)
	if got := show(t, w.Manager, id); got.Serial != key.Status().Serial || got.Slot != "9c" || got.Policy != wire.PolicyTouch {
		t.Errorf("the cluster shows %+v", got)
	}
	out, status := run(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).Hostname, Command: "echo hello; exit 5"})
	if out != "hello\n" || status != 5 {
		t.Errorf("the command printed %q and returned %d", out, status)
	}
	// It signed for its slot's marker, for the list and for the shell: each once for the touch, then for the list, the
	// proxy and the node.
	if s := key.Status(); s.Touches != 1 || s.Signatures != 6 {
		t.Errorf("the key counts %d touches and %d signatures, want 1 and 6", s.Touches, s.Signatures)
	}
	// The next process finds everything on disk, and needs no password.
	next := w.open(storeKeys{openStore(t, key, &person{})})
	if out, status := run(t, next, ShellRequest{Cluster: id, Host: w.node(id).Hostname, Command: "echo again"}); out != "again\n" || status != 0 {
		t.Errorf("the next process got %q, %d", out, status)
	}
}

// tapPause is how long after a tap no touch may be asked for: the finger may still be there.
const tapPause = 3 * time.Second

func TestASignInTakesATapInEachRoundAndATouchNotSoonAfterIt(t *testing.T) {
	w, key, person := newHardwareWorld(t)
	id := w.signIn("touch-mfa")
	if s := key.Status(); s.Taps != 2 || s.Touches != 1 {
		t.Errorf("the key counts %d taps and %d touches, want 2 and 1", s.Taps, s.Touches)
	}
	if len(person.taps) != 2 || person.taps[1].Sub(person.taps[0]) < tapPause { // the touch came between them
		t.Errorf("the taps came at %v, want two with a pause of %v before the touch", person.taps, tapPause)
	}
	if out, _ := run(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).ID, Command: "echo hello"}); out != "hello\n" {
		t.Errorf("the command printed %q", out)
	}
	if err := w.SignIn(t.Context(), id, "", w.password("touch-mfa"), 0); err != nil {
		t.Fatalf("signing in again: %v", err)
	}
	if s := key.Status(); s.Taps != 3 || s.Touches != 1 {
		t.Errorf("after the second sign-in the key counts %d taps and %d touches, want 3 and 1", s.Taps, s.Touches)
	}
}

func TestAFreshKeyGetsItsPINOnTheWay(t *testing.T) {
	w, key, person := newHardwareWorld(t)
	id := w.signIn("touch-pin")
	c := show(t, w.Manager, id)
	if c.Slot != "9d" || c.Policy != wire.PolicyTouchAndPIN || person.pin != chosenPIN {
		t.Errorf("the cluster shows %+v, the person chose the PIN %q", c, person.pin)
	}
	if out, _ := run(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).ID, Command: "echo hello"}); out != "hello\n" {
		t.Errorf("the command printed %q", out)
	}
	if s := key.Status(); s.Touches != 1 {
		t.Errorf("the key counts %d touches, want 1", s.Touches)
	}
	for _, purpose := range person.seen {
		if purpose.Where != "demo" || purpose.What == "" || purpose.Program != "Touchstone" {
			t.Errorf("a prompt showed the purpose %+v", purpose)
		}
	}
}

func TestAKeyPulledOutIsTheKeyStoresOwnFault(t *testing.T) {
	w, key, _ := newHardwareWorld(t)
	id := w.signIn("touch")
	key.Unplug()
	_, err := w.Servers(t.Context(), id)
	wantFault(t, err, "YubiKey")
	if c := show(t, w.Manager, id); c.ServersProblem == nil || c.ServersLoading || c.State != SignedIn {
		t.Errorf("the cluster shows %+v", c)
	}
	key.Plug()
	eventually(t, "list of servers once the key is back", func() bool {
		_, err := w.Servers(t.Context(), id)
		return err == nil
	})
}
