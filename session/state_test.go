package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestASessionExpiresByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := newManager(Config{Home: t.TempDir()}, noKeys{})
		if err != nil {
			t.Fatalf("opening the sessions: %v", err)
		}
		defer m.Close()
		end := time.Now().Add(12 * time.Hour)
		key, err := newSoftwareKey()
		if err != nil {
			t.Fatal(err)
		}
		m.change(func() {
			m.clusters["demo"] = &cluster{id: "demo", keyring: &keyring{key: key, claims: claims{User: "alice", Expires: end}}}
		})
		before := m.Snapshot()
		if before.Clusters[0].State != SignedIn || before.Clusters[0].Expires != end {
			t.Fatalf("the cluster shows %+v", before.Clusters[0])
		}
		after, err := m.Wait(t.Context(), before.Version)
		if err != nil || after.Clusters[0].State != Expired || after.Version != before.Version+1 {
			t.Errorf("Wait() = %+v, %v, want one snapshot with the end", after, err)
		}
		if now := time.Now(); !now.Equal(end) {
			t.Errorf("the end was noticed at %v, want %v", now, end)
		}
	})
}

func TestWaitersGetTheNewestSnapshot(t *testing.T) {
	m := lonely(t)
	version := m.Snapshot().Version
	if s, err := m.Wait(t.Context(), version-1); err != nil || s.Version != version {
		t.Errorf("Wait() for what is there = %+v, %v", s, err)
	}
	got := make(chan Snapshot)
	go func() {
		s, _ := m.Wait(context.Background(), version)
		got <- s
	}()
	m.change(func() {})
	if s := <-got; s.Version <= version {
		t.Errorf("Wait() returned version %d, want more than %d", s.Version, version)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Wait(ctx, 1<<60); err != context.Canceled {
		t.Errorf("Wait() with an ended context = %v", err)
	}
	_ = m.Close()
	_ = m.Close()
	if _, err := m.Wait(t.Context(), 1<<60); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait() after Close = %v", err)
	}
	if _, err := m.AddCluster(t.Context(), "127.0.0.1:1", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("AddCluster() after Close = %v", err)
	}
	if err := m.SignOut(t.Context(), "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("SignOut() after Close = %v", err)
	}
}
