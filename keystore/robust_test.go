//go:build linux

package keystore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// Instructions that the tests disturb (virtual-key sheet, 2.3 and 2.4).
const insSign = 0x87

// hurry makes the store's workers count as stuck sooner than they would.
func (b *bench) hurry() {
	b.Helper()
	for _, c := range b.store.plugged() {
		err := c.do(b.Context(), func(context.Context) error {
			c.link.patience = patience{plain: 300 * time.Millisecond, touch: 300 * time.Millisecond}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func TestAnotherProgramThatKeepsTheCardIsNamedAndWaitedFor(t *testing.T) {
	for _, how := range []virtual.Occupation{virtual.OccupyExclusive, virtual.OccupyTransaction} {
		t.Run(string(how), func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{})
			a := b.attend()
			key = b.reopen(key)
			b.hurry()
			if err := b.key.Occupy(how); err != nil {
				t.Fatal(err)
			}
			signed := b.signing(t.Context(), key)
			p := b.awaitWait(a, WaitRelease)
			if p.Card.Serial != key.Serial() {
				t.Errorf("card %d is waited for", p.Card.Serial)
			}
			t.Log(p.Fault.What, p.Fault.Do)
			b.key.Release()
			if err := testkit.Receive(t, "the signature", signed); err != nil {
				t.Error(err)
			}
			b.checkClosed(a)
		})
	}
}

func TestWaitingForAnotherProgramCanBeGivenUp(t *testing.T) {
	for _, how := range []virtual.Occupation{virtual.OccupyExclusive, virtual.OccupyTransaction} {
		t.Run(string(how), func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{})
			a := b.attend()
			key = b.reopen(key)
			b.hurry()
			if err := b.key.Occupy(how); err != nil {
				t.Fatal(err)
			}
			signed := b.signing(t.Context(), key)
			b.awaitWait(a, WaitRelease).giveUp()
			if err := testkit.Receive(t, "the end of the signature", signed); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			b.checkClosed(a)
		})
	}
}

func TestWhoCannotBeToldDoesNotWaitForAnotherProgram(t *testing.T) {
	for _, how := range []virtual.Occupation{virtual.OccupyExclusive, virtual.OccupyTransaction} {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			key := b.prepare(Requirement{})
			b.hurry()
			if err := b.key.Occupy(how); err != nil {
				t.Fatal(err)
			}
			err := b.sign(t.Context(), key)
			if !isKind(err, kindShared) {
				t.Fatalf("got %v, want that the card is shared", err)
			}
			wantFault(t, err, err)
		})
	}
}

func TestAServiceThatRestartsIsWaitedFor(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	a := b.attend()
	key = b.reopen(key)
	b.key.StopService()
	signed := b.signing(t.Context(), key)
	b.awaitWait(a, WaitService)
	if err := b.key.StartService(); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Receive(t, "the signature", signed); err != nil {
		t.Error(err)
	}
	b.checkClosed(a)
}

func TestAServiceThatStopsWhileACardIsHeldOrBlinksIsWaitedFor(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	a := b.attend()
	key = b.reopen(key)
	if err := b.sign(t.Context(), key); err != nil { // from here on the card is held
		t.Fatal(err)
	}
	b.clock.Advance(touchTimeout - releaseAfter/2)
	b.clock.Advance(releaseAfter / 2)
	stopped := false
	b.person.does(func(func()) {
		b.awaitBlinking()
		if !stopped {
			stopped = true
			b.key.StopService()
			return
		}
		b.key.Touch()
	})
	signed := b.signing(t.Context(), key)
	b.awaitWait(a, WaitService)
	if err := b.key.StartService(); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Receive(t, "the signature", signed); err != nil {
		t.Error(err)
	}
	b.checkClosed(a)
}

func TestACardThatIsPulledWhileItBlinksIsWaitedFor(t *testing.T) {
	for _, row := range []struct {
		name      string
		pull, put func(*virtual.Key)
	}{
		{"with its reader", (*virtual.Key).Unplug, (*virtual.Key).Plug},
		{"out of a reader that stays", (*virtual.Key).RemoveCard, (*virtual.Key).InsertCard},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{Policy: touchPolicy})
			a := b.attend()
			key = b.reopen(key)
			b.clock.Advance(touchTimeout)
			pulled := false
			b.person.does(func(func()) {
				b.awaitBlinking()
				if !pulled {
					pulled = true
					row.pull(b.key)
					return
				}
				b.key.Touch()
			})
			signed := b.signing(t.Context(), key)
			b.awaitWait(a, WaitInsert)
			row.put(b.key)
			if err := testkit.Receive(t, "the signature", signed); err != nil {
				t.Error(err)
			}
			if _, _, _, open := b.person.counts(); open != 0 {
				t.Errorf("%d touch prompts are still shown", open)
			}
			b.checkClosed(a)
		})
	}
}

