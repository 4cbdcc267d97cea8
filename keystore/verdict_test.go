//go:build linux

package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// keyStates are what other programs, other clients of the same clusters and Touchstone itself can have left in a slot.
// Keys have the policies that are usual for their slot.
var keyStates = []struct {
	name string
	fill func(*piv.YubiKey, Slot) error
}{
	{"empty", func(*piv.YubiKey, Slot) error { return nil }},
	{"ours", func(yk *piv.YubiKey, s Slot) error { return fillWithKey(yk, s, clientSubject(ourUnit+" 1.2.3")) }},
	{"Teleport's marker", func(yk *piv.YubiKey, s Slot) error { return fillWithKey(yk, s, clientSubject("14.1.0")) }},
	{"foreign certificate", func(yk *piv.YubiKey, s Slot) error {
		return fillWithKey(yk, s, pkix.Name{CommonName: "Jane Doe"})
	}},
	{"foreign key without certificate", func(yk *piv.YubiKey, s Slot) error {
		_, err := generateUsual(yk, s)
		return err
	}},
	{"imported key", func(yk *piv.YubiKey, s Slot) error {
		_, err := importUsual(yk, s)
		return err
	}},
	{"imported key with a marker", func(yk *piv.YubiKey, s Slot) error {
		public, err := importUsual(yk, s)
		if err != nil {
			return err
		}
		return certify(yk, s, clientSubject("14.1.0"), public)
	}},
	{"half-made", func(yk *piv.YubiKey, s Slot) error {
		if _, err := generateUsual(yk, s); err != nil {
			return err
		}
		return putPlaceholder(yk, s)
	}},
	{"marker without a key", putPlaceholder},
}

