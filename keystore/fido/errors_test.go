package fido

import (
	"context"
	"errors"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
)

func TestEveryFailureHasItsSentences(t *testing.T) {
	said := map[string]kind{}
	for _, k := range []kind{
		kindGone, kindDenied, kindNoCredential, kindNotTapped, kindPINNotSet, kindPINPaused, kindPINBlocked, kindUnsupported, kindOther,
	} {
		f, ok := fault.As(explain(&failure{Kind: k, Text: "the details"}))
		if !ok || f.What == "" || f.Do == "" {
			t.Errorf("%s has no sentences", k)
			continue
		}
		if other, again := said[f.What]; again {
			t.Errorf("%s and %s say the same: %s", k, other, f.What)
		}
		said[f.What] = k
	}
}

func TestWhatIsNoFailureStaysAsItIs(t *testing.T) {
	mine := fault.New("What.", "Do.")
	for _, err := range []error{nil, context.Canceled, context.DeadlineExceeded, mine} {
		if got := explain(err); got != err {
			t.Errorf("explain(%v) = %v", err, got)
		}
	}
	if err := explain(&failure{Kind: kindCancelled}); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was taken back: %v, want %v", err, context.Canceled)
	}
	if _, ok := fault.As(explain(errors.New("a surprise"))); !ok {
		t.Error("a surprise has no sentences")
	}
}

func FuzzUnwrapBytes(f *testing.F) {
	for _, seed := range []string{"", "\x40", "\x42ab", "\x58\x02ab", "\x59\x00\x02ab", "\x58", "\x61a"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := unwrapBytes(b)
		if err == nil && (len(got) >= len(b) || b[0]>>5 != 2) {
			t.Errorf("unwrapBytes(%x) = %x", b, got)
		}
	})
}
