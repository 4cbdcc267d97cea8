//go:build linux

package keystore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/keystore/virtual"
)

func TestAKeyOfEachPolicyIsMadeOutsideASignInAndServesOne(t *testing.T) {
	for _, policy := range []Policy{{}, touchPolicy, pinPolicy, bothPolicy} {
		eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
			b := newBenchOf(t, f)
			empty := b.describe().Slot(policy.DefaultSlot()).Contents // an older card is not sure
			made, err := b.store.Generate(t.Context(), Generation{Policy: policy, Overwrite: empty}, purpose)
			if err != nil {
				t.Fatal(err)
			}
			if made.Slot != policy.DefaultSlot() || made.Policy() != policy || made.Owner.Kind != OwnerTouchstone ||
				made.Attestation == nil || made.Attestation.Policy != policy {
				t.Errorf("made %+v, want a key with %s", made, policy)
			}
			b.person.answers(goodPIN)
			key := b.prepare(Requirement{Policy: policy})
			if string(key.attested.PublicKey) != string(made.PublicKey) {
				t.Error("the sign-in made another key")
			}
		})
	}
}

func TestNothingIsOverwrittenButWhatWasNamed(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		b := newBenchOf(t, f)
		b.another("makes a key and a certificate in 9c")
		before := b.describe().Slot(Slot9C)
		for _, overwrite := range []string{"", "unsure", "0123456789abcdef"} {
			_, err := b.store.Generate(t.Context(), Generation{Policy: touchPolicy, Overwrite: overwrite}, purpose)
			if got := wantFault(t, err, ErrSlotTaken).What; !strings.Contains(got, "Jane Doe") {
				t.Errorf("the refusal says %q, want it to name whose certificate it is", got)
			}
		}
		if after := b.describe().Slot(Slot9C); after.Contents != before.Contents {
			t.Fatal("a refused generation has changed the slot")
		}
		_, err := b.store.Generate(t.Context(), Generation{Policy: touchPolicy, Overwrite: before.Contents}, purpose)
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.store.Generate(t.Context(), Generation{Policy: touchPolicy, Overwrite: before.Contents}, purpose)
		wantFault(t, err, ErrSlotTaken)
		if err := b.sign(t.Context(), b.prepare(Requirement{Policy: touchPolicy})); err != nil {
			t.Errorf("signing with the new key: %v", err)
		}
	})
}

func TestAnImportedKeyIsOverwrittenOnlyWhenItIsNamed(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		b := newBenchOf(t, f)
		b.another("imports a marked key into 9c")
		_, err := b.store.Generate(t.Context(), Generation{Policy: touchPolicy}, purpose)
		wantFault(t, err, ErrSlotTaken)
		before := b.describe().Slot(Slot9C).Contents
		if _, err := b.store.Generate(t.Context(), Generation{Policy: touchPolicy, Overwrite: before}, purpose); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAKeyWhoseTouchWasMissedIsCompletedByTheNextGeneration(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.person.does(func(giveUp func()) { giveUp() })
	_, err := b.store.Generate(ctx, Generation{Policy: touchPolicy}, purpose)
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want that it was cancelled", err)
	}
	b.clock.Advance(20 * time.Second) // until then the card waits, and so does whoever asks it
	half := b.describe().Slot(Slot9C)
	if !half.halfMade(touchPolicy) {
		t.Fatalf("the slot holds %+v, want a key without its final marker", half)
	}
	b.person.does(func(func()) { b.key.Touch() })
	made, err := b.store.Generate(t.Context(), Generation{Policy: touchPolicy}, purpose)
	if err != nil || string(made.PublicKey) != string(half.PublicKey) {
		t.Errorf("got %+v, %v, want the key that was made before", made, err)
	}
}

func TestAGenerationWhoseAnswerWasLostIsCompleted(t *testing.T) {
	const generateKey, putData = 0x47, 0xdb
	for name, command := range map[string]byte{"at the key": generateKey, "at the marker": putData} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.another("makes a key and a certificate in 9c")
			before := b.describe().Slot(Slot9C).Contents
			b.key.FailTransmit(command, scardNotTransacted, 1)
			made, err := b.store.Generate(t.Context(), Generation{Policy: touchPolicy, Overwrite: before}, purpose)
			if err != nil && !errors.Is(err, ErrSlotTaken) {
				t.Fatal(err)
			}
			if err == nil && made.Policy() != touchPolicy {
				t.Errorf("made %+v", made)
			}
		})
	}
}

func TestAManagementKeyThatIsNotTheFactoryOneIsSaidBeforeAnythingIsAsked(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		b := newBenchOf(t, f)
		b.another("sets a management key of its own")
		if got := b.describe().Management.Kind; tells(f) && got != ManagementOwn {
			t.Errorf("the management key is described as %s", got)
		}
		empty := b.describe().Slot(Slot9D).Contents
		_, err := b.store.Generate(t.Context(), Generation{Policy: touchPolicy, Slot: Slot9D, Overwrite: empty}, purpose)
		var f2 *failure
		if !errors.As(err, &f2) || f2.Kind != kindManagement {
			t.Errorf("got %v, want that the management key is missing", err)
		}
		if got := b.describe().Slot(Slot9D); got.State != SlotEmpty && got.State != SlotUnsure {
			t.Errorf("the slot was changed: %+v", got)
		}
	})
}

func TestASlotThatHoldsNoKeysOfPeopleIsRefused(t *testing.T) {
	b := newBench(t)
	for _, slot := range []Slot{0xf9, 0x82, 0x9b} {
		if _, err := b.store.Generate(t.Context(), Generation{Slot: slot}, purpose); err == nil {
			t.Errorf("a key was made in slot %s", slot)
		}
	}
}
