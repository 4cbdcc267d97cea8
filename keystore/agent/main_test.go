//go:build linux

package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// Variables that turn the test binary into a worker of a key store, or into another program that serves a folder.
const (
	workerVariable = "TOUCHSTONE_TEST_WORKER"
	agentVariable  = "TOUCHSTONE_TEST_AGENT"
	refuseVariable = "TOUCHSTONE_TEST_REFUSE"
	socketVariable = "PCSCLITE_CSOCK_NAME"
)

// TestMain keeps the tests away from real cards, as those of keystore.
func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		exit(keystore.RunWorker(os.Stdin, os.Stdout))
	}
	if folder := os.Getenv(agentVariable); folder != "" {
		exit(serveAsAnotherProgram(folder))
	}
	if err := os.Setenv(socketVariable, filepath.Join(os.DevNull, "no-service")); err != nil {
		panic(err)
	}
	testkit.Main(m)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// goodPIN and goodPUK are the secrets that the person of a bench chooses.
const (
	goodPIN = "739154"
	goodPUK = "60518273"
)

var (
	purpose     = keystore.Purpose{Where: "demo", What: "Sign in as alice", Program: "the tests"}
	touchPolicy = keystore.Policy{Touch: true}
	bothPolicy  = keystore.Policy{Touch: true, PIN: true}
)

// bench is an agent with a store on a virtual key, and a person.
type bench struct {
	testing.TB
	folder string
	store  *keystore.Store
	key    *virtual.Key
	clock  *virtual.ManualClock
	person *person
	server *Server
}

// newBench starts it all.
func newBench(t testing.TB) *bench {
	t.Helper()
	clock := virtual.NewManualClock(time.Now())
	key, err := virtual.Start(virtual.Config{Touch: virtual.TouchWait, Clock: clock})
	if err != nil {
		t.Fatalf("starting the virtual key: %v", err)
	}
	t.Cleanup(func() { key.Close() })
	b := &bench{TB: t, key: key, clock: clock, person: newPerson(key), folder: filepath.Join(testkit.SocketDir(t), "agent")}
	b.store = b.open(nil)
	b.server = b.start()
	return b
}

// open makes a store on the virtual key, and makes sure that it is the virtual one.
func (b *bench) open(other keystore.Agent) *keystore.Store {
	b.Helper()
	store, err := openStore(b.key.Socket(), b.person, b.clock.Now, other)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	testkit.Eventually(b, "the virtual key is seen", func() bool {
		cards := store.Snapshot().Cards
		return len(cards) == 1 && cards[0].Serial == b.key.Status().Serial
	})
	return store
}

func openStore(socket string, p keystore.Prompter, now func() time.Time, other keystore.Agent) (*keystore.Store, error) {
	return keystore.Open(keystore.Config{
		Prompter: p, Agent: other, Now: now, TouchDelay: 20 * time.Millisecond, ScanEvery: 20 * time.Millisecond,
		NewTimer: atOnce, // a card that is held for the next signature remembers its PIN
		Worker: func() *exec.Cmd {
			command := exec.Command(os.Args[0])
			command.Env = append(os.Environ(), workerVariable+"=1", socketVariable+"="+socket, "GORACE=atexit_sleep_ms=0")
			command.Stderr = os.Stderr
			return command
		},
	})
}

// atOnce is a timer of no time.
func atOnce(time.Duration) (<-chan time.Time, func()) {
	fired := make(chan time.Time, 1)
	fired <- time.Now()
	return fired, func() {}
}

// start serves the bench's folder.
func (b *bench) start() *Server {
	b.Helper()
	s, err := Start(b.Context(), b.config())
	if err != nil {
		b.Fatalf("starting the agent: %v", err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func (b *bench) config() Config {
	return Config{Folder: b.folder, Keys: b.store, Now: time.Now, Log: slog.New(slog.NewTextHandler(b.Output(), nil))}
}

// prepare makes a key on the card; the card forgets the touch that it took.
func (b *bench) prepare(policy keystore.Policy) *keystore.Key {
	b.Helper()
	key, err := b.store.Key(b.Context(), keystore.Requirement{Policy: policy}, purpose)
	if err != nil {
		b.Fatalf("preparing a key: %v", err)
	}
	b.clock.Advance(time.Minute)
	return key
}

// person answers prompts and keeps a record of them.
type person struct {
	key *virtual.Key

	mu      sync.Mutex
	onTouch func(ctx context.Context, cancel func())
	pins    []keystore.PINPrompt
	touches []keystore.TouchPrompt
	chosen  bool // a PIN of their own
}

func newPerson(key *virtual.Key) *person {
	return &person{key: key, onTouch: func(context.Context, func()) { key.Touch() }}
}

func (p *person) AskPIN(_ context.Context, prompt keystore.PINPrompt) (*secret.Bytes, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pins = append(p.pins, prompt)
	if !p.chosen {
		return secret.New(nil), nil
	}
	return secret.New([]byte(goodPIN)), nil
}

func (p *person) AskNewPIN(context.Context, keystore.NewPINPrompt) (pin, puk *secret.Bytes, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chosen = true
	return secret.New([]byte(goodPIN)), secret.New([]byte(goodPUK)), nil
}

func (p *person) ShowTouch(ctx context.Context, prompt keystore.TouchPrompt) (<-chan struct{}, func()) {
	p.mu.Lock()
	p.touches = append(p.touches, prompt)
	onTouch := p.onTouch
	p.mu.Unlock()
	cancelled := make(chan struct{})
	onTouch(ctx, sync.OnceFunc(func() { close(cancelled) }))
	return cancelled, func() {}
}

func (p *person) ShowTap(context.Context, keystore.TapPrompt) (<-chan struct{}, func()) {
	return nil, func() {}
}

func (p *person) does(onTouch func(ctx context.Context, cancel func())) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onTouch = onTouch
}

// forget empties the record.
func (p *person) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pins, p.touches = nil, nil
}

// prompts is what the person was asked since.
func (p *person) prompts() (pins []keystore.PINPrompt, touches []keystore.TouchPrompt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pins, p.touches
}

// refuser is a person who refuses everything.
type refuser struct{ *person }

func (refuser) ShowTouch(context.Context, keystore.TouchPrompt) (<-chan struct{}, func()) {
	cancelled := make(chan struct{})
	close(cancelled)
	return cancelled, func() {}
}

// serveAsAnotherProgram serves a folder until standard input ends, with a person who touches nothing: the virtual key
// is touched by whoever runs the test.
func serveAsAnotherProgram(folder string) error {
	person := &person{onTouch: func(context.Context, func()) { fmt.Println("touch") }, chosen: true}
	var prompter keystore.Prompter = person
	if os.Getenv(refuseVariable) != "" {
		prompter = refuser{person}
	}
	store, err := openStore(os.Getenv(socketVariable), prompter, time.Now, nil)
	if err != nil {
		return err
	}
	defer store.Close()
	s, err := Start(context.Background(), Config{Folder: folder, Keys: store, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("ready")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until it is closed
	return nil
}
