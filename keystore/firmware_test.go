//go:build linux

package keystore

import (
	"testing"

	"github.com/touchstone-app/touchstone/keystore/virtual"
)

func TestCardsOfEveryAgeServeEveryPolicy(t *testing.T) {
	for _, firmware := range virtual.Firmwares() {
		for _, policy := range []Policy{{}, {Touch: true}, pinPolicy, bothPolicy} {
			t.Run(firmware.String()+"/"+policy.String(), func(t *testing.T) {
				b := newBenchOf(t, firmware)
				key := b.prepare(Requirement{Policy: policy})
				if key.Policy() != policy {
					t.Errorf("the key has %s, want %s", key.Policy(), policy)
				}
				b.person.answers(goodPIN)
				if err := b.sign(t.Context(), key); err != nil {
					t.Errorf("signing: %v", err)
				}
				if _, newPINs, _, _ := b.person.counts(); (newPINs == 1) != policy.PIN {
					t.Errorf("a new PIN was asked for %d times", newPINs)
				}
				if policy.PIN {
					b.another("checks PIN and PUK")
				}
			})
		}
	}
}

func TestCardsOfEveryAgeAreNamed(t *testing.T) {
	for firmware, want := range map[virtual.Firmware]struct {
		model string
		known bool
	}{
		{Major: 4, Minor: 3, Patch: 5}: {"YubiKey 4", false},
		{Major: 5, Minor: 2, Patch: 7}: {"YubiKey 5C NFC", false},
		{Major: 5, Minor: 4, Patch: 3}: {"YubiKey 5C NFC", true},
		{Major: 5, Minor: 7, Patch: 1}: {"YubiKey 5C NFC", true},
	} {
		got := newBenchOf(t, firmware).waitForCard()
		if got.Model != want.model || got.Firmware != firmware.String() || got.Known != want.known || got.PINAttempts != 3 {
			t.Errorf("the card with %s is shown as %+v", firmware, got)
		}
	}
}
