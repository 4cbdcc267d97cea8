//go:build linux

package keystore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// misses makes the person come too late n times and touch the card then.
func (b *bench) misses(n int) {
	b.person.does(func(func()) {
		b.awaitBlinking()
		if n--; n >= 0 {
			b.clock.Advance(touchTimeout)
			return
		}
		b.key.Touch()
	})
}

func (b *bench) awaitBlinking() {
	b.Helper()
	testkit.Eventually(b, "the card to wait for a touch", func() bool { return b.key.Status().Waiting })
}

func TestAMissedTouchIsAskedForAgainWithoutFailingWhatWaits(t *testing.T) {
	for _, policy := range []Policy{touchPolicy, bothPolicy} {
		t.Run(policy.String(), func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{Policy: policy})
			b.clock.Advance(20 * time.Second) // the touch is forgotten, and the verified PIN
			b.person.answers(goodPIN)
			pins, _, before, _ := b.person.counts()
			b.misses(2)
			if err := b.sign(t.Context(), key); err != nil {
				t.Fatalf("signing with the third touch: %v", err)
			}
			asked := b.person.touches[before:]
			if len(asked) != 3 || asked[0].Missed != 0 || asked[1].Missed != 1 || asked[2].Missed != 2 {
				t.Errorf("the touch was asked for as %+v, want three times", asked)
			}
			if wait := asked[2].Until.Sub(asked[1].Until); wait != touchTimeout {
				t.Errorf("the third prompt ends %v after the second, want %v", wait, touchTimeout)
			}
			after, _, _, open := b.person.counts()
			if asked := after - pins; asked > 1 || open != 0 {
				t.Errorf("the PIN was asked for %d times, and %d prompts are still shown", asked, open)
			}
		})
	}
}

func TestAMissedTouchOfANewKeyIsAskedForAgain(t *testing.T) {
	b := newBench(t)
	b.misses(1)
	key := b.prepare(Requirement{Policy: touchPolicy})
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing: %v", err)
	}
	if touches := b.key.Status().Touches; touches != 1 {
		t.Errorf("the key was touched %d times, want once: marker and signature share a touch", touches)
	}
}

func TestAfterAMissedTouchThePersonCanGiveUp(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	missed := false
	b.person.does(func(cancel func()) {
		b.awaitBlinking()
		if missed {
			cancel()
			return
		}
		missed = true
		b.clock.Advance(touchTimeout)
	})
	if err := b.sign(t.Context(), key); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestACardThatRefusesAtOnceHasNotWaitedForATouch(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.key.FailCommand(0x87, statusNotSatisfied, 1000)
	wantFault(t, b.sign(t.Context(), key), ErrTouchTimeout)
}

// TestTwoHundredSignaturesCostOneTouchPer15Seconds has 20 goroutines sign 10 times each on a card that takes 100 ms of
// its own time for each, 20 s in all.
func TestTwoHundredSignaturesCostOneTouchPer15Seconds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	b.person.does(func(func()) { b.awaitBlinking(); b.key.Touch() })
	before := b.key.Status()
	const workers, each, takes = 20, 10, 100 * time.Millisecond
	var signing sync.WaitGroup
	for range workers {
		signing.Go(func() {
			for range each {
				if err := b.sign(t.Context(), key); err != nil {
					t.Errorf("signing: %v", err)
				}
				b.clock.Advance(takes)
			}
		})
	}
	signing.Wait()
	after := b.key.Status()
	if got := after.Signatures - before.Signatures; got != workers*each {
		t.Errorf("the card made %d signatures, want %d", got, workers*each)
	}
	if got := after.Touches - before.Touches; got != 2 { // at 0 s and at 15 s
		t.Errorf("%d signatures within 20 s cost %d touches, want 2", workers*each, got)
	}
}

