//go:build linux

package keystore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// otherPIN and otherPUK are what secrets are changed to.
const (
	otherPIN = "4&qX~ z!"
	otherPUK = "97531864"
)

// text is a secret of a test; its memory goes with the process.
func text(s string) *secret.Bytes { return secret.New([]byte(s)) }

// changing is a card whose owner changes something.
type changing struct {
	*bench
	serial uint32
}

func newChanging(t testing.TB, firmware virtual.Firmware) changing {
	b := newBenchOf(t, firmware)
	return changing{b, b.key.Status().Serial}
}

func (c changing) pin(was, pin string, last LastAttempt) error {
	return c.store.ChangePIN(c.Context(), c.serial, text(was), text(pin), last)
}

func (c changing) puk(was, puk string, last LastAttempt) error {
	return c.store.ChangePUK(c.Context(), c.serial, text(was), text(puk), last)
}

func (c changing) unblock(puk, pin string, last LastAttempt) error {
	return c.store.UnblockPIN(c.Context(), c.serial, text(puk), text(pin), last)
}

// must fails the test if a step that should work did not.
func (c changing) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func eachFirmware(t *testing.T, test func(t *testing.T, f virtual.Firmware)) {
	for _, firmware := range virtual.Firmwares() {
		t.Run(firmware.String(), func(t *testing.T) {
			t.Parallel()
			test(t, firmware)
		})
	}
}

func TestPINAndPUKAreChangedAndThePINIsSetWithThePUK(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		c := newChanging(t, f)
		c.must(c.pin(factoryPIN, otherPIN, KeepLast))
		c.must(c.puk(factoryPUK, goodPUK, KeepLast))
		c.must(c.unblock(goodPUK, goodPIN, KeepLast))
		c.another("checks PIN and PUK")
		if got := c.describe(); tells(f) && (got.PIN.Ownership != OwnershipOwn || got.PUK.Ownership != OwnershipOwn) {
			t.Errorf("PIN and PUK are described as %+v and %+v, want them own", got.PIN, got.PUK)
		}
	})
}

func TestTheLastAttemptIsSpentOnlyWhenItIsSaid(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		c := newChanging(t, f)
		var wrongPIN *WrongPINError
		for _, left := range []int{2, 1} {
			if err := c.pin("111111", otherPIN, KeepLast); !errors.As(err, &wrongPIN) || wrongPIN.AttemptsLeft != left {
				t.Fatalf("a wrong PIN gives %v, want %d attempts left", err, left)
			}
		}
		wantFault(t, c.pin("222222", otherPIN, KeepLast), ErrLastAttempt)
		wantFault(t, c.pin(factoryPIN, otherPIN, KeepLast), ErrLastAttempt)
		if got := c.key.Status().PINTries; got != 1 {
			t.Fatalf("%d attempts are left for the PIN, want 1: the last one was not to be spent", got)
		}
		wantFault(t, c.pin("333333", otherPIN, SpendLast), ErrPINBlocked)
		wantFault(t, c.pin(factoryPIN, otherPIN, SpendLast), ErrPINBlocked)
		c.must(c.unblock(factoryPUK, otherPIN, KeepLast))
		c.must(c.pin(otherPIN, goodPIN, KeepLast))

		var wrongPUK *WrongPUKError
		for _, left := range []int{2, 1} {
			if err := c.unblock("11111111", otherPIN, KeepLast); !errors.As(err, &wrongPUK) || wrongPUK.AttemptsLeft != left {
				t.Fatalf("a wrong PUK gives %v, want %d attempts left", err, left)
			}
		}
		wantFault(t, c.puk("22222222", otherPUK, KeepLast), ErrLastAttempt)
		if got := c.key.Status().PUKTries; got != 1 {
			t.Fatalf("%d attempts are left for the PUK, want 1: the last one was not to be spent", got)
		}
		if got := c.describe().PUK.AttemptsLeft; got != 1 {
			t.Errorf("the PUK is described with %d attempts left, want 1", got)
		}
		wantFault(t, c.puk("33333333", otherPUK, SpendLast), ErrPUKBlocked)
		wantFault(t, c.unblock(factoryPUK, otherPIN, SpendLast), ErrPUKBlocked)
	})
}

func TestTheLastAttemptIsGoodForTheRightSecret(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		c := newChanging(t, f)
		for range 2 {
			_ = c.pin("111111", otherPIN, KeepLast)
			_ = c.puk("11111111", otherPUK, KeepLast)
		}
		c.must(c.pin(factoryPIN, goodPIN, SpendLast))
		c.must(c.puk(factoryPUK, goodPUK, SpendLast))
		c.another("checks PIN and PUK")
		if got := c.key.Status(); got.PINTries != 3 || got.PUKTries != 3 {
			t.Errorf("%d and %d attempts are left, want 3 each", got.PINTries, got.PUKTries)
		}
	})
}

