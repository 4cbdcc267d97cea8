//go:build linux

package keystore

import (
	"context"
	"errors"
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

func TestWaitReturnsWhatIsNewerAndEndsWithContextOrStore(t *testing.T) {
	b := newBench(t)
	now := b.store.Snapshot()
	if got, err := b.store.Wait(t.Context(), now.Version-1); err != nil || got.Version < now.Version {
		t.Errorf("Wait for something newer than %d = version %d, %v", now.Version-1, got.Version, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.store.Wait(ctx, now.Version+100); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with an ended context gives %v", err)
	}
	b.store.Close()
	if _, err := b.store.Wait(t.Context(), now.Version+100); !errors.Is(err, ErrClosed) {
		t.Errorf("Wait on a closed store gives %v", err)
	}
}

func TestAClosedStoreRefusesEverything(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{})
	b.store.Close()
	if err := b.store.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	_, err := b.store.Key(t.Context(), Requirement{}, purpose)
	for name, err := range map[string]error{
		"Key": err, "Sign": b.sign(t.Context(), key), "Refresh": b.store.Refresh(t.Context()),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s on a closed store gives %v, want %v", name, err, ErrClosed)
		}
	}
}

func TestAStoreNeedsSomeoneToAskAndAWorker(t *testing.T) {
	if _, err := Open(Config{}); err == nil {
		t.Error("a store was opened without a prompter and a worker")
	}
}
