//go:build linux

package keystore

import (
	"crypto/ecdsa"
	"errors"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
)

func TestASlotThatIsNotOursIsRefusedWithWhatIsInIt(t *testing.T) {
	rows := []struct {
		does string
		says string
	}{
		{"makes a key and a certificate in 9c", `a certificate for "CN=Jane Doe" with an ECDSA P-256 key`},
		{"makes a key without a certificate in 9c", "a key without a certificate (ECDSA P-256)"},
		{"imports a marked key into 9c", "an imported ECDSA P-256 key, which cannot be attested"},
	}
	for _, row := range rows {
		t.Run(row.does, func(t *testing.T) {
			b := newBench(t)
			b.another(row.does)
			before := b.slot(Slot9C)
			_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose)
			f := wantFault(t, err, ErrSlotTaken)
			for _, part := range []string{"9c", row.says, b.waitForCard().String()} {
				if !strings.Contains(f.What, part) {
					t.Errorf("the fault says %q, want it to name %q", f.What, part)
				}
			}
			if after := b.slot(Slot9C); string(after.Certificate) != string(before.Certificate) ||
				after.Algorithm != before.Algorithm {
				t.Errorf("the slot was changed from %+v to %+v", before, after)
			}
			if _, _, touches, _ := b.person.counts(); touches != 0 {
				t.Errorf("the person was asked for %d touches for a slot that cannot be used", touches)
			}
			key := b.prepare(Requirement{Policy: touchPolicy, Slot: Slot9A})
			if key.Slot() != Slot9A || key.Policy() != touchPolicy {
				t.Errorf("got slot %s with %s, want the free slot 9a with touch", key.Slot(), key.Policy())
			}
		})
	}
}

func TestAMarkedSlotWithoutAKeyIsFilled(t *testing.T) {
	b := newBench(t)
	b.another("marks an empty 9c")
	if err := b.sign(t.Context(), b.prepare(Requirement{Policy: touchPolicy})); err != nil {
		t.Errorf("signing: %v", err)
	}
}

func TestAnExistingKeyIsReusedWithoutAskingForAnything(t *testing.T) {
	for _, policy := range []Policy{{}, touchPolicy, pinPolicy, bothPolicy} {
		t.Run(policy.String(), func(t *testing.T) {
			b := newBench(t)
			first := b.prepare(Requirement{Policy: policy})
			pins, newPINs, touches, _ := b.person.counts()
			second := b.prepare(Requirement{Policy: policy, Serial: b.key.Status().Serial})
			if !first.Public().(*ecdsa.PublicKey).Equal(second.Public()) {
				t.Error("the second key is another one")
			}
			if p, n, touched, _ := b.person.counts(); p != pins || n != newPINs || touched != touches {
				t.Errorf("the person was asked for %d PINs, %d new PINs and %d touches to reuse a key",
					p-pins, n-newPINs, touched-touches)
			}
		})
	}
}

func TestAKeyWithMoreThanRequiredIsGoodEnoughAndOneWithLessIsRefused(t *testing.T) {
	b := newBench(t)
	both := b.prepare(Requirement{Policy: bothPolicy})
	if key := b.prepare(Requirement{Policy: touchPolicy, Slot: Slot9D}); !both.public.Equal(key.Public()) {
		t.Error("a key with touch and PIN was not reused where a touch is required")
	}
	b.prepare(Requirement{Policy: touchPolicy})
	_, err := b.store.Key(t.Context(), Requirement{Policy: bothPolicy, Slot: Slot9C}, purpose)
	wantFault(t, err, ErrSlotTaken)
}

func TestAReplacedKeyIsNoticedBeforeAnybodyIsAsked(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.another("replaces the key in 9c")
	_, _, before, _ := b.person.counts()
	wantFault(t, b.sign(t.Context(), key), ErrSlotChanged)
	if _, _, touches, _ := b.person.counts(); touches != before {
		t.Error("the person was asked to touch a key that is of no use")
	}
}

func TestAManagementKeyOfItsOwnIsAFaultOfItsOwn(t *testing.T) {
	b := newBench(t)
	b.another("sets a management key of its own")
	_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy}, purpose)
	f, ok := fault.As(err)
	if !ok || !strings.Contains(f.What, "management key") {
		t.Errorf("got %v, want a fault that names the management key", err)
	}
}

func TestACardThatIsNotThereIsNamed(t *testing.T) {
	b := newBench(t)
	_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy, Serial: 1}, purpose)
	if f := wantFault(t, err, ErrNoCard); !strings.Contains(f.What, "YubiKey 1 ") {
		t.Errorf("the fault says %q, want it to name the missing key", f.What)
	}
}

func TestARetiredSlotIsRefused(t *testing.T) {
	b := newBench(t)
	_, err := b.store.Key(t.Context(), Requirement{Policy: touchPolicy, Slot: 0x82}, purpose)
	if f, ok := fault.As(err); !ok || errors.Is(err, ErrSlotTaken) {
		t.Errorf("got %v, want the slot to be refused", f)
	}
}

func TestTheMarkerIsOfTheSlotsOwnKey(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: bothPolicy})
	marker, err := certificateOf(b.slot(Slot9D))
	if err != nil {
		t.Fatal(err)
	}
	if !isMarker(marker) || !key.public.Equal(marker.PublicKey) {
		t.Errorf("the slot holds a certificate for %s, want a marker with the slot's key", marker.Subject)
	}
	if err := marker.CheckSignature(marker.SignatureAlgorithm, marker.RawTBSCertificate, marker.Signature); err != nil {
		t.Errorf("the marker is not signed by the slot's key: %v", err)
	}
	if got := marker.Subject.String(); got != "OU=Touchstone 1.2.3,O=teleport" {
		t.Errorf("the marker is for %q", got)
	}
}

// slot reads what is in a slot.
func (b *bench) slot(slot Slot) *slotContents {
	b.Helper()
	c, err := b.store.find(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := c.ask(b.Context(), &request{Op: opInspect, Slot: slot})
	if err != nil {
		b.Fatalf("reading slot %s: %v", slot, err)
	}
	return answer.Slot
}
