package ui

import (
	"cmp"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// This file puts into words what a card tells about itself. All of it is pure.

// keyTile is the state of a PIN, a PUK or a management key.
type keyTile struct {
	Value    string
	Color    fyne.ThemeColorName
	Detail   string
	Left, Of int    // attempts; Of is 0 where there is nothing to count
	Attempts string // the same in words
}

func pinTile(s keystore.SecretDetails) keyTile {
	t := secretTile("PIN", s)
	switch {
	case s.Blocked():
		t.Detail = "The PUK gives it a new one."
	case s.Ownership == keystore.OwnershipFactory:
		t.Detail = "Every new key has it: choose your own."
	case s.Ownership == keystore.OwnershipOwn:
		t.Detail = "It allows keys to be used."
	}
	return t
}

func pukTile(s keystore.SecretDetails) keyTile {
	t := secretTile("PUK", s)
	switch {
	case s.Blocked():
		t.Detail = "A lost PIN now means a reset."
	case s.Ownership == keystore.OwnershipFactory:
		t.Detail = "Every new key has it: choose your own."
	case s.Ownership == keystore.OwnershipOwn:
		t.Detail = "It unblocks the PIN."
	}
	return t
}

// secretTile is what PIN and PUK have in common.
func secretTile(name string, s keystore.SecretDetails) keyTile {
	t := keyTile{Value: "Not told", Color: widget.ColorMuted, Detail: "Firmware before 5.3 keeps it to itself."}
	switch {
	case s.Blocked():
		t.Value, t.Color = "Blocked", widget.ColorDanger
	case s.Ownership == keystore.OwnershipFactory:
		t.Value, t.Color = "Factory "+name, widget.ColorWarn
	case s.Ownership == keystore.OwnershipOwn:
		t.Value, t.Color = "Your own "+name, theme.ColorNameForeground
	}
	t.Attempts = attemptsLeftText(s)
	if s.AttemptsLeft != keystore.AttemptsUnknown && s.Attempts > 0 {
		t.Left, t.Of = s.AttemptsLeft, s.Attempts
	}
	return t
}

// attemptsLeftText counts in words; it is empty where the card does not tell.
func attemptsLeftText(s keystore.SecretDetails) string {
	switch {
	case s.AttemptsLeft == keystore.AttemptsUnknown:
		return ""
	case s.AttemptsLeft == 0:
		return "no attempt left"
	case s.Attempts > 0:
		return fmt.Sprintf("%d of %d attempts left", s.AttemptsLeft, s.Attempts)
	case s.AttemptsLeft == 1:
		return "1 attempt left"
	default:
		return fmt.Sprintf("%d attempts left", s.AttemptsLeft)
	}
}

func managementTile(m keystore.ManagementDetails) keyTile {
	t := keyTile{Value: "Not told", Color: widget.ColorMuted, Detail: "Firmware before 5.3 keeps it to itself."}
	switch m.Kind {
	case keystore.ManagementFactory:
		t.Value, t.Color, t.Detail = "Factory key", theme.ColorNameForeground, "Good enough: PIN and touch guard keys."
	case keystore.ManagementProtected:
		t.Value, t.Color, t.Detail = "Kept behind the PIN", theme.ColorNameForeground, "The PIN is all that is asked for."
	case keystore.ManagementOwn:
		t.Value, t.Color, t.Detail = "Somebody's own", theme.ColorNameForeground, "It is asked for when a key is made."
	}
	parts := []string{}
	if m.Algorithm != "" {
		parts = append(parts, m.Algorithm)
	}
	if m.Touch {
		parts = append(parts, "costs a touch")
	}
	t.Attempts = strings.Join(parts, " · ")
	return t
}

// keyHead is the line below a card's name.
func keyHead(card keystore.CardState, d *keystore.CardDetails) string {
	var parts []string
	if card.Name != "" {
		parts = append(parts, cmp.Or(card.Model, "YubiKey"))
	}
	if card.Serial != 0 {
		parts = append(parts, "Serial "+serialText(card.Serial))
	}
	if card.Firmware != "" {
		parts = append(parts, "Firmware "+card.Firmware)
	}
	if d != nil && d.FormFactor != "" {
		parts = append(parts, d.FormFactor)
	}
	return strings.Join(parts, " · ")
}

// keyTitle is what a card is called in large letters.
func keyTitle(card keystore.CardState) string { return cmp.Or(card.Name, card.Model, "YubiKey") }

// slotRow is one slot in the list.
type slotRow struct {
	Slot         keystore.Slot
	Color        fyne.ThemeColorName // of the slot's number
	Owner, Use   string
	Key, Origin  string
	PIN, Touch   string
	Proof, By    string
	ProofColor   fyne.ThemeColorName
	HasStatement bool // there is an attestation to look at
	Filled       bool
}

// slotRows is the four slots in order. s tells which clusters use them.
func slotRows(d *keystore.CardDetails, s session.Snapshot) []slotRow {
	rows := make([]slotRow, 0, len(d.Slots))
	for _, slot := range d.Slots {
		rows = append(rows, rowOfSlot(slot, clustersOn(s, d.Serial, slot.Slot)))
	}
	return rows
}

func rowOfSlot(d keystore.SlotDetails, clusters []string) slotRow {
	r := slotRow{Slot: d.Slot, Color: widget.ColorFaint, ProofColor: widget.ColorFaint}
	r.Owner, r.Use = slotOwner(d, clusters)
	if d.State == keystore.SlotEmpty || d.State == keystore.SlotUnsure {
		return r
	}
	r.Filled, r.Color = true, widget.ColorWarn
	if d.Owner.Kind != keystore.OwnerForeign {
		r.Color = widget.ColorAccent
	}
	r.Key, r.Origin = cmp.Or(d.Algorithm, "Not told"), originText(d.Origin)
	r.PIN, r.Touch = pinPolicyText(d.PIN), touchPolicyText(d.Touch)
	r.Proof, r.By, r.ProofColor = proofText(d)
	r.HasStatement = d.Attestation != nil
	return r
}

// slotOwner says who put something into a slot and what it is for.
func slotOwner(d keystore.SlotDetails, clusters []string) (owner, use string) {
	switch {
	case len(clusters) > 0:
		use = "Signs in to " + strings.Join(clusters, ", ")
	case d.Owner.Kind == keystore.OwnerTeleport && d.Owner.Program != "":
		use = "Made by version " + d.Owner.Program
	case d.Owner.Program != "":
		use = "Made by " + d.Owner.Program
	}
	switch {
	case d.State == keystore.SlotEmpty:
		return "Empty", usualUse(d.Slot)
	case d.State == keystore.SlotUnsure:
		return "Empty, it seems", "An imported key would not show"
	case d.Owner.Kind == keystore.OwnerTouchstone:
		return "Touchstone", use
	case d.Owner.Kind == keystore.OwnerTeleport:
		return "Another client of clusters", use
	case d.Unreadable:
		return "Another program", "Its certificate cannot be read"
	case d.Certificate != nil:
		return "Another program", cmp.Or(d.Certificate.Subject.String(), "A certificate without a name")
	default:
		return "Another program", "A key without a certificate"
	}
}

// usualPolicy is what keys in a slot ask for where nothing else is set.
func usualPolicy(slot keystore.Slot) keystore.Policy {
	for _, p := range keyPolicies {
		if p.DefaultSlot() == slot {
			return p
		}
	}
	return keystore.Policy{}
}

// usualUse says the same.
func usualUse(slot keystore.Slot) string {
	if p := usualPolicy(slot); p != (keystore.Policy{}) {
		return "Usual for keys with " + p.String()
	}
	return "Usual for keys that ask for nothing"
}

// clustersOn names the clusters that sign in with a slot of a card.
func clustersOn(s session.Snapshot, serial uint32, slot keystore.Slot) []string {
	var names []string
	for _, c := range s.Clusters {
		if c.Serial == serial && c.Slot == slot.String() {
			names = append(names, c.Name)
		}
	}
	return names
}

func originText(o keystore.KeyOrigin) string {
	switch o {
	case keystore.OriginGenerated:
		return "Made in the key"
	case keystore.OriginImported:
		return "Imported from outside"
	default:
		return ""
	}
}

func pinPolicyText(p keystore.PINPolicy) string {
	switch p {
	case "":
		return "PIN: not told"
	case keystore.PINNever:
		return "No PIN"
	case keystore.PINOnce:
		return "PIN once"
	case keystore.PINAlways:
		return "PIN every time"
	default:
		return "Fingerprint or PIN"
	}
}

func touchPolicyText(t keystore.TouchPolicy) string {
	switch t {
	case "":
		return "Touch: not told"
	case keystore.TouchNever:
		return "No touch"
	case keystore.TouchCached:
		return "Touch, good for 15 s"
	default:
		return "Touch every time"
	}
}

// proofText says whether the card proves where a key was made, and who vouches for the card.
func proofText(d keystore.SlotDetails) (proof, by string, color fyne.ThemeColorName) {
	switch {
	case d.Attestation != nil && d.Attestation.Verified == keystore.VerifiedByNobody:
		return "Attested", "by nobody known", widget.ColorWarn
	case d.Attestation != nil:
		return "Attested", "by " + d.Attestation.VerifiedBy(), widget.ColorOK
	case d.AttestationProblem != nil:
		return "Attestation is invalid", "", widget.ColorDanger
	default:
		return "Not attested", "", widget.ColorWarn
	}
}

// destroyed lists what a reset takes away, most important first.
func destroyed(d *keystore.CardDetails, s session.Snapshot) []string {
	var lines []string
	for _, slot := range d.Slots {
		r := rowOfSlot(slot, clustersOn(s, d.Serial, slot.Slot))
		if !r.Filled {
			continue
		}
		lines = append(lines, destroyedLine(r))
	}
	if len(lines) == 0 {
		lines = append(lines, "No key: its slots are empty")
	}
	return append(lines, "PIN, PUK and management key: the factory ones come back")
}

// destroyedLine is what is in one slot, where it will be gone.
func destroyedLine(r slotRow) string {
	line := fmt.Sprintf("Slot %s: %s", r.Slot, r.Owner)
	if r.Use != "" {
		line += ", " + strings.ToLower(r.Use[:1]) + r.Use[1:]
	}
	return line
}
