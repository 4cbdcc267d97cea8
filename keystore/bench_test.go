//go:build linux

package keystore

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/fido"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// bench is a store, a virtual key that it reaches through piv-go and libpcsclite, and a person.
type bench struct {
	testing.TB
	store  *Store
	key    *virtual.Key
	person *person
	// clock is the card's time and the store's; it moves only when a test moves it.
	clock *virtual.ManualClock
	// prompter asks the person; nil for the person itself, who cannot be told what is waited for.
	prompter Prompter
}

// The secrets that the person of a bench knows.
const (
	goodPIN = "739154"
	goodPUK = "60518273"
)

// purpose is what the tests want their keys for.
var purpose = Purpose{Where: "demo", What: "Sign in as alice", Program: "the tests"}

func newBench(t testing.TB) *bench { return newBenchOf(t, virtual.DefaultFirmware) }

// newBenchOf is newBench with a card of another age.
func newBenchOf(t testing.TB, firmware virtual.Firmware) *bench {
	t.Helper()
	clock := virtual.NewManualClock(time.Now())
	key, err := virtual.Start(virtual.Config{Firmware: firmware, Touch: virtual.TouchWait, Clock: clock, FIDO: true})
	if err != nil {
		t.Fatalf("starting the virtual key: %v", err)
	}
	b := &bench{TB: t, key: key, clock: clock, person: newPerson(key)}
	t.Cleanup(func() { key.Close() })
	b.store = b.open()
	b.checkSerial()
	return b
}

