package keystore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestEveryKindOfFailureHasTwoSentencesOfItsOwn(t *testing.T) {
	card := CardID{Serial: 14725836, Model: "YubiKey 5C NFC"}
	failures := []error{
		&failure{Kind: kindService}, &failure{Kind: kindGone}, &failure{Kind: kindShared}, &failure{Kind: kindBroken},
		&failure{Kind: kindOtherCard}, &failure{Kind: kindChanged}, &failure{Kind: kindPINNeeded},
		&failure{Kind: kindPINWrong, Attempts: 2}, &failure{Kind: kindPINBlocked}, &failure{Kind: kindPUKWrong, Attempts: 2},
		&failure{Kind: kindPUKBlocked}, &failure{Kind: kindNoTouch}, &failure{Kind: kindManagement}, &failure{Kind: kindTooOld}, &failure{Kind: kindOther},
		errNoAnswer, ErrClosed, errors.New("something unforeseen"),
	}
	seen := map[string]error{}
	for _, err := range failures {
		f := faultOf(card, fmt.Errorf("doing something: %w", err))
		if before, ok := seen[f.What]; ok {
			t.Errorf("%v and %v read the same: %q", before, err, f.What)
		}
		seen[f.What] = err
		for _, sentence := range []string{f.What, f.Do} {
			if !strings.HasSuffix(sentence, ".") || strings.ToUpper(sentence[:1]) != sentence[:1] {
				t.Errorf("%v: %q is no sentence", err, sentence)
			}
		}
		if !errors.Is(f, err) {
			t.Errorf("the cause %v cannot be reached through its fault", err)
		}
	}
}

func TestCallersCanBranchOnFaults(t *testing.T) {
	card := CardID{Serial: 14725836}
	for kind, target := range map[kind]error{
		kindGone: ErrCardRemoved, kindOtherCard: ErrCardRemoved, kindChanged: ErrSlotChanged,
		kindPINBlocked: ErrPINBlocked, kindNoTouch: ErrTouchTimeout,
	} {
		if err := faultOf(card, &failure{Kind: kind}); !errors.Is(err, target) {
			t.Errorf("a failure of kind %q is not %v", kind, target)
		}
	}
	var wrong *WrongPINError
	err := error(faultOf(card, &failure{Kind: kindPINWrong, Attempts: 1}))
	if !errors.As(err, &wrong) || wrong.AttemptsLeft != 1 {
		t.Errorf("got %v, want a wrong PIN with 1 attempt left", err)
	}
}
