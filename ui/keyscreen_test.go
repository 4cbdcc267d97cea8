package ui

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// realStatement is what a card said about one of its keys.
func realStatement(t *testing.T) *keystore.Attestation {
	t.Helper()
	text, err := os.ReadFile("../keystore/testdata/attestation.pem")
	if err != nil {
		t.Fatal(err)
	}
	slot, rest := pem.Decode(text)
	device, _ := pem.Decode(rest)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	a, err := keystore.ReadAttestation(slot.Bytes, device.Bytes, roots)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// keyInUse is a key with a slot of each kind.
func keyInUse(t *testing.T) *keystore.CardDetails {
	t.Helper()
	own := keystore.SecretDetails{Ownership: keystore.OwnershipOwn, AttemptsLeft: 3, Attempts: 3}
	return &keystore.CardDetails{
		CardID: yubiKey, Firmware: "5.4.3", FormFactor: "USB-C keychain", PIN: own, PUK: own,
		Management: keystore.ManagementDetails{Kind: keystore.ManagementProtected, Algorithm: "3DES"},
		Slots: []keystore.SlotDetails{
			{Slot: keystore.Slot9A, State: keystore.SlotKey, Owner: keystore.SlotOwner{Kind: keystore.OwnerForeign}, Algorithm: "RSA 2048", Contents: "what was seen",
				Origin: keystore.OriginImported, PIN: keystore.PINOnce, Touch: keystore.TouchNever},
			{Slot: keystore.Slot9C, State: keystore.SlotKey, Owner: keystore.SlotOwner{Kind: keystore.OwnerTouchstone, Program: "Touchstone 1.2.3"},
				Algorithm: "ECDSA P-256", Origin: keystore.OriginGenerated, PIN: keystore.PINNever, Touch: keystore.TouchCached, Attestation: realStatement(t)},
			{Slot: keystore.Slot9D, State: keystore.SlotKey, Owner: keystore.SlotOwner{Kind: keystore.OwnerTeleport, Program: "14.1.0"},
				Algorithm: "ECDSA P-256", Origin: keystore.OriginGenerated, PIN: keystore.PINOnce, Touch: keystore.TouchCached, AttestationProblem: errRefused},
			{Slot: keystore.Slot9E, State: keystore.SlotEmpty},
		},
	}
}

// freshKey is a key as it comes from the factory.
func freshKey() *keystore.CardDetails {
	factory := keystore.SecretDetails{Ownership: keystore.OwnershipFactory, AttemptsLeft: 3, Attempts: 3}
	return &keystore.CardDetails{CardID: yubiKey, Firmware: "5.4.3", PIN: factory, PUK: factory,
		Management: keystore.ManagementDetails{Kind: keystore.ManagementFactory, Algorithm: "AES-192"},
		Slots: []keystore.SlotDetails{{Slot: keystore.Slot9A, State: keystore.SlotEmpty}, {Slot: keystore.Slot9C, State: keystore.SlotEmpty},
			{Slot: keystore.Slot9D, State: keystore.SlotEmpty}, {Slot: keystore.Slot9E, State: keystore.SlotUnsure}}}
}

// openKeyPage is a window on the page of a key that tells this about itself.
func openKeyPage(t *testing.T, d *keystore.CardDetails) *harness {
	t.Helper()
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}})
	h.cards.describe = func(uint32) (*keystore.CardDetails, error) { return d, nil }
	h.open()
	h.tap("item", "Security key")
	h.until("the key was read", func() bool { return h.w.main.key.details != nil })
	return h
}

