//go:build linux

package keystore

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// describe is Store.Describe of the bench's card.
func (b *bench) describe() *CardDetails {
	b.Helper()
	d, err := b.store.Describe(b.Context(), b.key.Status().Serial)
	if err != nil {
		b.Fatalf("describing the card: %v", err)
	}
	return d
}

// tells reports whether cards with this firmware tell about their PIN, PUK, management key and imported keys.
func tells(f virtual.Firmware) bool { return f.Major > 5 || f.Major == 5 && f.Minor >= 3 }

func TestANewCardOfAnyAgeIsDescribed(t *testing.T) {
	for _, firmware := range virtual.Firmwares() {
		t.Run(firmware.String(), func(t *testing.T) {
			b := newBenchOf(t, firmware)
			got := b.describe()
			secrets := SecretDetails{Ownership: OwnershipFactory, AttemptsLeft: 3, Attempts: 3}
			want := CardDetails{PIN: secrets, PUK: secrets, Management: ManagementDetails{Kind: ManagementFactory, Algorithm: "3DES"}}
			state := SlotEmpty
			if firmware.Minor >= 7 {
				want.Management.Algorithm = "AES-192"
			}
			if !tells(firmware) {
				want.PIN = SecretDetails{Ownership: OwnershipUnknown, AttemptsLeft: 3, Attempts: AttemptsUnknown}
				want.PUK = SecretDetails{Ownership: OwnershipUnknown, AttemptsLeft: AttemptsUnknown, Attempts: AttemptsUnknown}
				want.Management, state = ManagementDetails{Kind: ManagementUnknown}, SlotUnsure
			}
			if got.PIN != want.PIN || got.PUK != want.PUK || got.Management != want.Management {
				t.Errorf("got PIN %+v, PUK %+v, management key %+v; want %+v, %+v, %+v",
					got.PIN, got.PUK, got.Management, want.PIN, want.PUK, want.Management)
			}
			if got.Firmware != firmware.String() || got.Device == nil || len(got.Slots) != 4 {
				t.Errorf("got firmware %s, device certificate %v and %d slots", got.Firmware, got.Device, len(got.Slots))
			}
			if firmware.Major >= 5 && got.FormFactor != "USB-C keychain" {
				t.Errorf("got form factor %q", got.FormFactor)
			}
			for _, slot := range got.Slots {
				if slot.State != state || slot.Owner.Kind != OwnerNobody || slot.Attestation != nil {
					t.Errorf("got slot %+v, want it %s", slot, state)
				}
			}
		})
	}
}

func TestOurOwnKeyIsDescribedWithItsProof(t *testing.T) {
	for _, firmware := range virtual.Firmwares() {
		t.Run(firmware.String(), func(t *testing.T) {
			b := newBenchOf(t, firmware)
			key := b.prepare(Requirement{Policy: bothPolicy})
			got := b.describe().Slot(Slot9D)
			if got.State != SlotKey || got.Owner != (SlotOwner{OwnerTouchstone, "Touchstone 1.2.3"}) ||
				got.Algorithm != "ECDSA P-256" || got.PIN != PINOnce || got.Touch != TouchCached || got.Origin != OriginGenerated {
				t.Errorf("the slot is described as %+v", got)
			}
			if string(got.PublicKey) != string(key.attested.PublicKey) || got.Policy() != bothPolicy || got.Contents == "" {
				t.Errorf("the slot is described with public key %x, policy %s and contents %q", got.PublicKey, got.Policy(), got.Contents)
			}
			if again := b.describe().Slot(Slot9D); again.Contents != got.Contents {
				t.Errorf("the same slot has contents %q and then %q", got.Contents, again.Contents)
			}
			a := got.Attestation
			if a == nil || a.Serial != key.Serial() || a.Slot != Slot9D || a.Policy.Name() != "hardware_key_touch_and_pin" ||
				a.Verified != VerifiedByNobody || a.VerifiedBy() != "" || len(a.Chain) != 2 {
				t.Fatalf("the card's statement is read as %+v", a)
			}
			roots := x509.NewCertPool()
			roots.AddCert(b.key.Root())
			a, err := ReadAttestation(a.Chain[0].Raw, a.Chain[1].Raw, roots)
			if err != nil || a.Verified != VerifiedByExtra || len(a.Chain) != 3 || !a.Chain[2].Equal(b.key.Root()) ||
				a.VerifiedBy() != b.key.Root().Subject.CommonName {
				t.Errorf("with the card's root the statement is read as %+v, %v", a, err)
			}
		})
	}
}

