//go:build linux

package keystore

import (
	"errors"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
)

func TestANewCardSaysThatItsSecretsAreTheFactoryOnes(t *testing.T) {
	b := newBench(t)
	got := b.waitForCard()
	if !got.Known || !got.PINIsDefault || !got.PUKIsDefault || got.PINAttempts != 3 || got.PUKAttempts != 3 {
		t.Errorf("the card is shown as %+v, want factory PIN and PUK with 3 attempts each", got)
	}
	if got.Model != "YubiKey 5C NFC" || got.Firmware != "5.4.3" {
		t.Errorf("the card is shown as a %s with firmware %s", got.Model, got.Firmware)
	}
}

func TestAKeyWithPINSetsPINAndPUKUpFirst(t *testing.T) {
	b := newBench(t)
	b.prepare(Requirement{Policy: bothPolicy})
	if len(b.person.asked) != 1 || !b.person.asked[0].MayBeDefault || b.person.asked[0].Slot != Slot9D ||
		b.person.asked[0].Purpose != purpose {
		t.Errorf("the PIN was asked for as %+v, want once, for 9d, with the factory PIN possible", b.person.asked)
	}
	if len(b.person.askedNew) != 1 || !b.person.askedNew[0].PUKIsDefault {
		t.Errorf("a new PIN was asked for as %+v, want once, with a new PUK", b.person.askedNew)
	}
	got := b.waitForCard()
	if got.PINIsDefault || got.PUKIsDefault {
		t.Errorf("the card is shown as %+v, want a PIN and a PUK of its own", got)
	}
	b.another("checks PIN and PUK")
}

func TestTheFactoryPINIsTheSameTypedOrLeftEmpty(t *testing.T) {
	b := newBench(t)
	b.person.answers(factoryPIN)
	b.prepare(Requirement{Policy: pinPolicy})
	if _, newPINs, _, _ := b.person.counts(); newPINs != 1 {
		t.Errorf("a new PIN was asked for %d times, want once", newPINs)
	}
}

func TestBadNewSecretsAreRefusedWithTheReasonAndAskedForAgain(t *testing.T) {
	b := newBench(t)
	b.person.newPINs = []newPIN{
		{factoryPIN, goodPUK}, {"12345", goodPUK}, {"123456789", goodPUK}, {"geheimüß", goodPUK},
		{goodPIN, factoryPUK}, {goodPIN, goodPIN}, {goodPIN, "1234"}, {goodPIN, goodPUK},
	}
	b.prepare(Requirement{Policy: pinPolicy})
	if got := len(b.person.askedNew); got != 8 {
		t.Fatalf("a new PIN was asked for %d times, want 8", got)
	}
	for i, prompt := range b.person.askedNew {
		if (prompt.Problem == "") != (i == 0) {
			t.Errorf("question %d says problem %q", i, prompt.Problem)
		}
	}
	if got := b.key.Status(); got.PUKTries != 3 || got.PINTries != 3 {
		t.Errorf("bad new secrets cost attempts: %+v", got)
	}
}

func TestANewPINOnACardWithAPUKOfItsOwnNeedsThatPUK(t *testing.T) {
	b := newBench(t)
	b.another("sets a PUK")
	b.person.newPINs = []newPIN{{goodPIN, "11111111"}, {goodPIN, goodPUK}}
	b.prepare(Requirement{Policy: pinPolicy})
	got := b.person.askedNew
	if len(got) != 2 || got[0].PUKIsDefault || !strings.Contains(got[1].Problem, "2 attempts left") {
		t.Errorf("a new PIN was asked for as %+v, want the present PUK, and again after a wrong one", got)
	}
	b.another("checks PIN and PUK")
}

func TestAFactoryPUKIsReplacedEvenWhereThePINIsNot(t *testing.T) {
	b := newBench(t)
	b.another("sets a PIN")
	b.person.answers(goodPIN)
	b.prepare(Requirement{Policy: pinPolicy})
	if prompt := b.person.asked[0]; prompt.MayBeDefault {
		t.Error("the prompt says that the PIN may be the factory one, which the card denies")
	}
	b.another("checks PIN and PUK")
}

func TestAnEmptyPINCostsNoAttempt(t *testing.T) {
	b := newBench(t)
	b.another("sets a PIN")
	_, err := b.store.Key(t.Context(), Requirement{Policy: pinPolicy}, purpose)
	if _, ok := fault.As(err); !ok {
		t.Errorf("got %v, want a fault", err)
	}
	if tries := b.key.Status().PINTries; tries != 3 {
		t.Errorf("the card has %d attempts left, want 3", tries)
	}
}

func TestTheWizardSetsPINAndPUKOnce(t *testing.T) {
	b := newBench(t)
	pin, puk := secret.New([]byte(goodPIN)), secret.New([]byte(goodPUK))
	serial := b.waitForCard().Serial
	err := b.store.SetPINAndPUK(t.Context(), serial, secret.New([]byte(factoryPIN)), puk)
	if _, ok := fault.As(err); !ok {
		t.Errorf("setting the factory PIN gives %v, want a fault", err)
	}
	if err := b.store.SetPINAndPUK(t.Context(), serial, pin, puk); err != nil {
		t.Fatalf("setting PIN and PUK: %v", err)
	}
	if got := b.waitForCard(); got.PINIsDefault || got.PUKIsDefault {
		t.Errorf("the card is shown as %+v, want a PIN and a PUK of its own", got)
	}
	b.another("checks PIN and PUK")
	err = b.store.SetPINAndPUK(t.Context(), serial, secret.New([]byte("975310")), puk)
	if f, ok := fault.As(err); !ok || !strings.Contains(f.What, "already") {
		t.Errorf("setting them again gives %v, want a refusal", err)
	}
	if pin.Len() == 0 || puk.Len() == 0 {
		t.Error("the secrets were wiped although they are the caller's")
	}
	if err := b.store.SetPINAndPUK(t.Context(), 1, pin, puk); !errors.Is(err, ErrNoCard) {
		t.Errorf("setting them on another card gives %v, want that it is missing", err)
	}
}

func TestRefreshShowsWhatAnotherProgramDid(t *testing.T) {
	b := newBench(t)
	b.another("sets a PIN")
	if err := b.store.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.store.Snapshot().Cards; len(got) != 1 || got[0].PINIsDefault {
		t.Errorf("the cards are shown as %+v, want one whose PIN is not the factory one", got)
	}
}
