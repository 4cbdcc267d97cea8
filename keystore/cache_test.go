//go:build linux

package keystore

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
)

func TestACachedPINIsNotAskedForAgainUntilItsTimeIsOver(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy, PINCacheTTL: 10 * time.Minute})
	b.person.answers(goodPIN)
	asked := func() int { pins, _, _, _ := b.person.counts(); return pins - 1 }
	b.forgetVerifiedPIN()
	if err := b.sign(t.Context(), key); err != nil || asked() != 0 {
		t.Fatalf("signing with a cached PIN: %v, and the PIN was asked for %d times", err, asked())
	}
	if until := b.waitForCard().PINCachedUntil; !until.After(b.clock.Now()) {
		t.Errorf("the PIN is shown as cached until %v", until)
	}
	b.clock.Advance(10 * time.Minute)
	b.waitFor("the PIN to be forgotten", func(s Snapshot) bool { return s.Cards[0].PINCachedUntil.IsZero() })
	if err := b.sign(t.Context(), key); err != nil || asked() != 1 {
		t.Errorf("signing after the time was over: %v, and the PIN was asked for %d times, want once", err, asked())
	}
	b.forgetVerifiedPIN()
	b.store.ForgetPINs()
	if err := b.sign(t.Context(), key); err != nil || asked() != 2 {
		t.Errorf("signing after the PIN was to be forgotten: %v, and the PIN was asked for %d times, want twice", err, asked())
	}
}

func TestAPINIsForgottenWhenTheCardIsPulled(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy, PINCacheTTL: time.Hour})
	b.person.answers(goodPIN)
	b.key.Unplug()
	b.waitFor("no card", func(s Snapshot) bool { return len(s.Cards) == 0 })
	b.key.Plug()
	b.waitForCard()
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if pins, _, _, _ := b.person.counts(); pins != 2 {
		t.Errorf("the PIN was asked for %d times, want twice: once for each time the card was plugged in", pins)
	}
}

func TestAPINThatTheCardRemembersIsNotAskedForAgain(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.forgetVerifiedPIN()
	b.person.answers("111111", goodPIN)
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	before, _, _, _ := b.person.counts()
	if err := b.store.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.prepare(Requirement{Policy: pinPolicy})
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if after, _, _, _ := b.person.counts(); after != before {
		t.Errorf("the PIN was asked for %d more times although the card remembers it", after-before)
	}
	if left := b.waitForCard().PINAttempts; left != 3 {
		t.Errorf("the card is shown with %d attempts left, want 3 after a right PIN", left)
	}
}

func TestTheFactoryPINIsNotUsedToSign(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.forgetVerifiedPIN()
	b.person.answers(factoryPIN)
	if _, ok := fault.As(b.sign(t.Context(), key)); !ok {
		t.Error("no fault says that the factory PIN is not accepted")
	}
	if tries := b.key.Status().PINTries; tries != 3 {
		t.Errorf("the card has %d attempts left, want 3: it need not be asked about the factory PIN", tries)
	}
}

func TestWithoutACacheThePINIsAskedForEachTime(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.person.answers(goodPIN)
	for range 2 {
		b.forgetVerifiedPIN()
		if err := b.sign(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if pins, _, _, _ := b.person.counts(); pins != 3 {
		t.Errorf("the PIN was asked for %d times, want 3 times", pins)
	}
}

func TestACachedPINThatAnotherProgramChangedIsDropped(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy, PINCacheTTL: time.Hour})
	b.another("changes the PIN")
	b.forgetVerifiedPIN()
	b.person.answers("86420975")
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	last := b.person.asked[len(b.person.asked)-1]
	if !last.Wrong || last.AttemptsLeft != 2 {
		t.Errorf("the PIN was asked for as %+v, want with 2 attempts left after a wrong one", last)
	}
}

func TestConcurrentSignaturesShareOneTouchAndOnePrompt(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	touched := b.key.Status().Touches
	_, _, prompts, _ := b.person.counts()
	var signing sync.WaitGroup
	for range 5 {
		signing.Go(func() {
			if err := b.sign(t.Context(), key); err != nil {
				t.Errorf("signing: %v", err)
			}
		})
	}
	signing.Wait()
	if got := b.key.Status().Touches - touched; got != 1 {
		t.Errorf("5 signatures cost %d touches, want 1", got)
	}
	if _, _, after, open := b.person.counts(); after-prompts != 1 || open != 0 {
		t.Errorf("5 signatures showed %d prompts, of which %d are still shown; want 1 and 0", after-prompts, open)
	}
}

func TestConcurrentPreparationsMakeOneKey(t *testing.T) {
	b := newBench(t)
	keys := make([]*Key, 3)
	var preparing sync.WaitGroup
	for i := range keys {
		preparing.Go(func() {
			var err error
			if keys[i], err = b.store.Key(t.Context(), Requirement{Policy: bothPolicy}, purpose); err != nil {
				t.Errorf("preparing: %v", err)
			}
		})
	}
	preparing.Wait()
	for _, key := range keys {
		if key != nil && !keys[0].public.Equal(key.Public()) {
			t.Error("two preparations made two keys: one of them is lost")
		}
	}
	if pins, newPINs, _, _ := b.person.counts(); pins != 1 || newPINs != 1 {
		t.Errorf("the person was asked for %d PINs and %d new PINs, want 1 and 1", pins, newPINs)
	}
}

func TestAnOpenPINPromptDoesNotHoldTheCard(t *testing.T) {
	b := newBench(t)
	other := b.prepare(Requirement{Policy: touchPolicy})
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.forgetVerifiedPIN()
	b.person.answers(goodPIN)
	b.person.onPIN = func(ctx context.Context) {
		if err := b.sign(ctx, other); err != nil {
			t.Errorf("signing with another slot while the PIN is typed: %v", err)
		}
		b.another("looks at the card")
	}
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing: %v", err)
	}
}

func TestATouchIsShownInTheSnapshotWhileItIsWaitedForAndAfterwards(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	result := make(chan error, 1)
	b.person.does(func(func()) {})
	go func() { result <- b.sign(t.Context(), key) }()
	b.waitFor("a touch to be waited for", func(s Snapshot) bool { return s.Cards[0].TouchWaiting })
	b.key.Touch()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	got := b.waitForCard()
	if got.TouchWaiting || !got.TouchCachedUntil.Equal(b.clock.Now().Add(15*time.Second)) {
		t.Errorf("after the touch the card is shown as %+v, want the touch to be remembered for 15 s", got)
	}
	b.clock.Advance(15 * time.Second)
	b.waitFor("the touch to be over", func(s Snapshot) bool { return s.Cards[0].TouchCachedUntil.IsZero() })
}