func TestRequestsForOneCardKeepTheirOrder(t *testing.T) {
	b := newBench(t)
	c := b.store.plugged()[0]
	release, begun := make(chan struct{}), make(chan struct{})
	var requests sync.WaitGroup
	requests.Go(func() {
		_ = c.do(t.Context(), func(context.Context) error { close(begun); <-release; return nil })
	})
	testkit.Receive(t, "the first request", begun)
	var got, want []int
	for i := range 200 {
		want = append(want, i)
		requests.Go(func() {
			_ = c.do(t.Context(), func(context.Context) error { got = append(got, i); return nil })
		})
		testkit.Eventually(t, "the request to queue", func() bool { return c.queue.length() == i+1 })
	}
	close(release)
	requests.Wait()
	if !slices.Equal(got, want) {
		t.Errorf("the requests ran in the order %v", got)
	}
}

func TestATouchPromptSaysHowManyWait(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(20 * time.Second)
	c := b.store.plugged()[0]
	_, _, before, _ := b.person.counts()
	begun, release := make(chan struct{}), make(chan struct{})
	var requests sync.WaitGroup
	requests.Go(func() { _ = c.do(t.Context(), func(context.Context) error { close(begun); <-release; return nil }) })
	<-begun
	for range 4 {
		requests.Go(func() {
			if err := b.sign(t.Context(), key); err != nil {
				t.Errorf("signing: %v", err)
			}
		})
	}
	testkit.Eventually(t, "all to wait", func() bool { return c.queue.length() >= 4 })
	close(release)
	requests.Wait()
	if asked := b.person.touches[before:]; len(asked) != 1 || asked[0].Waiting != 3 {
		t.Errorf("the touch was asked for as %+v, want once, for one and three others", asked)
	}
}

func TestARequestThatIsGivenUpLeavesTheQueue(t *testing.T) {
	b := newBench(t)
	c := b.store.plugged()[0]
	release, begun := make(chan struct{}), make(chan struct{})
	var requests sync.WaitGroup
	requests.Go(func() {
		_ = c.do(t.Context(), func(context.Context) error { close(begun); <-release; return nil })
	})
	testkit.Receive(t, "the first request", begun)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- c.do(ctx, func(context.Context) error { return errors.New("it ran") }) }()
	testkit.Eventually(t, "the second request to queue", func() bool { return c.queue.length() == 1 })
	cancel()
	if err := testkit.Receive(t, "the end of the second request", result); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled at once", err)
	}
	if n := c.queue.length(); n != 0 {
		t.Errorf("%d requests still wait", n)
	}
	close(release)
	requests.Wait()
}

// selectApplet is the instruction that begins every connection.
const selectApplet = 0xa4

func TestOneOpeningOfTheCardServes100Signatures(t *testing.T) {
	for _, policy := range []Policy{{}, touchPolicy} {
		t.Run(policy.String(), func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{Policy: policy})
			if err := b.sign(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			b.key.FailTransmit(selectApplet, scardNotTransacted, 1000) // the card cannot be opened a second time
			for range 99 {
				if err := b.sign(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestTheCardIsLetGoOneSecondAfterTheLastSignature(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{})
	for range 2 {
		if err := b.sign(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(releaseAfter - time.Millisecond) // from here on counted anew with every signature
	}
	if err := b.key.Occupy(virtual.OccupyExclusive); err == nil {
		t.Error("another program got the card less than a second after the last signature")
	}
	b.clock.Advance(time.Millisecond)
	testkit.Eventually(t, "another program to get the card", func() bool {
		return b.key.Occupy(virtual.OccupyExclusive) == nil
	})
	b.key.Release()
}

func TestLettingTheCardGoKeepsTouchAndPIN(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: bothPolicy})
	b.person.answers(goodPIN)
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(b.person.counts())
	b.letGo()
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if after := fmt.Sprint(b.person.counts()); after != before {
		t.Errorf("the person was asked %s times and then %s: the card forgot PIN or touch", before, after)
	}
}

func TestClosingTheStoreKeepsTheTouch(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	b.store.Close()
	b.store = b.open()
	again, err := b.store.OpenKey(key.Reference())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.sign(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if touches := b.key.Status().Touches; touches != 1 {
		t.Errorf("the key was touched %d times, want once: a held card must be closed before the worker ends", touches)
	}
}
