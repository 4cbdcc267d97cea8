//go:build linux

package keystore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// attentive is a person who is also told what is waited for, and can choose among cards.
type attentive struct {
	*person
	shown chan shownWait // every prompt that says what is waited for

	choice func(ChoosePrompt) (uint32, error)
	mu     sync.Mutex
	hidden int // prompts that were closed; guarded by mu
	total  int // and all; guarded by mu
}

// shownWait is a prompt and how the person gives up.
type shownWait struct {
	WaitPrompt
	giveUp func()
}

func (a *attentive) ShowWait(_ context.Context, p WaitPrompt) (cancelled <-chan struct{}, done func()) {
	a.mu.Lock()
	a.total++
	a.mu.Unlock()
	refused := make(chan struct{})
	a.shown <- shownWait{p, sync.OnceFunc(func() { close(refused) })}
	return refused, sync.OnceFunc(func() {
		a.mu.Lock()
		a.hidden++
		a.mu.Unlock()
	})
}

func (a *attentive) ChooseCard(_ context.Context, p ChoosePrompt) (uint32, error) { return a.choice(p) }

// awaitWait waits until the person is told that something is waited for.
func (b *bench) awaitWait(a *attentive, reason WaitReason) shownWait {
	b.Helper()
	p := testkit.Receive(b, "a prompt", a.shown)
	if p.Reason != reason || p.Purpose != purpose || p.Fault == nil {
		b.Fatalf("the person is told %+v, want that the reason is %q", p.WaitPrompt, reason)
	}
	return p
}

// checkClosed fails the test if a prompt about a wait is still shown.
func (b *bench) checkClosed(a *attentive) {
	b.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hidden != a.total {
		b.Errorf("%d of %d prompts are still shown", a.total-a.hidden, a.total)
	}
}

// attend opens the bench's store anew for a person who is attentive.
func (b *bench) attend() *attentive {
	b.Helper()
	a := &attentive{person: b.person, shown: make(chan shownWait, 100)}
	b.store.Close()
	b.prompter = a
	b.store = b.open()
	b.waitFor("cards that can be read", allReadable)
	return a
}

func allReadable(s Snapshot) bool {
	for _, c := range s.Cards {
		if c.Serial == 0 {
			return false
		}
	}
	return len(s.Cards) > 0
}

// beside plugs another card in beside the bench's.
func (b *bench) beside() *virtual.Key {
	b.Helper()
	other, err := virtual.Start(virtual.Config{Join: b.key, Touch: virtual.TouchWait, Clock: b.clock})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { other.Close() })
	return other
}

// reopen makes a key of the bench's present store.
func (b *bench) reopen(key *Key) *Key {
	b.Helper()
	again, err := b.store.OpenKey(key.Reference())
	if err != nil {
		b.Fatal(err)
	}
	return again
}

// signing begins a signature that may have to wait.
func (b *bench) signing(ctx context.Context, key *Key) <-chan error {
	result := make(chan error, 1)
	go func() { result <- b.sign(ctx, key) }()
	return result
}

func TestAKeyIsAskedOfItsOwnCardOnly(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	other := b.beside()
	b.attend()
	key = b.reopen(key)
	b.waitFor("both cards", func(s Snapshot) bool { return len(s.Cards) == 2 && allReadable(s) })
	before := other.Status()
	for range 3 {
		b.person.does(func(func()) {
			if other.Status().Waiting {
				t.Error("the wrong card blinks")
			}
			b.key.Touch()
		})
		if err := b.sign(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(touchTimeout)
	}
	if after := other.Status(); after != before {
		t.Errorf("the other card was %+v and is %+v", before, after)
	}
	if last := b.person.touches[len(b.person.touches)-1]; last.Card.Serial != b.key.Status().Serial {
		t.Errorf("the touch of card %d was asked for", last.Card.Serial)
	}
}

func TestACardThatIsNotPluggedInIsWaitedForByName(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{})
	a := b.attend()
	key = b.reopen(key)
	if err := b.store.SetName(key.Serial(), "work"); err != nil {
		t.Fatal(err)
	}
	b.key.Unplug()
	b.waitFor("no card", func(s Snapshot) bool { return len(s.Cards) == 0 })
	signed := b.signing(t.Context(), key)
	p := b.awaitWait(a, WaitInsert)
	if p.Card.Serial != key.Serial() || p.Card.Name != "work" || len(p.Others) != 0 || !strings.Contains(p.Fault.What, "(work)") {
		t.Errorf("the person is told %+v", p.WaitPrompt)
	}
	other := b.beside()
	p = b.awaitWait(a, WaitInsert)
	if len(p.Others) != 1 || p.Others[0].Serial != other.Status().Serial {
		t.Errorf("with another card plugged in the person is told %+v", p.WaitPrompt)
	}
	b.key.Plug()
	if err := testkit.Receive(t, "the signature", signed); err != nil {
		t.Error(err)
	}
	b.checkClosed(a)
	if n := other.Status().Signatures; n != 0 {
		t.Errorf("the other card made %d signatures", n)
	}
}

