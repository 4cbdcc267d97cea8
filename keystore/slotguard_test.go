//go:build linux

package keystore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// decider is the part of a person that decides about slots; by default everything is left as it is.
type decider struct {
	deciding sync.Mutex
	decide   func(SlotPrompt) (SlotAnswer, error)
	slots    []SlotPrompt

	manage   func(ManagementPrompt) (string, error) // nobody is there to ask if nil
	managing []ManagementPrompt
}

func (d *decider) AskManagementKey(_ context.Context, p ManagementPrompt) (*secret.Bytes, error) {
	d.deciding.Lock()
	defer d.deciding.Unlock()
	d.managing = append(d.managing, p)
	if d.manage == nil {
		return nil, errors.New("nobody to ask")
	}
	typed, err := d.manage(p)
	return secret.New([]byte(typed)), err
}

func (d *decider) AskSlot(_ context.Context, p SlotPrompt) (SlotAnswer, error) {
	d.deciding.Lock()
	defer d.deciding.Unlock()
	d.slots = append(d.slots, p)
	if d.decide == nil {
		return SlotAnswer{}, nil
	}
	return d.decide(p)
}

// decides makes the person answer like this whenever a slot is taken.
func (d *decider) decides(answer SlotAnswer) {
	d.decide = func(SlotPrompt) (SlotAnswer, error) { return answer, nil }
}

func init() {
	otherPrograms["makes a key with touch in 9c"] = func(yk *piv.YubiKey) error {
		_, err := yk.GenerateKey(piv.DefaultManagementKey, piv.SlotSignature, keyOptions(Policy{Touch: true}))
		return err
	}
	otherPrograms["fills every slot"] = func(yk *piv.YubiKey) error {
		for _, slot := range pivSlots {
			if _, err := yk.GenerateKey(piv.DefaultManagementKey, slot, keyOptions(Policy{})); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestATakenSlotIsShownWithItsOwnerAndWhatIsFree(t *testing.T) {
	b := newBench(t)
	b.another("makes a key and a certificate in 9c")
	_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose)
	f := wantFault(t, err, ErrSlotTaken)
	if len(b.person.slots) != 1 {
		t.Fatalf("the person was asked %d times, want once", len(b.person.slots))
	}
	p := b.person.slots[0]
	if p.Card.Serial != b.key.Status().Serial || p.Purpose != purpose || p.Want != touchPolicy || p.Why.What != f.What {
		t.Errorf("the question is %+v", p)
	}
	found := p.Found
	if found.Slot != Slot9C || found.Owner.Kind != OwnerForeign || found.Certificate == nil ||
		found.Certificate.Subject.CommonName != "Jane Doe" || found.Touch != TouchNever || p.Usable {
		t.Errorf("the slot is shown as %+v, usable %t", found, p.Usable)
	}
	if want := []Slot{Slot9A, Slot9D, Slot9E}; !slices.Equal(p.Free, want) {
		t.Errorf("%v are offered, want %v", p.Free, want)
	}
	if !strings.Contains(f.What, "which does not ask for touch as is required") {
		t.Errorf("the fault says %q, want it to say what is missing", f.What)
	}
}

func TestAFreeSlotIsTakenInstead(t *testing.T) {
	b := newBench(t)
	b.another("makes a key and a certificate in 9c")
	before := b.slot(Slot9C)
	b.person.decides(SlotAnswer{Decision: SlotElsewhere, Slot: Slot9E})
	key := b.prepare(Requirement{Policy: touchPolicy})
	if key.Slot() != Slot9E || key.Policy() != touchPolicy {
		t.Errorf("the key is in slot %s with %s", key.Slot(), key.Policy())
	}
	if after := b.slot(Slot9C); string(after.Certificate) != string(before.Certificate) {
		t.Error("the taken slot was changed")
	}
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing: %v", err)
	}
}

func TestASlotThatWasNotOfferedIsRefused(t *testing.T) {
	b := newBench(t)
	b.another("makes a key and a certificate in 9c")
	for _, answer := range []SlotAnswer{
		{Decision: SlotElsewhere, Slot: Slot9C}, {Decision: SlotElsewhere, Slot: 0x82}, {Decision: SlotUse}, {Decision: "burn"},
	} {
		b.person.decides(answer)
		_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose)
		wantFault(t, err, ErrSlotTaken)
	}
}

func TestWhatThePersonGivesUpIsOverwritten(t *testing.T) {
	for _, firmware := range virtual.Firmwares() {
		for _, holds := range []string{
			"makes a key and a certificate in 9c", "makes a key without a certificate in 9c", "imports a marked key into 9c",
		} {
			t.Run(firmware.String()+"/"+holds, func(t *testing.T) {
				b := newBenchOf(t, firmware)
				b.another(holds)
				b.person.decides(SlotAnswer{Decision: SlotOverwrite})
				key := b.prepare(Requirement{Policy: touchPolicy})
				if key.Slot() != Slot9C || key.Policy() != touchPolicy {
					t.Errorf("the key is in slot %s with %s", key.Slot(), key.Policy())
				}
				if marker, err := certificateOf(b.slot(Slot9C)); err != nil || !isMarker(marker) {
					t.Errorf("the slot is not marked: %v", err)
				}
				if err := b.sign(t.Context(), key); err != nil {
					t.Errorf("signing: %v", err)
				}
			})
		}
	}
}