func TestTheKeyPageFits(t *testing.T) {
	h := openKeyPage(t, keyInUse(t))
	h.shoot("key", h.w.win)
	for _, words := range []string{"YubiKey 5C NFC", "Serial 24 118 306 · Firmware 5.4.3 · USB-C keychain", "3 of 3 attempts left", "Kept behind the PIN",
		"Signs in to prod-eu", "Imported from outside", "Attestation is invalid", "Usual for keys with PIN", "Touch, good for 15 s"} {
		if !h.shows(words)() {
			t.Errorf("the page does not say %q; on the screen: %q", words, h.texts())
		}
	}
	blocked := keyInUse(t)
	blocked.Name = "work"
	blocked.PIN.AttemptsLeft, blocked.PUK.AttemptsLeft = 0, 1
	h.w.main.key.details = blocked
	h.w.main.key.draw()
	h.shoot("key-blocked", h.w.win)
	h.w.main.key.details = freshKey()
	h.w.main.key.tell("The PIN of YubiKey 5C NFC · 24 118 306 was changed.")
	h.w.main.key.draw()
	h.shoot("key-fresh", h.w.win)
	h.w.main.key.details = nil
	h.w.main.key.draw()
	h.shoot("key-reading", h.w.win)
	h.w.showKeys(keystore.Snapshot{})
	h.shoot("key-absent", h.w.win)
}

func TestReadingAKeyMovesNothingOnThePage(t *testing.T) {
	h := openKeyPage(t, keyInUse(t))
	k := h.w.main.key
	places := func() (all []fyne.Position) {
		for _, o := range []fyne.CanvasObject{k.head.root, k.tiles.root, k.slots.root, k.slots.rows[3].root} {
			all = append(all, fyne.CurrentApp().Driver().AbsolutePositionForObject(o))
		}
		return all
	}
	after := places()
	k.details = nil
	k.draw()
	for i, before := range places() {
		if before != after[i] {
			t.Errorf("part %d of the page is at %v before the key is read and at %v afterwards", i, before, after[i])
		}
	}
}

func TestTheKeyPageFollowsKeysThatComeAndGo(t *testing.T) {
	h := newHarness(t, someClusters(), keystore.Snapshot{})
	read := make(chan uint32, 16)
	h.cards.describe = func(serial uint32) (*keystore.CardDetails, error) {
		read <- serial
		d := freshKey()
		d.Serial = serial
		return d, nil
	}
	h.open()
	h.tap("item", "Security key")
	if !h.shows("Plug in your security key")() {
		t.Fatalf("without a key the page does not say what to do; on the screen: %q", h.texts())
	}
	plug := func(cards ...keystore.CardState) { h.cards.change(func(k *keystore.Snapshot) { k.Cards = cards }) }
	second := readyCard()
	second.Serial, second.Name, second.Reader = 25000001, "in the safe", "two"
	plug(freshCard())
	h.until("the key is read", h.shows("Factory PIN"))
	plug(freshCard(), second)
	h.until("there is a choice", h.shows("in the safe · 25 000 001"))
	chip := h.w.main.key.choices.Objects[1].(*widget.Button)
	test.Tap(chip)
	h.until("the second key is read", func() bool { d := h.w.main.key.details; return d != nil && d.Serial == second.Serial })
	h.shoot("key-several", h.w.win)
	plug(freshCard())
	h.until("the first key is shown again", func() bool { d := h.w.main.key.details; return d != nil && d.Serial == yubiKey.Serial })
	plug()
	h.until("a key is waited for", h.shows("Plug in your security key"))
	plug(freshCard())
	h.until("the key is read again", h.shows("Factory PIN"))
	if n := len(read); n != 4 {
		t.Errorf("the keys were read %d times, want once at each arrival and choice: 4", n)
	}
}

func TestAKeyIsReadOnlyWhileItsPageIsShown(t *testing.T) {
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}})
	h.cards.describe = func(uint32) (*keystore.CardDetails, error) {
		t.Error("the key was read for nobody")
		return nil, errRefused
	}
	h.open()
	h.cards.change(func(k *keystore.Snapshot) { k.Cards[0].PINAttempts = 2 })
	h.until("the new state is there", func() bool { return h.w.keys.Version == 2 })
}

func TestAKeyThatCannotBeReadSaysWhyAndIsTriedAgain(t *testing.T) {
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}})
	h.cards.describe = func(uint32) (*keystore.CardDetails, error) {
		return nil, fault.New("YubiKey 24118306 is in use by another program.", "Close it, then try again.")
	}
	h.open()
	h.tap("item", "Security key")
	h.until("the problem is told", h.shows("Close it, then try again."))
	h.shoot("key-fault", h.w.win)
	h.cards.describe = func(uint32) (*keystore.CardDetails, error) { return keyInUse(t), nil }
	h.tap("button", "Try again")
	h.said(h.cards.asked, "refresh")
	h.until("the key is read", h.shows("Your own PIN"))
	h.cards.change(func(k *keystore.Snapshot) {
		k.Cards, k.Problem = nil, fault.New("The smart-card service is not running.", "Start it.")
	})
	h.until("the service is missed", h.shows("The smart-card service is not running."))
	h.shoot("key-service", h.w.win)
}