func TestWaitingForACardCanBeGivenUp(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{})
	a := b.attend()
	key = b.reopen(key)
	b.key.Unplug()
	signed := b.signing(t.Context(), key)
	b.awaitWait(a, WaitInsert).giveUp()
	if err := testkit.Receive(t, "the end of the signature", signed); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	signed = b.signing(ctx, key)
	b.awaitWait(a, WaitInsert)
	cancel()
	if err := testkit.Receive(t, "the end of the signature", signed); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	signed = b.signing(t.Context(), key)
	b.awaitWait(a, WaitInsert)
	b.store.Close()
	wantFault(t, testkit.Receive(t, "the end of the signature", signed), ErrClosed)
	b.checkClosed(a)
}

func TestANewKeyWaitsForAnyCard(t *testing.T) {
	b := newBench(t)
	a := b.attend()
	b.key.Unplug()
	b.waitFor("no card", func(s Snapshot) bool { return len(s.Cards) == 0 })
	made := make(chan error, 1)
	go func() { _, err := b.store.Key(t.Context(), Requirement{}, purpose); made <- err }()
	if p := b.awaitWait(a, WaitInsert); p.Card.Serial != 0 {
		t.Errorf("card %d is waited for, want any", p.Card.Serial)
	}
	b.key.Plug()
	if err := testkit.Receive(t, "the key", made); err != nil {
		t.Error(err)
	}
}

func TestANewKeyIsMadeOnTheCardThatThePersonChooses(t *testing.T) {
	b := newBench(t)
	other := b.beside()
	a := b.attend()
	b.waitFor("both cards", func(s Snapshot) bool { return len(s.Cards) == 2 && allReadable(s) })
	a.choice = func(p ChoosePrompt) (uint32, error) {
		if len(p.Cards) != 2 || p.Purpose != purpose || p.Cards[0].Model == "" || p.Cards[1].Serial == 0 {
			t.Errorf("the person chooses among %+v", p)
		}
		return other.Status().Serial, nil
	}
	key := b.prepare(Requirement{})
	if key.Serial() != other.Status().Serial {
		t.Errorf("the key is on card %d, want %d", key.Serial(), other.Status().Serial)
	}
	if err := b.sign(t.Context(), key); err != nil {
		t.Error(err)
	}
	if n := b.key.Status().Signatures; n != 0 {
		t.Errorf("the card that was not chosen made %d signatures", n)
	}
	a.choice = func(ChoosePrompt) (uint32, error) { return 0, context.Canceled }
	if _, err := b.store.Key(t.Context(), Requirement{}, purpose); !errors.Is(err, context.Canceled) {
		t.Errorf("refusing to choose gives %v", err)
	}
	a.choice = func(ChoosePrompt) (uint32, error) { return 1, nil }
	if _, err := b.store.Key(t.Context(), Requirement{}, purpose); err == nil {
		t.Error("a card that is not there was chosen")
	}
}

func TestNobodyIsAskedToChooseWhereThereIsNoChoice(t *testing.T) {
	b := newBench(t)
	a := b.attend()
	a.choice = func(p ChoosePrompt) (uint32, error) { t.Errorf("the person chooses among %+v", p); return 0, nil }
	b.prepare(Requirement{})
	other := b.beside()
	b.waitFor("both cards", func(s Snapshot) bool { return len(s.Cards) == 2 && allReadable(s) })
	if key := b.prepare(Requirement{Serial: other.Status().Serial}); key.Serial() != other.Status().Serial {
		t.Errorf("the key is on card %d, want %d", key.Serial(), other.Status().Serial)
	}
}

func TestACardIsCalledByItsName(t *testing.T) {
	b := newBench(t)
	serial := b.key.Status().Serial
	if err := b.store.SetName(serial, " Büro "); err != nil {
		t.Fatal(err)
	}
	b.prepare(Requirement{Policy: touchPolicy})
	if got := b.person.touches[0].Card.Name; got != "Büro" {
		t.Errorf("a prompt calls the card %q", got)
	}
	if got := b.waitForCard(); got.Name != "Büro" || !strings.HasSuffix(got.CardID.String(), " (Büro)") {
		t.Errorf("the card is shown as %+v", got)
	}
	if err := b.store.SetName(serial, ""); err != nil {
		t.Fatal(err)
	}
	if got := b.waitForCard().Name; got != "" {
		t.Errorf("the card is called %q after its name was taken away", got)
	}
}

func TestNamesThatCannotBeShownOrKeptAreRefused(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{strings.Repeat("x", maxName+1), "two\nlines", "bell\a"} {
		err := b.store.SetName(1, name)
		wantFault(t, err, err)
		if got := b.store.Name(1); got != "" {
			t.Errorf("the card is called %q", got)
		}
	}
	b.store.names = forgetful{}
	wantFault(t, b.store.SetName(1, "work"), errForgotten)
}

var errForgotten = errors.New("no space left")

// forgetful keeps no names.
type forgetful struct{}

func (forgetful) Name(uint32) string           { return "" }
func (forgetful) SetName(uint32, string) error { return errForgotten }
