//go:build linux

package keystore

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/fault"
)

func TestAReferenceHasTheLongFormAndOpensWithoutACard(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: bothPolicy, PINCacheTTL: 5 * time.Minute})
	text, err := json.Marshal(key.Reference())
	if err != nil {
		t.Fatal(err)
	}
	checkLongForm(t, text, float64(key.Serial()))
	b.key.Unplug()
	var stored Reference
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	again, err := b.store.OpenKey(stored)
	if err != nil {
		t.Fatalf("opening the reference: %v", err)
	}
	if diff := cmp.Diff(key.Reference(), again.Reference()); diff != "" {
		t.Errorf("the reference changed:\n%s", diff)
	}
	if again.Policy() != bothPolicy || again.Slot() != Slot9D || !key.public.Equal(again.Public()) {
		t.Errorf("the opened key is in slot %s with %s", again.Slot(), again.Policy())
	}
	b.key.Plug()
	b.waitForCard()
	b.person.answers(goodPIN)
	if err := b.sign(t.Context(), again); err != nil {
		t.Errorf("signing with the opened key: %v", err)
	}
}

// checkLongForm compares a reference with the sheet's example (hardware-key sheet, 8).
func checkLongForm(t *testing.T, text []byte, serial float64) {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	statement, _ := members["attestation_statement"].(map[string]any)
	inner, _ := statement["yubikeyAttestationStatement"].(map[string]any)
	for _, name := range []string{"slotCert", "attestationCert"} {
		if der, _ := inner[name].(string); der == "" {
			t.Errorf("the statement has no %s", name)
		}
	}
	if key, _ := members["public_key"].(string); key == "" {
		t.Error("the reference has no public key")
	}
	delete(members, "attestation_statement")
	delete(members, "public_key")
	want := map[string]any{
		"serial_number": serial,
		"slot_key":      157.0,
		"policy":        map[string]any{"TouchRequired": true, "PINRequired": true},
		"pin_cache_ttl": 300e9,
	}
	if diff := cmp.Diff(want, members); diff != "" {
		t.Errorf("the reference differs from the long form:\n%s", diff)
	}
}

func TestBrokenReferencesAreRefused(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{})
	another := b.prepare(Requirement{Policy: touchPolicy})
	rows := []struct {
		name   string
		change func(*Reference)
	}{
		{"no serial number", func(r *Reference) { r.Serial = 0 }},
		{"a retired slot", func(r *Reference) { r.SlotKey = 0x82 }},
		{"a slot beyond a byte", func(r *Reference) { r.SlotKey += 0x100 }},
		{"no public key", func(r *Reference) { r.PublicKey = nil }},
		{"no statement", func(r *Reference) { r.Attestation = AttestationStatement{} }},
		{"another key's statement", func(r *Reference) { r.Attestation = another.Reference().Attestation }},
		{"a forged statement", func(r *Reference) { forge(r) }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := key.Reference()
			row.change(&r)
			_, err := b.store.OpenKey(r)
			if _, ok := fault.As(err); !ok {
				t.Errorf("got %v, want a fault", err)
			}
		})
	}
}

// forge changes one bit of the card's signature on its statement.
func forge(r *Reference) {
	cert := slices.Clone(r.Attestation.YubiKey.SlotCert)
	cert[len(cert)-1] ^= 1
	r.Attestation.YubiKey.SlotCert = cert
}