func TestWhatOthersLeftInASlotIsDescribed(t *testing.T) {
	type row struct {
		does   string
		state  SlotState
		owner  SlotOwner
		origin KeyOrigin
	}
	foreign := SlotOwner{Kind: OwnerForeign}
	rows := []row{
		{"makes a key and a certificate in 9c", SlotKey, foreign, OriginGenerated},
		{"makes a key without a certificate in 9c", SlotKey, foreign, OriginGenerated},
		{"imports a marked key into 9c", SlotKey, SlotOwner{OwnerTeleport, "another client"}, OriginImported},
		{"marks an empty 9c", SlotCertificate, SlotOwner{OwnerTeleport, "another client"}, ""},
	}
	for _, firmware := range virtual.Firmwares() {
		for _, row := range rows {
			t.Run(firmware.String()+"/"+row.does, func(t *testing.T) {
				b := newBenchOf(t, firmware)
				b.another(row.does)
				if !tells(firmware) && (row.origin == OriginImported || row.origin == "") {
					row.state, row.origin = SlotCertificate, OriginUnknown // an imported key cannot be seen
				}
				got := b.describe().Slot(Slot9C)
				if got.State != row.state || got.Owner != row.owner || got.Origin != row.origin || got.Contents == "" {
					t.Errorf("the slot is described as %+v, want %+v", got, row)
				}
				if (got.Attestation != nil) != (row.origin == OriginGenerated) {
					t.Errorf("the slot has the statement %+v", got.Attestation)
				}
			})
		}
	}
}

func TestAnAttestationIsReadOrItIsSaidWhyThereIsNone(t *testing.T) {
	b := newBench(t)
	b.prepare(Requirement{})
	a, err := b.store.Attestation(t.Context(), 0, Slot9A)
	if err != nil || a.Policy.Name() != "hardware_key" {
		t.Errorf("got %+v, %v", a, err)
	}
	_, err = b.store.Attestation(t.Context(), 0, Slot9D)
	wantFault(t, err, ErrNotAttested)
	b.another("imports a marked key into 9c")
	_, err = b.store.Attestation(t.Context(), 0, Slot9C)
	wantFault(t, err, ErrNotAttested)
	_, err = b.store.Attestation(t.Context(), 1, Slot9C)
	wantFault(t, err, ErrNoCard)
}

func TestPoliciesAreReadByTheirNames(t *testing.T) {
	for text, want := range map[string]Policy{
		"none": {}, "hardware_key": {}, "touch": touchPolicy, "hardware_key_touch": touchPolicy, "PIN": pinPolicy,
		"touch-and-pin": bothPolicy, "hardware_key_touch_and_pin": bothPolicy,
	} {
		if got, err := ParsePolicy(text); err != nil || got != want {
			t.Errorf("ParsePolicy(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	if _, err := ParsePolicy("tap"); err == nil {
		t.Error("an unknown policy is accepted")
	}
}

func TestABlockedPINAndPUKAreDescribedAsBlocked(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		c := newChanging(t, f)
		if got := c.describe(); got.PIN.Blocked() || got.PUK.Blocked() {
			t.Fatalf("a new card is described with PIN %+v and PUK %+v", got.PIN, got.PUK)
		}
		for range 3 {
			_ = c.pin("111111", otherPIN, SpendLast)
			_ = c.puk("11111111", otherPUK, SpendLast)
		}
		if got := c.describe(); !got.PIN.Blocked() || !got.PUK.Blocked() {
			t.Errorf("with everything blocked the card is described with PIN %+v and PUK %+v", got.PIN, got.PUK)
		}
	})
}

