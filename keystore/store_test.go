//go:build linux

package keystore

import (
	"testing"
)

func TestAKeyOfEveryPolicySigns(t *testing.T) {
	rows := []struct {
		policy Policy
		slot   Slot
	}{
		{Policy{}, Slot9A},
		{Policy{Touch: true}, Slot9C},
		{Policy{Touch: true, PIN: true}, Slot9D},
		{Policy{PIN: true}, Slot9E},
	}
	for _, row := range rows {
		t.Run(row.policy.String(), func(t *testing.T) {
			b := newBench(t)
			key := b.prepare(Requirement{Policy: row.policy})
			if key.Slot() != row.slot || key.Policy() != row.policy || key.Serial() != b.key.Status().Serial {
				t.Errorf("got a key in slot %s with %s on card %d, want slot %s with %s on card %d", key.Slot(), key.Policy(),
					key.Serial(), row.slot, row.policy, b.key.Status().Serial)
			}
			b.person.answers(goodPIN)
			if err := b.sign(t.Context(), key); err != nil {
				t.Errorf("signing: %v", err)
			}
		})
	}
}