func init() {
	for _, state := range keyStates {
		otherPrograms["leaves in every slot: "+state.name] = func(yk *piv.YubiKey) error {
			for slot := range pivSlots {
				if err := state.fill(yk, slot); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

func clientSubject(unit string) pkix.Name {
	return pkix.Name{Organization: []string{markerOrganization}, OrganizationalUnit: []string{unit}}
}

// usualPolicy is the policy that keys in a slot usually have (hardware-key sheet, 2.1).
func usualPolicy(slot Slot) Policy {
	for _, p := range allPolicies {
		if p.DefaultSlot() == slot {
			return p
		}
	}
	panic("no policy")
}

var allPolicies = []Policy{{}, {Touch: true}, {PIN: true}, {Touch: true, PIN: true}}

func generateUsual(yk *piv.YubiKey, slot Slot) (crypto.PublicKey, error) {
	return yk.GenerateKey(piv.DefaultManagementKey, pivSlots[slot], keyOptions(usualPolicy(slot)))
}

func importUsual(yk *piv.YubiKey, slot Slot) (crypto.PublicKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return key.Public(), yk.SetPrivateKeyInsecure(piv.DefaultManagementKey, pivSlots[slot], key, keyOptions(usualPolicy(slot)))
}

func fillWithKey(yk *piv.YubiKey, slot Slot, subject pkix.Name) error {
	public, err := generateUsual(yk, slot)
	if err != nil {
		return err
	}
	return certify(yk, slot, subject, public)
}

// certify has somebody else's authority certify a key, which costs neither touch nor PIN.
func certify(yk *piv.YubiKey, slot Slot, subject pkix.Name, public crypto.PublicKey) error {
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject}
	parent := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Example CA"}}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, authority)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	return yk.SetCertificate(piv.DefaultManagementKey, pivSlots[slot], cert)
}

func putPlaceholder(yk *piv.YubiKey, slot Slot) error {
	marker, err := placeholderMarker(ourUnit + " 1.2.3")
	if err != nil {
		return err
	}
	return yk.SetCertificate(piv.DefaultManagementKey, pivSlots[slot], marker)
}

// TestEveryPolicySlotFirmwareAndKeyStateHasItsVerdict compares what is done with a slot, and the sentences, with
// testdata/slots.golden (-update rewrites it). Each line holds for the firmwares that it names; on each, one real preparation shows that the
// verdict is what happens.
func TestEveryPolicySlotFirmwareAndKeyStateHasItsVerdict(t *testing.T) {
	var mu sync.Mutex
	verdicts := map[string]map[string][]string{} // of a wish: outcome to firmwares
	t.Run("cards", func(t *testing.T) {
		for _, firmware := range virtual.Firmwares() {
			for _, state := range keyStates {
				t.Run(firmware.String()+"/"+state.name, func(t *testing.T) {
					t.Parallel()
					b := newBenchOf(t, firmware)
					b.another("leaves in every slot: " + state.name)
					found := b.verdicts()
					b.wantVerdictKept(found[wishName(wish{want: Requirement{Slot: Slot9A}})])
					mu.Lock()
					defer mu.Unlock()
					for name, outcome := range found {
						line := state.name + ", " + name
						if verdicts[line] == nil {
							verdicts[line] = map[string][]string{}
						}
						verdicts[line][outcome] = append(verdicts[line][outcome], firmware.String())
					}
				})
			}
		}
	})
	var text strings.Builder
	for _, state := range keyStates {
		fmt.Fprintf(&text, "# %s\n", state.name)
		for _, w := range allWishes() {
			writeVerdicts(&text, wishName(w), verdicts[state.name+", "+wishName(w)])
		}
	}
	testkit.Golden(t, "slots.golden", []byte(text.String()))
}

// allWishes are every policy in every slot, the usual slot both by itself and chosen.
func allWishes() []wish {
	var all []wish
	for _, policy := range allPolicies {
		for _, slot := range []Slot{Slot9A, Slot9C, Slot9D, Slot9E} {
			if slot == policy.DefaultSlot() {
				all = append(all, wish{want: Requirement{Policy: policy, Slot: slot}})
			}
			all = append(all, wish{want: Requirement{Policy: policy, Slot: slot}, custom: true})
		}
	}
	return all
}

func wishName(w wish) string {
	slot := "usual slot "
	if w.custom {
		slot = "chosen slot "
	}
	return fmt.Sprintf("%s%s, %s required", slot, w.want.Slot, w.want.Policy)
}

// verdicts judges the card for all wishes.
func (b *bench) verdicts() map[string]string {
	b.Helper()
	slots := map[Slot]*slotContents{}
	for slot := range pivSlots {
		slots[slot] = b.slot(slot)
	}
	found := map[string]string{}
	for _, w := range allWishes() {
		found[wishName(w)] = outcomeOf(w.judge(slots[w.want.Slot], CardID{Serial: 12345678}, nil))
	}
	return found
}

// outcomeOf is a verdict in words.
func outcomeOf(found finding, err error) string {
	var taken *takenError
	switch {
	case errors.As(err, &taken) && taken.usable != nil:
		return "refused, its use is offered: " + taken.why.What + " " + taken.why.Do
	case err != nil:
		f := fault.From(err)
		return "refused: " + f.What + " " + f.Do
	case found.next == opGenerate:
		return "a key is made"
	case found.next == opMark:
		return "the half-made key is completed"
	default:
		return "the key that is there is used"
	}
}

// wantVerdictKept prepares a key without touch and PIN in its usual slot and checks that the verdict is what happens.
func (b *bench) wantVerdictKept(verdict string) {
	b.Helper()
	before := b.describe().Slot(Slot9A)
	key, err := b.store.Key(b.Context(), Requirement{}, purpose)
	switch {
	case strings.HasPrefix(verdict, "refused"):
		wantFault(b, err, ErrSlotTaken)
		if b.describe().Slot(Slot9A).Contents != before.Contents {
			b.Error("the refused slot was changed")
		}
	case err != nil:
		b.Errorf("%s: %v", verdict, err)
	case (verdict == "a key is made") == slices.Equal(key.Reference().PublicKey, before.PublicKey):
		b.Errorf("%s, but the slot held %+v", verdict, before)
	}
}

// writeVerdicts writes what is done on which firmware.
func writeVerdicts(text *strings.Builder, name string, outcomes map[string][]string) {
	var lines []string
	for outcome, firmwares := range outcomes {
		where := ""
		if len(firmwares) < len(virtual.Firmwares()) {
			slices.Sort(firmwares)
			where = " (" + strings.Join(firmwares, ", ") + ")"
		}
		lines = append(lines, fmt.Sprintf("%s%s: %s\n", name, where, outcome))
	}
	slices.Sort(lines)
	for _, line := range lines {
		text.WriteString(line)
	}
}