func TestWhatIsNotTheFactorysIsDescribedAsOwn(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		b := newBenchOf(t, f)
		for _, does := range []string{"sets a PIN", "sets a PUK", "sets a management key of its own"} {
			b.another(does)
		}
		want, kind := OwnershipOwn, ManagementOwn
		if !tells(f) {
			want, kind = OwnershipUnknown, ManagementUnknown
		}
		if got := b.describe(); got.PIN.Ownership != want || got.PUK.Ownership != want || got.Management.Kind != kind {
			t.Errorf("got PIN %+v, PUK %+v and management key %+v", got.PIN, got.PUK, got.Management)
		}
	})
}

func TestTheManagementKeyIsReadFromWhatTheCardSays(t *testing.T) {
	factory := []byte{0x01, 0x01, 0x0a, 0x02, 0x02, 0x00, 0x01, 0x05, 0x01, 0x01, 0x90, 0x00}
	own := []byte{0x01, 0x01, 0x03, 0x02, 0x02, 0x00, 0x02, 0x05, 0x01, 0x00, 0x90, 0x00}
	old, none := []byte{0x6d, 0x00}, []byte{0x6a, 0x82}
	stored := []byte{0x53, 0x05, 0x80, 0x03, 0x81, 0x01, 0x03, 0x90, 0x00}
	pukBlocked := []byte{0x53, 0x05, 0x80, 0x03, 0x81, 0x01, 0x01, 0x90, 0x00}
	for _, row := range []struct {
		name            string
		metadata, admin []byte
		want            ManagementDetails
	}{
		{"a new card", factory, none, ManagementDetails{Kind: ManagementFactory, Algorithm: "AES-192"}},
		{"the factory key noted as stored", factory, stored, ManagementDetails{Kind: ManagementFactory, Algorithm: "AES-192"}},
		{"somebody's key", own, none, ManagementDetails{Kind: ManagementOwn, Algorithm: "3DES", Touch: true}},
		{"somebody's key, other notes", own, pukBlocked, ManagementDetails{Kind: ManagementOwn, Algorithm: "3DES", Touch: true}},
		{"a stored key", own, stored, ManagementDetails{Kind: ManagementProtected, Algorithm: "3DES", Touch: true}},
		{"an old card", old, none, ManagementDetails{Kind: ManagementUnknown}},
		{"an old card with a stored key", old, stored, ManagementDetails{Kind: ManagementProtected}},
		{"torn answers", factory[:5], stored[:4], ManagementDetails{Kind: ManagementUnknown}},
		{"nothing", nil, nil, ManagementDetails{Kind: ManagementUnknown}},
	} {
		if got := managementDetails(row.metadata, row.admin); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
		}
	}
}

func TestKeysOfEveryKindAreDescribed(t *testing.T) {
	eachFirmware(t, func(t *testing.T, f virtual.Firmware) {
		b := newBenchOf(t, f)
		b.another("makes keys of other kinds")
		want := map[Slot]string{Slot9A: "RSA 2048", Slot9C: "ECDSA P-384"}
		if f.Minor >= 7 {
			want[Slot9D], want[Slot9E] = "Ed25519", "X25519"
		}
		if _, err := b.store.Attestation(t.Context(), 0, Slot9E); f.Minor >= 7 {
			if what := wantFault(t, err, ErrNotAttested).What; strings.Contains(what, "import") {
				t.Errorf("of a key made in the card it is said: %s", what)
			}
		}
		got := b.describe()
		for slot, algorithm := range want {
			s := got.Slot(slot)
			if s.State != SlotKey || s.Algorithm != algorithm || s.PIN != PINAlways || s.Touch != TouchAlways ||
				s.Origin != OriginGenerated || len(s.PublicKey) == 0 || s.Policy() != bothPolicy || s.Owner.Kind != OwnerForeign {
				t.Errorf("slot %s is described as %+v, want a key that is %s", slot, s, algorithm)
			}
			if signs := algorithm != "X25519"; signs != (s.Attestation != nil) { // the virtual key attests no others
				t.Errorf("slot %s has the statement %+v", slot, s.Attestation)
			}
		}
	})
}