func TestAttestationsAreShownInWordsAndCopied(t *testing.T) {
	d := keyInUse(t)
	h := openKeyPage(t, d)
	h.tap("button", "Attestation of slot 9c")
	a := d.Slots[1].Attestation
	for _, words := range []string{"A cluster reads " + a.Policy.Name() + " out of it", a.Chain[0].Subject.CommonName, "signed by " + a.Chain[1].Issuer.CommonName} {
		if !h.shows(words)() {
			t.Errorf("the view does not say %q; on the screen: %q", words, h.texts())
		}
	}
	h.shoot("key-attestation", h.w.win)
	h.tap("button", "Copy PEM")
	if text := h.app.Clipboard().Content(); strings.Count(text, "BEGIN CERTIFICATE") != len(a.Chain) {
		t.Errorf("copied %q, want %d certificates", text, len(a.Chain))
	}
	h.press(fyne.KeyEscape)
	if len(h.w.modals.open) != 0 {
		t.Error("Escape does not close the view")
	}
}

func TestSlotsSayWhoOwnsThem(t *testing.T) {
	for _, c := range []struct {
		name  string
		slot  keystore.SlotDetails
		used  []string
		owner string
		use   string
	}{
		{"empty", keystore.SlotDetails{Slot: keystore.Slot9D, State: keystore.SlotEmpty}, nil, "Empty", "Usual for keys with touch and PIN"},
		{"may hide a key", keystore.SlotDetails{Slot: keystore.Slot9A, State: keystore.SlotUnsure}, nil, "Empty, it seems", "An imported key would not show"},
		{"ours and in use", keystore.SlotDetails{Slot: keystore.Slot9A, State: keystore.SlotKey, Owner: keystore.SlotOwner{Kind: keystore.OwnerTouchstone, Program: "Touchstone 1"}}, []string{"a", "b"}, "Touchstone", "Signs in to a, b"},
		{"of another client", keystore.SlotDetails{Slot: keystore.Slot9A, State: keystore.SlotKey, Owner: keystore.SlotOwner{Kind: keystore.OwnerTeleport, Program: "14.1.0"}}, nil, "Another client of clusters", "Made by version 14.1.0"},
		{"foreign without a certificate", keystore.SlotDetails{Slot: keystore.Slot9A, State: keystore.SlotKey, Owner: keystore.SlotOwner{Kind: keystore.OwnerForeign}}, nil, "Another program", "A key without a certificate"},
		{"with something unreadable", keystore.SlotDetails{Slot: keystore.Slot9A, State: keystore.SlotKey, Unreadable: true, Owner: keystore.SlotOwner{Kind: keystore.OwnerForeign}}, nil, "Another program", "Its certificate cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if owner, use := slotOwner(c.slot, c.used); owner != c.owner || use != c.use {
				t.Errorf("got %q, %q; want %q, %q", owner, use, c.owner, c.use)
			}
		})
	}
}

func TestAnOldKeyDoesNotTellEverything(t *testing.T) {
	unknown := keystore.SecretDetails{Ownership: keystore.OwnershipUnknown, AttemptsLeft: keystore.AttemptsUnknown, Attempts: keystore.AttemptsUnknown}
	if tile := pukTile(unknown); tile.Value != "Not told" || tile.Attempts != "" || tile.Of != 0 {
		t.Errorf("got %+v", tile)
	}
	unknown.AttemptsLeft = 2
	if tile := pinTile(unknown); tile.Attempts != "2 attempts left" || tile.Of != 0 {
		t.Errorf("got %+v", tile)
	}
	if lines := destroyed(freshKey(), session.Snapshot{}); len(lines) != 2 || lines[0] != "No key: its slots are empty" {
		t.Errorf("an empty key loses %q", lines)
	}
}
