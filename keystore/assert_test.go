//go:build linux

package keystore

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/fido"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// registered makes a credential with Debian's fido2-cred, and returns a request that it can answer.
func (b *bench) registered() AssertRequest {
	b.Helper()
	r := AssertRequest{Purpose: purpose, Request: fido.Request{
		Origin: "https://demo.example.com:3080", RPID: "demo.example.com", Challenge: bytes.Repeat([]byte{1}, 32),
	}}
	dir := b.TempDir()
	lines := strings.Join([]string{base64.StdEncoding.EncodeToString(make([]byte, 32)), r.RPID, "alice", "YWxpY2U="}, "\n")
	if err := os.WriteFile(filepath.Join(dir, "make"), []byte(lines+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	register := exec.CommandContext(b.Context(), "fido2-cred", "-M", "-i", "make", "-o", "cred", b.key.FIDOPath(), "es256")
	register.Dir = dir
	if err := register.Start(); err != nil {
		b.Fatal(err)
	}
	testkit.Eventually(b, "the key waits", func() bool { return b.key.Status().Waiting })
	b.key.Touch()
	if err := register.Wait(); err != nil {
		b.Fatal(err)
	}
	verify := exec.CommandContext(b.Context(), "fido2-cred", "-V", "-i", "cred", "es256")
	verify.Dir = dir
	out, err := verify.Output()
	if err != nil {
		b.Fatal(err)
	}
	id, _, _ := strings.Cut(string(out), "\n")
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil {
		b.Fatal(err)
	}
	r.Allowed = [][]byte{raw}
	return r
}

// taps makes the person tap as soon as the key waits for it.
func (b *bench) taps() func(func()) {
	return func(func()) {
		testkit.Eventually(b, "the key waits", func() bool { return b.key.Status().Waiting })
		b.key.Touch()
	}
}

func (b *bench) pause(d time.Duration) {
	b.store.keys.taps.mu.Lock()
	defer b.store.keys.taps.mu.Unlock()
	b.store.keys.taps.pause = d
}

func TestASecurityKeySignsAfterOneTap(t *testing.T) {
	b := newBench(t)
	r := b.registered()
	b.person.does(b.taps())
	got, err := b.store.Assert(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.RawID, r.Allowed[0]) || len(got.Response.Signature) == 0 {
		t.Errorf("the response is %+v", got)
	}
	want := []TapPrompt{{Keys: []string{"security key"}, Purpose: purpose}}
	if diff := cmp.Diff(want, b.person.taps); diff != "" {
		t.Errorf("tap prompts (-want +got):\n%s", diff)
	}
	if _, _, touches, open := b.person.counts(); touches != 0 || open != 0 {
		t.Errorf("%d touch prompts were shown, and %d prompts are open", touches, open)
	}
}

func TestNoTouchIsAskedRightAfterATap(t *testing.T) {
	b := newBench(t)
	r := b.registered()
	key := b.prepare(Requirement{Policy: touchPolicy})
	b.clock.Advance(touchTimeout) // the card forgets the touch that making the key took
	b.person.does(b.taps())
	if _, err := b.store.Assert(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	const pause = 300 * time.Millisecond
	b.pause(pause)
	b.key.FailTransmit(0xa4, 0x80100016, 5) // and the card refuses for longer than that
	begun := time.Now()
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < pause {
		t.Errorf("the touch was asked after %v, want %v at least", took, pause)
	}
	b.pause(time.Hour)
	if err := b.sign(t.Context(), key); err != nil { // the card remembers the touch: nothing to wait for
		t.Fatal(err)
	}
	b.clock.Advance(touchTimeout)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := b.sign(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a touch within an hour of the tap: %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestAssertionsTakeTurns(t *testing.T) {
	b := newBench(t)
	r := b.registered()
	b.person.does(b.taps())
	ended := make(chan error, 3)
	for range cap(ended) {
		go func() {
			_, err := b.store.Assert(t.Context(), r)
			ended <- err
		}()
	}
	for range cap(ended) {
		if err := testkit.Receive(t, "assertion", ended); err != nil {
			t.Error(err)
		}
	}
	if got := b.key.Status().Taps; got != 1+cap(ended) {
		t.Errorf("the key was tapped %d times, want once for each", got)
	}
}

func TestAnAssertionIsRefused(t *testing.T) {
	b := newBench(t)
	r := b.registered()
	b.person.does(func(cancel func()) { cancel() })
	if _, err := b.store.Assert(t.Context(), r); !errors.Is(err, context.Canceled) {
		t.Errorf("a person who gives up: %v, want %v", err, context.Canceled)
	}
	r.RPID = "bank.example.org"
	if _, err := b.store.Assert(t.Context(), r); !errors.Is(err, fido.ErrSuspicious) {
		t.Errorf("another site's name: %v, want %v", err, fido.ErrSuspicious)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.store.Assert(cancelled, r); !errors.Is(err, context.Canceled) && !errors.Is(err, fido.ErrSuspicious) {
		t.Errorf("an ended context: %v, want %v", err, context.Canceled)
	}
}

func TestAOneTimeCodeCanBeChosenWhereItWouldDoAsWell(t *testing.T) {
	b := newBench(t)
	r := b.registered()
	b.person.does(func(func()) { b.person.choosesCode() })
	r.Code = true
	if _, err := b.store.Assert(t.Context(), r); err != ErrUseCode {
		t.Errorf("a person who chooses a code: %v, want %v", err, ErrUseCode)
	}
	want := []TapPrompt{{Keys: []string{"security key"}, Purpose: purpose, Code: true}}
	if diff := cmp.Diff(want, b.person.taps); diff != "" {
		t.Errorf("tap prompts (-want +got):\n%s", diff)
	}
	if _, _, _, open := b.person.counts(); open != 0 {
		t.Errorf("%d prompts are open", open)
	}
}

func TestATapInTheSameMomentDoesNotUndoTheChoiceOfACode(t *testing.T) {
	b := newBench(t)
	r := b.registered()
	b.person.does(func(func()) { b.key.Touch(); b.person.choosesCode() })
	r.Code = true
	for range 10 {
		if _, err := b.store.Assert(t.Context(), r); err != ErrUseCode {
			t.Errorf("a person who chooses a code and taps: %v, want %v", err, ErrUseCode)
		}
	}
}

func TestClosingTheStoreEndsAnAssertion(t *testing.T) {
	b := newBench(t)
	r := b.registered()
	if err := b.key.SetTouch(virtual.TouchIgnore); err != nil {
		t.Fatal(err)
	}
	b.person.does(func(func()) {})
	ended := make(chan error, 1)
	go func() {
		_, err := b.store.Assert(t.Context(), r)
		ended <- err
	}()
	testkit.Eventually(t, "the key waits", func() bool { return b.key.Status().Waiting })
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"under way": testkit.Receive(t, "end", ended),
		"too late":  func() error { _, err := b.store.Assert(t.Context(), r); return err }(),
	} {
		if _, ok := fault.As(err); !ok || !errors.Is(err, ErrClosed) {
			t.Errorf("an assertion %s ends with %v, want a fault of kind %v", what, err, ErrClosed)
		}
	}
}