func TestNothingIsOverwrittenButWhatThePersonSaw(t *testing.T) {
	b := newBench(t)
	b.another("makes a key and a certificate in 9c")
	asked := 0
	b.person.decide = func(SlotPrompt) (SlotAnswer, error) {
		if asked++; asked > 1 {
			return SlotAnswer{}, nil
		}
		b.another("replaces the key in 9c")
		return SlotAnswer{Decision: SlotOverwrite}, nil
	}
	_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose)
	wantFault(t, err, ErrSlotTaken)
	if asked != 2 {
		t.Errorf("the person was asked %d times, want again about what is there now", asked)
	}
}

func TestAMissedTouchAfterOverwritingLeavesNothingOfOthersBehindForUs(t *testing.T) {
	b := newBench(t)
	b.another("makes a key with touch in 9c")
	b.person.decides(SlotAnswer{Decision: SlotOverwrite})
	b.person.does(func(cancel func()) { cancel() })
	before := b.describe().Slot(Slot9C).PublicKey
	if _, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose); err == nil {
		t.Fatal("the key was completed without a touch")
	}
	b.clock.Advance(touchTimeout)
	b.person.decides(SlotAnswer{})
	b.person.does(func(func()) { b.key.Touch() })
	key := b.prepare(Requirement{Policy: touchPolicy})
	if string(key.Reference().PublicKey) == string(before) {
		t.Error("the key of the other program is used as ours")
	}
}

func TestAGoodKeyOfAnotherProgramIsUsedWhereItsSlotWasChosen(t *testing.T) {
	for name, slot := range map[string]Slot{"chosen": Slot9C, "usual": 0} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.another("makes a key with touch in 9c")
			there := b.describe().Slot(Slot9C)
			b.person.decides(SlotAnswer{Decision: SlotUse})
			key := b.prepare(Requirement{Policy: touchPolicy, Slot: slot})
			if string(key.Reference().PublicKey) != string(there.PublicKey) {
				t.Error("the key is another one")
			}
			if asked := len(b.person.slots); (asked == 1) != (slot == 0) {
				t.Errorf("the person was asked %d times", asked)
			}
			if b.describe().Slot(Slot9C).Contents != there.Contents {
				t.Error("the slot was changed")
			}
			if err := b.sign(t.Context(), key); err != nil {
				t.Errorf("signing: %v", err)
			}
		})
	}
}

func TestAKeyThatLacksSomethingIsRefusedEvenWhereItsSlotWasChosen(t *testing.T) {
	b := newBench(t)
	b.another("makes a key with touch in 9c")
	_, err := b.store.Key(t.Context(), Requirement{Policy: bothPolicy, Slot: Slot9C}, purpose)
	if f := wantFault(t, err, ErrSlotTaken); !strings.Contains(f.What, "does not ask for PIN") {
		t.Errorf("the fault says %q, want it to name the PIN", f.What)
	}
	if pins, _, _, _ := b.person.counts(); pins != 0 {
		t.Error("a PIN was asked for a key that cannot be used")
	}
}

func TestWhereEverySlotIsTakenNoneIsOffered(t *testing.T) {
	b := newBench(t)
	b.another("fills every slot")
	_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose)
	wantFault(t, err, ErrSlotTaken)
	if got := b.person.slots[0].Free; len(got) != 0 {
		t.Errorf("%v are offered", got)
	}
}

func TestTheUsualSlotIsOfferedFirst(t *testing.T) {
	b := newBench(t)
	b.prepare(Requirement{Slot: Slot9A})
	_, err := b.store.Key(t.Context(), Requirement{Policy: bothPolicy, Slot: Slot9A}, purpose)
	f := wantFault(t, err, ErrSlotTaken)
	if !strings.Contains(f.What, "made by Touchstone, asks for neither touch nor PIN, but touch and PIN are required") {
		t.Errorf("the fault says %q", f.What)
	}
	if want := []Slot{Slot9D, Slot9C, Slot9E}; !slices.Equal(b.person.slots[0].Free, want) {
		t.Errorf("%v are offered, want %v", b.person.slots[0].Free, want)
	}
}

func TestARefusedQuestionAboutASlotIsARefusal(t *testing.T) {
	b := newBench(t)
	b.another("makes a key and a certificate in 9c")
	ctx, cancel := context.WithCancel(t.Context())
	b.person.decide = func(SlotPrompt) (SlotAnswer, error) { cancel(); return SlotAnswer{}, context.Canceled }
	if _, err := b.store.Key(ctx, Requirement{Policy: touchPolicy}, purpose); err == nil || strings.Contains(err.Error(), "Slot") {
		t.Errorf("a refused question gives %v, want the refusal", err)
	}
}