func TestACardThatIsPulledWhileAKeyIsMadeIsWaitedFor(t *testing.T) {
	b := newBench(t)
	a := b.attend()
	pulled := false
	b.person.does(func(func()) {
		b.awaitBlinking()
		if !pulled {
			pulled = true
			b.key.Unplug()
			return
		}
		b.key.Touch()
	})
	made := make(chan error, 1)
	go func() { _, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose); made <- err }()
	b.awaitWait(a, WaitInsert)
	b.key.Plug()
	if err := testkit.Receive(t, "the key", made); err != nil {
		t.Error(err)
	}
}

// TestWhatPassesIsNotNoticed has things go wrong that another try gets over.
func TestWhatPassesIsNotNoticed(t *testing.T) {
	for _, row := range []struct {
		name    string
		disturb func(*bench)
	}{
		{"a transaction that does not exist, on a fresh connection", func(b *bench) {
			b.letGo()
			b.key.FailTransmit(selectApplet, scardNotTransacted, 3)
		}},
		{"a transaction that does not exist, while the card is held", func(b *bench) {
			b.key.FailTransmit(insSign, scardNotTransacted, 3)
		}},
		{"a card that another program reset", func(b *bench) { b.letGo(); b.key.ResetCard() }},
		{"a card that was reset while it is held", func(b *bench) { b.key.FailTransmit(insSign, scardResetCard, 1) }},
		{"a handle that has become invalid", func(b *bench) { b.key.FailTransmit(insSign, scardInvalidHandle, 1) }},
		{"a communication error", func(b *bench) { b.key.FailTransmit(insSign, scardCommError, 1) }},
		{"a card that is pulled and put back while it is held", func(b *bench) { b.key.Unplug(); b.key.Plug() }},
		{"a card that does not know why it cannot", func(b *bench) { b.key.FailCommand(insSign, statusUnexplained, 1) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{})
			if err := b.sign(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			before := b.key.Status().Signatures
			row.disturb(b)
			if err := b.sign(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			if n := b.key.Status().Signatures - before; n != 1 {
				t.Errorf("the card made %d signatures, want 1", n)
			}
		})
	}
}

func TestACardThatIsReclaimedAfterATapIsTriedAgainUnseen(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{})
	b.key.RefuseFor(3 * time.Second)
	signed := b.signing(t.Context(), key)
	go func() { // the card's three seconds pass while the store tries
		for range 30 {
			b.clock.Advance(100 * time.Millisecond)
		}
	}()
	if err := testkit.Receive(t, "the signature", signed); err != nil {
		t.Error(err)
	}
}

func TestAStalledCardIsGivenUpAtOnceWhenCancelled(t *testing.T) {
	for _, policy := range []Policy{{}, touchPolicy} {
		t.Run(policy.String(), func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{Policy: policy})
			timers := b.clock.Timers()
			b.key.Delay(insSign, time.Hour)
			ctx, cancel := context.WithCancel(t.Context())
			signed := b.signing(ctx, key)
			testkit.Eventually(t, "the card to be busy", func() bool { return b.clock.Timers() > timers })
			b.key.Delay(insSign, 0)
			cancel()
			if err := testkit.Receive(t, "the end of the signature", signed); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			b.key.Unplug() // nothing else ends a command in the card
			b.waitFor("no card", func(s Snapshot) bool { return len(s.Cards) == 0 })
			b.key.Plug()
			if err := b.sign(t.Context(), key); err != nil {
				t.Errorf("the next signature: %v", err)
			}
		})
	}
}

func TestASlowCardIsNotATouchToAskFor(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{})
	const long = time.Second
	b.key.Delay(insSign, long)
	signed := b.signing(t.Context(), key)
	timers := b.clock.Timers()
	testkit.Eventually(t, "the signature", func() bool {
		if b.clock.Timers() > timers {
			b.clock.Advance(long)
		}
		select {
		case err := <-signed:
			if err != nil {
				t.Error(err)
			}
			return true
		default:
			return false
		}
	})
	if _, _, touches, _ := b.person.counts(); touches != 0 {
		t.Errorf("a touch was asked for %d times", touches)
	}
}

func TestACardThatAlwaysFailsEndsInAFault(t *testing.T) {
	for _, row := range []struct {
		name    string
		disturb func(*bench)
	}{
		{"with an unknown word", func(b *bench) { b.key.FailCommand(insSign, statusUnexplained, 1000) }},
		{"without a word", func(b *bench) { b.hurry(); b.key.Stall(insSign, 1000) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{})
			row.disturb(b)
			err := b.sign(t.Context(), key)
			if _, ok := fault.As(err); !ok {
				t.Fatalf("got %v, want a fault", err)
			}
			t.Log(err)
		})
	}
}