// open makes another store on the same card.
func (b *bench) open() *Store {
	b.Helper()
	store, err := Open(Config{
		Prompter: cmp.Or(b.prompter, Prompter(b.person)),
		Worker:   workerFor(b.key.Socket()),
		SecurityKeys: &fido.Authenticator{
			Worker: fidoWorker, Devices: []string{b.key.FIDOPath()}, NoDiscovery: true,
		},
		Now:        b.clock.Now,
		NewTimer:   b.clock.NewTimer,
		TouchDelay: 20 * time.Millisecond,
		HeldDelay:  20 * time.Millisecond,
		ScanEvery:  20 * time.Millisecond,
		Version:    "1.2.3",
		Log:        slog.New(slog.NewTextHandler(b.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		b.Fatalf("opening the store: %v", err)
	}
	b.Cleanup(func() { store.Close() })
	return store
}

// checkSerial makes sure that the only card is the virtual one, before anything is done to it.
func (b *bench) checkSerial() {
	b.Helper()
	card := b.waitForCard()
	if want := b.key.Status().Serial; card.Serial != want {
		b.Fatalf("the store sees card %d, which is not the virtual key %d: stopping before harm is done", card.Serial, want)
	}
}

// waitForCard waits until the store shows one card that could be read.
func (b *bench) waitForCard() CardState {
	b.Helper()
	return b.waitFor("a card that can be read", func(s Snapshot) bool {
		return len(s.Cards) == 1 && s.Cards[0].Serial != 0
	}).Cards[0]
}

// waitFor waits for a snapshot that looks as wanted.
func (b *bench) waitFor(what string, wanted func(Snapshot) bool) Snapshot {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), testkit.Deadline)
	defer cancel()
	s := b.store.Snapshot()
	for !wanted(s) {
		var err error
		if s, err = b.store.Wait(ctx, s.Version); err != nil {
			b.Fatalf("waiting for %s: %v; the last snapshot is %+v", what, err, s)
		}
	}
	return s
}

// prepare asks the store for a key and fails the test if there is none.
func (b *bench) prepare(r Requirement) *Key {
	b.Helper()
	key, err := b.store.Key(b.Context(), r, purpose)
	if err != nil {
		b.Fatalf("preparing a key for %v: %v", r, err)
	}
	return key
}

// sign signs something and checks the signature.
func (b *bench) sign(ctx context.Context, key *Key) error {
	b.Helper()
	digest := sha256.Sum256([]byte("something to sign"))
	signature, err := key.For(ctx, purpose).Sign(rand.Reader, digest[:], crypto.SHA256)
	if err == nil && !ecdsa.VerifyASN1(key.Public().(*ecdsa.PublicKey), digest[:], signature) {
		b.Error("the signature is not one of the key")
	}
	return err
}

// person answers prompts and keeps a record of them.
type person struct {
	key *virtual.Key

	mu      sync.Mutex
	pins    []string // answers to AskPIN, one after the other; the last one is given again and again
	newPINs []newPIN
	onPIN   func(context.Context) // called before a PIN is given
	noPIN   error                 // why no PIN can be asked for
	onTouch func(cancel func())   // also for taps

	asked    []PINPrompt
	askedNew []NewPINPrompt
	touches  []TouchPrompt
	taps     []TapPrompt // without their functions
	useCode  func()      // of the last tap prompt
	open     int         // touch prompts that are shown now

	decider
}

type newPIN struct{ pin, puk string }

// newPerson is someone with a new card who knows what to do: the PIN is left to be the factory one, then a good PIN
// and PUK are chosen, and the card is touched when it asks.
func newPerson(key *virtual.Key) *person {
	return &person{
		key:     key,
		pins:    []string{""},
		newPINs: []newPIN{{goodPIN, goodPUK}},
		onTouch: func(func()) { key.Touch() },
	}
}

func (p *person) AskPIN(ctx context.Context, prompt PINPrompt) (*secret.Bytes, error) {
	p.mu.Lock()
	p.asked = append(p.asked, prompt)
	answer := next(&p.pins)
	onPIN, noPIN := p.onPIN, p.noPIN
	p.mu.Unlock()
	if noPIN != nil {
		return nil, noPIN
	}
	if onPIN != nil {
		onPIN(ctx)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return secret.New([]byte(answer)), nil
}

func (p *person) AskNewPIN(_ context.Context, prompt NewPINPrompt) (pin, puk *secret.Bytes, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.askedNew = append(p.askedNew, prompt)
	answer := next(&p.newPINs)
	return secret.New([]byte(answer.pin)), secret.New([]byte(answer.puk)), nil
}

func (p *person) ShowTouch(_ context.Context, prompt TouchPrompt) (<-chan struct{}, func()) {
	p.mu.Lock()
	p.touches = append(p.touches, prompt)
	return p.show()
}

func (p *person) ShowTap(_ context.Context, prompt TapPrompt) (<-chan struct{}, func()) {
	p.mu.Lock()
	p.useCode, prompt.UseCode = prompt.UseCode, nil // functions cannot be compared
	p.taps = append(p.taps, prompt)
	return p.show()
}

// choosesCode answers the last tap prompt.
func (p *person) choosesCode() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.useCode()
}

// show reacts to a prompt. It is called with p.mu held and lets go of it.
func (p *person) show() (<-chan struct{}, func()) {
	p.open++
	onTouch := p.onTouch
	p.mu.Unlock()
	cancelled := make(chan struct{})
	onTouch(sync.OnceFunc(func() { close(cancelled) }))
	return cancelled, sync.OnceFunc(func() {
		p.mu.Lock()
		p.open--
		p.mu.Unlock()
	})
}

// answers makes the person give these PINs from now on.
func (p *person) answers(pins ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pins = pins
}

// does makes the person react to a touch prompt in this way from now on.
func (p *person) does(onTouch func(cancel func())) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onTouch = onTouch
}

// counts says how often the person was asked for what, and how many touch prompts are still shown.
func (p *person) counts() (pins, newPINs, touches, open int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked), len(p.askedNew), len(p.touches), p.open
}

func next[T any](answers *[]T) T {
	answer := (*answers)[0]
	if len(*answers) > 1 {
		*answers = (*answers)[1:]
	}
	return answer
}
