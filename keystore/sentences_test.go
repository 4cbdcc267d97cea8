//go:build linux

package keystore

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// mishaps are what can go wrong with a card. Each makes it happen to a virtual key and returns what the person is told:
// the window and the terminal show these two sentences and add none of their own.
var mishaps = []struct {
	name   string
	happen func(*bench) error
}{
	{"a transaction that does not exist, again and again", func(b *bench) error {
		key := b.prepare(Requirement{})
		b.key.FailTransmit(selectApplet, scardNotTransacted, 1000)
		return b.sign(b.Context(), key)
	}},
	{"no smart-card service", func(b *bench) error {
		b.key.StopService()
		b.waitFor("the service to be missed", func(s Snapshot) bool { return s.Problem != nil })
		_, err := b.store.Key(b.Context(), Requirement{}, purpose)
		return err
	}},
	{"no smart-card service, and it is waited for", func(b *bench) error {
		a := b.attend()
		b.key.StopService()
		b.waitFor("the service to be missed", func(s Snapshot) bool { return s.Problem != nil })
		go func() { _, _ = b.store.Key(b.Context(), Requirement{}, purpose) }()
		return b.awaitWait(a, WaitService).Fault
	}},
	{"no card", func(b *bench) error {
		b.pull()
		_, err := b.store.Key(b.Context(), Requirement{}, purpose)
		return err
	}},
	{"another card than the key's", func(b *bench) error {
		key := b.prepare(Requirement{})
		b.beside()
		b.pull()
		return b.sign(b.Context(), key)
	}},
	{"no card, and one is waited for", func(b *bench) error {
		a := b.attend()
		b.pull()
		go func() { _, _ = b.store.Key(b.Context(), Requirement{}, purpose) }()
		return b.awaitWait(a, WaitInsert).Fault
	}},
	{"another card than the key's, which is waited for", func(b *bench) error {
		key := b.prepare(Requirement{})
		other := b.beside()
		a := b.attend()
		b.pull()
		b.signing(b.Context(), b.reopen(key))
		told := b.awaitWait(a, WaitInsert).Fault
		told.What = strings.ReplaceAll(told.What, fmt.Sprint(other.Status().Serial), "87654321")
		return told
	}},
	{"a card that another program keeps", func(b *bench) error {
		key := b.prepare(Requirement{})
		return b.occupied(key, virtual.OccupyExclusive)
	}},
	{"a card that another program has a transaction with", func(b *bench) error {
		key := b.prepare(Requirement{})
		return b.occupied(key, virtual.OccupyTransaction)
	}},
	{"a card that is pulled while it blinks", func(b *bench) error {
		key := b.prepare(Requirement{Policy: touchPolicy})
		b.clock.Advance(touchTimeout)
		b.person.does(func(func()) { b.awaitBlinking(); b.key.Unplug() })
		return b.sign(b.Context(), key)
	}},
	{"a card that refuses to wait for a touch", func(b *bench) error {
		key := b.prepare(Requirement{Policy: touchPolicy})
		b.key.FailCommand(insSign, statusNotSatisfied, 1000)
		return b.sign(b.Context(), key)
	}},
	{"a wrong PIN, twice", func(b *bench) error { return b.wrongPINs("111111", "222222") }},
	{"a blocked PIN", func(b *bench) error {
		key := b.prepare(Requirement{Policy: pinPolicy})
		b.forgetVerifiedPIN()
		b.person.answers("111111", "222222", "333333")
		_ = b.sign(b.Context(), key) // ends before the last attempt
		return b.sign(b.Context(), key)
	}},
	{"a wrong PUK", func(b *bench) error { return b.setUpWith("99999999") }},
	{"a blocked PUK", func(b *bench) error {
		for range 2 {
			_ = b.setUpWith("99999999")
		}
		return b.setUpWith("99999999")
	}},
	{"a PIN that is too long", func(*bench) error { return CheckNewPIN([]byte("123456789")) }},
	{"the factory PIN", func(b *bench) error {
		key := b.prepare(Requirement{Policy: pinPolicy})
		b.forgetVerifiedPIN()
		b.person.answers(factoryPIN)
		return b.sign(b.Context(), key)
	}},
	{"a slot that another program has changed", func(b *bench) error {
		key := b.prepare(Requirement{Policy: touchPolicy})
		b.another("replaces the key in 9c")
		return b.sign(b.Context(), key)
	}},
	{"a card that does not answer", func(b *bench) error {
		key := b.prepare(Requirement{})
		b.hurry()
		b.key.Stall(insSign, 1000)
		return b.sign(b.Context(), key)
	}},
	{"a card that does not know why it cannot", func(b *bench) error {
		key := b.prepare(Requirement{})
		b.key.FailCommand(insSign, statusUnexplained, 1000)
		return b.sign(b.Context(), key)
	}},
	{"a store that was closed", func(b *bench) error {
		key := b.prepare(Requirement{})
		b.store.Close()
		return b.sign(b.Context(), key)
	}},
}

// TestEveryMishapIsToldInTwoSentences compares with testdata/sentences.golden; -update rewrites it.
func TestEveryMishapIsToldInTwoSentences(t *testing.T) {
	told := make([]string, len(mishaps))
	t.Run("all", func(t *testing.T) {
		for i, m := range mishaps {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				f, ok := fault.As(m.happen(b))
				if !ok {
					t.Fatal("it is no fault")
				}
				text := fmt.Sprintf("%s\n\t%s\n\t%s\n", m.name, f.What, f.Do)
				told[i] = strings.ReplaceAll(text, fmt.Sprint(b.key.Status().Serial), "12345678")
			})
		}
	})
	testkit.Golden(t, "sentences.golden", []byte(strings.Join(told, "\n")))
}

// pull unplugs the bench's card and waits until the store knows.
func (b *bench) pull() {
	b.Helper()
	serial := b.key.Status().Serial
	b.key.Unplug()
	b.waitFor("the card to be gone", func(s Snapshot) bool {
		return !slices.ContainsFunc(s.Cards, func(c CardState) bool { return c.Serial == serial || c.Serial == 0 })
	})
}

// occupied has another program keep the card, and returns what the person is told who waits for a signature.
func (b *bench) occupied(key *Key, how virtual.Occupation) error {
	a := b.attend()
	key = b.reopen(key)
	b.hurry()
	if err := b.key.Occupy(how); err != nil {
		b.Fatal(err)
	}
	signed := b.signing(b.Context(), key)
	p := b.awaitWait(a, WaitRelease)
	p.giveUp()
	_ = testkit.Receive(b, "the end of the signature", signed) // it was given up
	return p.Fault
}

// wrongPINs has somebody sign who does not know the PIN.
func (b *bench) wrongPINs(pins ...string) error {
	key := b.prepare(Requirement{Policy: pinPolicy})
	b.forgetVerifiedPIN()
	b.person.answers(pins...)
	return b.sign(b.Context(), key)
}

// setUpWith sets a PIN on a card whose PUK is another one.
func (b *bench) setUpWith(puk string) error {
	if b.key.Status().PUKTries == 3 {
		b.another("sets a PUK")
	}
	pin, wrong := secret.New([]byte(goodPIN)), secret.New([]byte(puk))
	defer pin.Wipe()
	defer wrong.Wipe()
	return b.store.SetPINAndPUK(b.Context(), b.key.Status().Serial, pin, wrong)
}