func TestAChangeThatCannotWorkCostsNoAttempt(t *testing.T) {
	c := newChanging(t, virtual.DefaultFirmware)
	for name, err := range map[string]error{
		"a short present PIN":     c.pin("12345", goodPIN, KeepLast),
		"a long present PIN":      c.pin("123456789", goodPIN, KeepLast),
		"an empty present PUK":    c.puk("", goodPUK, KeepLast),
		"a short new PIN":         c.pin(factoryPIN, "12345", KeepLast),
		"the factory PIN again":   c.pin(factoryPIN, factoryPIN, KeepLast),
		"the factory PUK again":   c.puk(factoryPUK, factoryPUK, KeepLast),
		"a new PUK with accents":  c.puk(factoryPUK, "geheimü", KeepLast),
		"a PIN that is the PUK":   c.unblock(goodPUK, goodPUK, KeepLast),
		"no PUK to unblock with":  c.unblock("", goodPIN, KeepLast),
		"a long PIN to unblock":   c.unblock(factoryPUK, "123456789", KeepLast),
		"a card that is not here": c.store.ChangePIN(t.Context(), 1, text(factoryPIN), text(goodPIN), KeepLast),
	} {
		if f, ok := fault.As(err); !ok || f.What == "" || f.Do == "" {
			t.Errorf("%s gives %v, want a refusal in two sentences", name, err)
		}
	}
	if got := c.key.Status(); got.PINTries != 3 || got.PUKTries != 3 {
		t.Errorf("%d and %d attempts are left, want 3 each", got.PINTries, got.PUKTries)
	}
}

func TestAChangedPINIsForgotten(t *testing.T) {
	c := newChanging(t, virtual.DefaultFirmware)
	c.prepare(Requirement{Policy: pinPolicy, PINCacheTTL: maxPINCacheTTL})
	if c.waitForCard().PINCachedUntil.IsZero() {
		t.Fatal("the PIN is not cached to begin with")
	}
	c.must(c.pin(goodPIN, otherPIN, KeepLast))
	if got := c.store.Snapshot().Cards[0].PINCachedUntil; !got.IsZero() {
		t.Errorf("the old PIN is cached until %v", got)
	}
}

// TestAChangeWhoseAnswerWasLostIsNotRepeated breaks the connection at the command itself: the second try would show the
// old secret to a card that has the new one.
func TestAChangeWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	const changeReference, resetRetry = 0x24, 0x2c
	for _, row := range []struct {
		name    string
		command byte
		do      func(c changing) error
		tries   string
	}{
		{"PIN", changeReference, func(c changing) error { return c.pin(factoryPIN, goodPIN, KeepLast) }, "Try the new PIN"},
		{"PUK", changeReference, func(c changing) error { return c.puk(factoryPUK, goodPUK, KeepLast) }, "Try the new PUK"},
		{"unblocking", resetRetry, func(c changing) error { return c.unblock(factoryPUK, goodPIN, KeepLast) }, "Try the new PIN"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newChanging(t, virtual.DefaultFirmware)
			c.key.FailTransmit(row.command, scardNotTransacted, 1)
			f, ok := fault.As(row.do(c))
			if !ok || !strings.Contains(f.Do, row.tries) {
				t.Fatalf("got %v, want advice on what to try", f)
			}
			if got := c.key.Status(); got.PINTries != 3 || got.PUKTries != 3 {
				t.Errorf("%d and %d attempts are left, want 3 each", got.PINTries, got.PUKTries)
			}
			c.must(row.do(c))
		})
	}
}

func TestAResetDestroysEverythingInThePIVApplicationAndSaysWhat(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		c := newChanging(t, f)
		c.prepare(Requirement{Policy: bothPolicy, PINCacheTTL: maxPINCacheTTL})
		destroyed, err := c.store.ResetPIV(t.Context(), c.serial, fmt.Sprint(c.serial))
		c.must(err)
		if got := destroyed.Slot(Slot9D); got.State != SlotKey || got.Owner.Kind != OwnerTouchstone {
			t.Errorf("the reset says that it destroyed %+v in 9d", got)
		}
		got := c.describe()
		if slot := got.Slot(Slot9D); slot.State == SlotKey || got.Device == nil {
			t.Errorf("after the reset the card has %+v in 9d, and device certificate %v", slot, got.Device)
		}
		if card := c.waitForCard(); !card.PINCachedUntil.IsZero() || card.PINAttempts != 3 || card.PINIsDefault != tells(f) {
			t.Errorf("after the reset the card is shown as %+v", card)
		}
		c.must(c.pin(factoryPIN, goodPIN, KeepLast))
		c.prepare(Requirement{Policy: touchPolicy})
	})
}

func TestACardWithEverythingBlockedCanBeReset(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		c := newChanging(t, f)
		for range 3 {
			_ = c.pin("111111", otherPIN, SpendLast)
			_ = c.puk("11111111", otherPUK, SpendLast)
		}
		wantFault(t, c.unblock(factoryPUK, goodPIN, SpendLast), ErrPUKBlocked)
		_, err := c.store.ResetPIV(t.Context(), c.serial, fmt.Sprint(c.serial))
		c.must(err)
		c.must(c.puk(factoryPUK, goodPUK, KeepLast))
	})
}

func TestAResetThatIsNotConfirmedDoesNothing(t *testing.T) {
	c := newChanging(t, virtual.DefaultFirmware)
	for _, confirm := range []string{"", "yes", fmt.Sprint(c.serial + 1), fmt.Sprint(c.serial) + " "} {
		_, err := c.store.ResetPIV(t.Context(), c.serial, confirm)
		wantFault(t, err, ErrNotConfirmed)
	}
	_, err := c.store.ResetPIV(t.Context(), 0, "0")
	wantFault(t, err, ErrNotConfirmed)
	_, err = c.store.ResetPIV(t.Context(), 1, "1")
	wantFault(t, err, ErrNoCard)
	if got := c.key.Status(); got.PINTries != 3 || got.PUKTries != 3 {
		t.Errorf("%d and %d attempts are left, want 3 each", got.PINTries, got.PUKTries)
	}
}
