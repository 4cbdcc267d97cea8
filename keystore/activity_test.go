//go:build linux

package keystore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// anyTime leaves out what depends on how fast the machine is.
var anyTime = cmpopts.IgnoreFields(Activity{}, "Time", "Duration")

func TestEverySignatureIsNoted(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(touchTimeout) // the card forgets the touch that making the key took
	before := b.store.Snapshot().Activity
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	want := Activity{
		Kind: ActivitySignature, Result: ActivitySigned, Where: "demo", What: "Sign in as alice", Program: "the tests",
		Model: "YubiKey 5C NFC", Serial: b.key.Status().Serial, Slot: "9c", Touches: 1,
	}
	if diff := cmp.Diff([]Activity{want}, b.store.Activity(), anyTime); diff != "" {
		t.Errorf("the activity (-want +got):\n%s", diff)
	}
	if after := b.store.Snapshot().Activity; after == before {
		t.Errorf("the snapshot says %d before and after the signature", after)
	}
	if got := b.store.Activity()[0]; !got.Time.Equal(b.clock.Now()) {
		t.Errorf("the signature is of %v, want %v", got.Time, b.clock.Now())
	}
}

func TestWhatWasNotSignedIsNotedWithTheReason(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	serial := b.key.Status().Serial
	about := Activity{
		Kind: ActivitySignature, Where: "demo", What: "Sign in as alice", Program: "the tests", Model: "YubiKey 5C NFC",
		Serial: serial, Slot: "9c",
	}
	latest := func(name string, want Activity) {
		t.Helper()
		if diff := cmp.Diff(want, b.store.Activity()[0], anyTime); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}

	b.clock.Advance(touchTimeout)
	b.person.does(func(cancel func()) { cancel() })
	if err := b.sign(t.Context(), key); !errors.Is(err, context.Canceled) {
		t.Fatalf("a refused signature gives %v", err)
	}
	refused := about
	refused.Result, refused.Touches = ActivityRefused, 1
	latest("the person refuses", refused)

	ctx, cancel := context.WithCancel(t.Context())
	b.person.does(func(func()) { cancel() })
	if err := b.sign(ctx, key); !errors.Is(err, context.Canceled) {
		t.Fatalf("an abandoned signature gives %v", err)
	}
	if got := b.store.Activity()[0].Result; got != ActivityAbandoned {
		t.Errorf("a signature that nobody waits for is %s", got)
	}
}

func TestAnAssertionIsNoted(t *testing.T) {
	b := newBench(t)
	r := b.registered()
	b.person.does(b.taps())
	if _, err := b.store.Assert(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	b.person.does(func(cancel func()) { cancel() })
	if _, err := b.store.Assert(t.Context(), r); !errors.Is(err, context.Canceled) {
		t.Fatalf("a refused assertion gives %v", err)
	}
	r.RPID = "somebody.else.example.com"
	if _, err := b.store.Assert(t.Context(), r); err == nil {
		t.Fatal("an assertion for somebody else was made")
	}
	var got []string
	for _, a := range b.store.Activity() {
		got = append(got, strings.Join([]string{string(a.Kind), string(a.Result), a.Model}, " "))
	}
	want := []string{"assertion failed ", "assertion refused security key", "assertion signed security key"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the activity (-want +got):\n%s", diff)
	}
	if reason := b.store.Activity()[0].Reason; reason == "" {
		t.Error("nothing says why the assertion failed")
	}
}

func TestAChosenCodeIsNotedAsARefusal(t *testing.T) {
	result, reason := resultOf(t.Context(), ErrUseCode)
	if result != ActivityRefused || !strings.Contains(reason, "code") {
		t.Errorf("got %s, %q", result, reason)
	}
}

func TestNotesAreOneShortLine(t *testing.T) {
	for text, want := range map[string]string{
		"SSH to root@node-1":            "SSH to root@node-1",
		"two\nlines \x1b[31mred\x1b[0m": "two lines  [31mred [0m",
		"\xff\xfe bytes":                "? bytes",
		strings.Repeat("ä", 300):        strings.Repeat("ä", longestNote-1) + "…",
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestSignaturesAreNotedWhereTheDiskIsFull(t *testing.T) {
	b := newBench(t)
	b.store.journal.close()
	b.store.journal = newJournal(noRoom(t), b.store.log)
	key := b.prepare(Requirement{})
	for range 3 {
		if err := b.sign(t.Context(), key); err != nil {
			t.Fatalf("a full disk fails a signature: %v", err)
		}
	}
	if got := len(b.store.Activity()); got != 3 {
		t.Errorf("%d signatures are told, want 3", got)
	}
}

func BenchmarkNotingAnActivity(b *testing.B) {
	j := newJournal(b.TempDir()+"/activity", discard)
	defer j.close()
	for b.Loop() {
		j.add(Activity{Time: time.Unix(1, 0)})
	}
}
