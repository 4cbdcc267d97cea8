package virtual

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

func TestWhoHoldsTheKeyCanAskItWithoutADoor(t *testing.T) {
	k := startFIDO(t, Config{AutoTouchDelay: time.Millisecond})
	c, err := k.Register(testRP, []byte("alice"), "alice")
	if err != nil {
		t.Fatal(err)
	}
	hash := bytes.Repeat([]byte{9}, 32)
	a, err := k.Assert(t.Context(), testRP, hash, [][]byte{c.ID})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.CredentialID, c.ID) || len(a.AuthenticatorData) != 37 || len(a.Signature) == 0 || a.UserHandle != nil {
		t.Errorf("the assertion is %+v", a)
	}
	if k.Status().Taps != 1 {
		t.Errorf("it took %d taps", k.Status().Taps)
	}
	refused := map[string]struct {
		rpID    string
		hash    []byte
		allowed [][]byte
		want    string
	}{
		"a credential of nobody's":     {testRP, hash, [][]byte{{1, 2, 3}}, ctapNoCredentials.String()},
		"another relying party":        {"example.org", hash, [][]byte{c.ID}, ctapNoCredentials.String()},
		"nothing that is discoverable": {testRP, hash, nil, ctapNoCredentials.String()},
		"half a hash":                  {testRP, hash[:16], [][]byte{c.ID}, "CTAP status"},
	}
	for name, r := range refused {
		if _, err := k.Assert(t.Context(), r.rpID, r.hash, r.allowed); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: %v, want %s", name, err, r.want)
		}
	}
	if _, err := start(t, Config{}).Assert(t.Context(), testRP, hash, [][]byte{c.ID}); err == nil {
		t.Error("a key without a FIDO side answers")
	}
}

func TestAnAssertionEndsWithItsContext(t *testing.T) {
	k := startFIDO(t, Config{Touch: TouchIgnore})
	c, err := k.Register(testRP, []byte("alice"), "alice")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Assert(ctx, testRP, bytes.Repeat([]byte{9}, 32), [][]byte{c.ID}); err == nil || !strings.Contains(err.Error(), ctapCancelled.String()) {
		t.Errorf("Assert = %v", err)
	}
}
