//go:build linux

package fido

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// beginWithoutKey unplugs the key and asks for an assertion; the person has read that a key is missing.
func (b *bench) beginWithoutKey(ctx context.Context, r Request) <-chan error {
	b.t.Helper()
	b.key.Unplug()
	b.auth.Arrival = time.Minute
	answered := make(chan error, 1)
	go func() {
		_, err := b.auth.Assert(ctx, r, b.person)
		answered <- err
	}()
	if keys := testkit.Receive(b.t, "prompt", b.person.taps); len(keys) != 0 {
		b.t.Errorf("a tap of %q is asked for, and no key is plugged in", keys)
	}
	return answered
}

func TestAKeyThatIsNotThereIsWaitedFor(t *testing.T) {
	b := newBench(t)
	r := testRequest()
	id, _ := b.register(b.key, "", r.RPID)
	r.Allowed = [][]byte{id}
	answered := b.beginWithoutKey(t.Context(), r)
	b.key.Plug()
	if keys := testkit.Receive(t, "prompt", b.person.taps); len(keys) != 1 {
		t.Errorf("after plugging in, a tap of %q is asked for", keys)
	}
	if err := testkit.Receive(t, "answer", answered); err != nil {
		t.Error(err)
	}
}

func TestWaitingForAKeyMayEnd(t *testing.T) {
	b := newBench(t)
	r := testRequest()
	id, _ := b.register(b.key, "", r.RPID)
	r.Allowed = [][]byte{id}
	for name, test := range map[string]struct {
		end  func(cancel context.CancelFunc)
		want error
	}{
		"by the person":  {func(context.CancelFunc) { close(b.person.refuse) }, context.Canceled},
		"by the program": {func(cancel context.CancelFunc) { cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			b.person.refuse = make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			answered := b.beginWithoutKey(ctx, r)
			test.end(cancel)
			if err := testkit.Receive(t, "answer", answered); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	t.Run("in vain", func(t *testing.T) {
		b.key.Unplug()
		b.auth.Arrival, b.person.refuse = time.Millisecond, nil
		_, err := b.assert(r)
		b.wantFault(err, ErrKeyRemoved)
	})
}
