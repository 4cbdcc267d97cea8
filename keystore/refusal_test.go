//go:build linux

package keystore

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// wantFault fails the test unless err is target and says so in two sentences.
func wantFault(t testing.TB, err, target error) *fault.Fault {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want one that is %v", err, target)
	}
	f, ok := fault.As(err)
	if !ok || f.What == "" || f.Do == "" {
		t.Fatalf("error %v has no two sentences", err)
	}
	t.Logf("%s | %s", f.What, f.Do)
	return f
}

var (
	touchPolicy = Policy{Touch: true}
	pinPolicy   = Policy{PIN: true}
	bothPolicy  = Policy{Touch: true, PIN: true}
)

func TestAWrongPINIsAskedForAgainUntilOneAttemptIsLeft(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.forgetVerifiedPIN()
	b.person.answers("111111", "222222", goodPIN)
	err := b.sign(t.Context(), key)
	var wrong *WrongPINError
	if !errors.As(err, &wrong) || wrong.AttemptsLeft != 1 {
		t.Fatalf("got error %v, want a wrong PIN with 1 attempt left", err)
	}
	wantFault(t, err, wrong)
	if got := b.key.Status().PINTries; got != 1 {
		t.Errorf("the card has %d attempts left, want 1: the last one must not be spent unasked", got)
	}
	asked := b.person.asked[1:] // the first question was for the factory PIN
	if len(asked) != 2 || asked[0].AttemptsLeft != 3 || asked[0].Wrong || asked[1].AttemptsLeft != 2 || !asked[1].Wrong {
		t.Errorf("the PIN was asked for as %+v, want first with 3 attempts left, then with 2 after a wrong one", asked)
	}
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing with the right PIN at the last attempt: %v", err)
	}
	if last := b.person.asked[len(b.person.asked)-1]; last.AttemptsLeft != 1 {
		t.Errorf("the last question said %d attempts left, want 1", last.AttemptsLeft)
	}
}

func TestABlockedPINIsNotAskedFor(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.forgetVerifiedPIN()
	b.person.answers("111111", "222222", "333333")
	_ = b.sign(t.Context(), key)
	wantFault(t, b.sign(t.Context(), key), ErrPINBlocked)
	before, _, _, _ := b.person.counts()
	wantFault(t, b.sign(t.Context(), key), ErrPINBlocked)
	_, err := b.store.Key(t.Context(), Requirement{Policy: bothPolicy}, purpose)
	wantFault(t, err, ErrPINBlocked)
	if after, _, _, _ := b.person.counts(); after != before {
		t.Errorf("the PIN was asked for %d times although it is blocked", after-before)
	}
}

func TestAKeyPulledDuringATouchSaysSoAndWorksAgain(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	b.person.does(func(func()) { b.key.Unplug() })
	wantFault(t, b.sign(t.Context(), key), ErrCardRemoved)
	b.waitFor("no card", func(s Snapshot) bool { return len(s.Cards) == 0 })
	wantFault(t, b.sign(t.Context(), key), ErrNoCard)
	_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose)
	wantFault(t, err, ErrNoCard)
	b.key.Plug()
	b.person.does(func(func()) { b.key.Touch() })
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing after the key was plugged in again: %v", err)
	}
	if _, _, _, open := b.person.counts(); open != 0 {
		t.Errorf("%d touch prompts are still shown", open)
	}
}

func TestABrokenTransactionTenTimesInARowIsNotNoticed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		do   func(b *bench, key *Key) error
	}{
		{"signing", func(b *bench, key *Key) error { return b.sign(b.Context(), key) }},
		{"preparing", func(b *bench, _ *Key) error {
			_, err := b.store.Key(b.Context(), Requirement{Policy: bothPolicy}, purpose)
			return err
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			key := b.prepare(Requirement{Policy: touchPolicy})
			b.key.FailTransmit(selectApplet, scardNotTransacted, 10)
			if err := row.do(b, key); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
		})
	}
}

func TestAPINWhoseAnswerWasLostIsShownOnceMoreAndNoMore(t *testing.T) {
	const verify = 0x20
	for _, row := range []struct {
		name   string
		broken int
		ok     bool
	}{
		{"one answer lost", 1, true},
		{"every answer lost", 5, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{Policy: pinPolicy})
			b.forgetVerifiedPIN()
			b.person.answers(goodPIN)
			b.person.onPIN = func(context.Context) { b.key.FailTransmit(verify, scardResetCard, row.broken) }
			err := b.sign(t.Context(), key)
			if _, isFault := fault.As(err); (err == nil) != row.ok || err != nil && !isFault {
				t.Errorf("signing: %v, want it to succeed: %t", err, row.ok)
			}
			b.person.onPIN = nil
			if err := b.sign(t.Context(), key); err != nil {
				t.Errorf("the next try: %v", err)
			}
		})
	}
}

func TestAConnectionThatBreaksForeverEndsInAFault(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.key.FailTransmit(0xa4, scardNotTransacted, 1000)
	err := b.sign(t.Context(), key)
	if f, ok := fault.As(err); !ok || f.What == "" || f.Do == "" {
		t.Fatalf("got %v, want a fault", err)
	}
	t.Log(err)
}

func TestACancelledTouchIsSilentAndTheNextTryWorks(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	b.person.does(func(cancel func()) { cancel() })
	if err := b.sign(t.Context(), key); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	if _, ok := fault.As(b.sign(t.Context(), key)); ok {
		t.Errorf("a refused touch shows a fault")
	}
	b.person.does(func(func()) { b.key.Touch() })
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing after a refusal: %v", err)
	}
}

func TestACancelledTouchWhileAKeyIsMadeIsMadeUpForLater(t *testing.T) {
	b := newBench(t)
	b.person.does(func(cancel func()) { cancel() })
	if _, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	b.person.does(func(func()) { b.key.Touch() })
	key := b.prepare(Requirement{Policy: touchPolicy})
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing: %v", err)
	}
	if touches := b.key.Status().Touches; touches != 1 {
		t.Errorf("the key was touched %d times, want once for everything", touches)
	}
}

func TestAKeyPulledWhileThePINIsTypedClosesThePrompt(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.forgetVerifiedPIN()
	b.person.onPIN = func(ctx context.Context) {
		b.key.Unplug()
		testkit.Receive(t, "the end of the prompt", ctx.Done())
	}
	wantFault(t, b.sign(t.Context(), key), ErrCardRemoved)
}

func TestARefusedPINIsSilent(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.forgetVerifiedPIN()
	ctx, cancel := context.WithCancel(t.Context())
	b.person.onPIN = func(context.Context) { cancel() }
	err := b.sign(ctx, key)
	if _, ok := fault.As(err); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled and no fault", err)
	}
}

func TestAPromptThatCannotBeShownSaysSo(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.forgetVerifiedPIN()
	b.person.noPIN = io.ErrUnexpectedEOF
	wantFault(t, b.sign(t.Context(), key), io.ErrUnexpectedEOF)
}

func TestAnEndedContextEndsTheTouchPrompt(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	b.person.does(func(func()) { cancel() })
	if err := b.sign(ctx, key); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	if _, _, _, open := b.person.counts(); open != 0 {
		t.Errorf("%d touch prompts are still shown", open)
	}
}

func TestClosingTheStoreEndsATouchPrompt(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	shown := make(chan struct{})
	b.person.does(func(func()) { close(shown) })
	result := make(chan error, 1)
	go func() { result <- b.sign(t.Context(), key) }()
	testkit.Receive(t, "a touch prompt", shown)
	b.store.Close()
	wantFault(t, testkit.Receive(t, "the end of the signature", result), ErrClosed)
}

func TestNoSmartCardServiceIsAFaultOfItsOwn(t *testing.T) {
	b := newBench(t)
	b.key.Close()
	s := b.waitFor("the service to be missed", func(s Snapshot) bool { return s.Problem != nil })
	t.Log(s.Problem)
	_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose)
	if f, ok := fault.As(err); !ok || f.What != "The smart-card service is not running." {
		t.Errorf("got %v, want the service to be named", err)
	}
}

func TestAServiceThatStartsLaterIsNoticed(t *testing.T) {
	b := newBench(t)
	socket := b.key.Socket()
	b.key.Close()
	b.waitFor("the service to be missed", func(s Snapshot) bool { return s.Problem != nil && len(s.Cards) == 0 })
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(socket)) })
	key, err := virtual.Start(virtual.Config{Socket: socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { key.Close() })
	s := b.waitFor("a card", func(s Snapshot) bool { return len(s.Cards) == 1 && s.Cards[0].Serial != 0 })
	if s.Problem != nil || s.Cards[0].Serial != key.Status().Serial {
		t.Errorf("the store shows %+v, want card %d and no problem", s, key.Status().Serial)
	}
}

func TestACardHeldByAnotherProgramIsAFaultThatNamesSuspects(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	other := b.open()
	shown := make(chan struct{}, 2)
	b.person.does(func(func()) { shown <- struct{}{} })
	held := make(chan error, 1)
	theirs, err := other.OpenKey(key.Reference())
	if err != nil {
		t.Fatal(err)
	}
	go func() { held <- b.sign(t.Context(), theirs) }()
	testkit.Receive(t, "the other program's touch prompt", shown)
	err = b.sign(t.Context(), key)
	f, ok := fault.As(err)
	if !ok || !isKind(err, kindShared) {
		t.Fatalf("got %v, want a sharing violation", err)
	}
	t.Log(f)
	b.key.Touch()
	if err := testkit.Receive(t, "the other program's signature", held); err != nil {
		t.Errorf("signing in the other program: %v", err)
	}
	b.clock.Advance(releaseAfter)
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing after the other program let go: %v", err)
	}
}

// forgetVerifiedPIN makes the card forget the PIN that it remembers between two connections: it loses its power
// when it was left alone for 5 s.
func (b *bench) forgetVerifiedPIN() { b.clock.Advance(6 * time.Second) }
