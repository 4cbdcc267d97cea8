package virtual

import (
	"testing"
	"time"
)

func TestPINPolicies(t *testing.T) {
	for name, row := range map[string]struct {
		policy string
		apdus  []string
		signs  string
	}{
		"never asks for no PIN":                    {"01", nil, "9000"},
		"once wants the PIN":                       {"02", nil, "6982"},
		"once is content with an older PIN":        {"02", []string{verifyDefault, "00fd0000", sign9A}, "9000"},
		"always wants the PIN":                     {"03", nil, "6982"},
		"always wants the PIN just before":         {"03", []string{verifyDefault}, "9000"},
		"always wants it again the next time":      {"03", []string{verifyDefault, sign9A}, "6982"},
		"asking whether it is verified spoils it":  {"03", []string{verifyDefault, askPIN}, "6982"},
		"reading metadata spoils it":               {"03", []string{verifyDefault, "00f7009a"}, "6982"},
		"selecting the applet again spoils it":     {"03", []string{verifyDefault, "00a4040005a000000308"}, "6982"},
		"once survives selecting the applet again": {"02", []string{verifyDefault, "00a4040005a000000308"}, "9000"},
		"logging out ends once":                    {"02", []string{verifyDefault, "0020ff80"}, "6982"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.manage()
			b.generate("9a", row.policy, "01")
			for _, apdu := range row.apdus {
				b.send(apdu)
			}
			b.wantWord(sign9A, row.signs)
		})
	}
}

// touched returns a bench with P-256 keys that need no PIN: 9A wants a touch always, 9C and 9D cached.
func touched(t *testing.T) *bench {
	b := newBench(t)
	b.manage()
	b.generate("9a", "01", "02")
	b.generate("9c", "01", "03")
	b.generate("9d", "01", "03")
	return b
}

// signTouched signs and gives the touch that must be wanted.
func (b *bench) signTouched(apdu string) {
	b.t.Helper()
	word := b.inBackground(apdu)
	b.card.contact.touch()
	if got := <-word; got != "9000" {
		b.t.Fatalf("the touched signature answers %s, want 9000", got)
	}
}

func (b *bench) wantTouches(want int) {
	b.t.Helper()
	if _, got, _ := b.card.contact.state(); got != want {
		b.t.Errorf("the card consumed %d touches, want %d", got, want)
	}
}

func TestTouchAlwaysWantsEveryTouch(t *testing.T) {
	b := touched(t)
	b.signTouched(sign9A)
	b.signTouched(sign9A)
	b.wantTouches(2)
}

func TestATouchIsCachedFor15Seconds(t *testing.T) {
	b := touched(t)
	b.signTouched(sign9C)
	b.clock.Advance(15*time.Second - time.Millisecond)
	b.wantWord(sign9C, "9000")
	b.wantTouches(1)
	b.clock.Advance(time.Millisecond)
	b.signTouched(sign9C)
	b.wantTouches(2)
}

func TestACachedTouchIsNotExtendedByUse(t *testing.T) {
	b := touched(t)
	b.signTouched(sign9C)
	b.clock.Advance(10 * time.Second)
	b.wantWord(sign9C, "9000")
	b.clock.Advance(10 * time.Second)
	b.signTouched(sign9C)
}

func TestTheTouchCacheBelongsToTheCard(t *testing.T) {
	b := touched(t)
	b.signTouched(sign9A)
	b.wantWord(sign9D, "9000")
	b.wantTouches(1)
}

func TestATouchThatNeverComesLooksLikeAMissingPIN(t *testing.T) {
	b := touched(t)
	word := b.inBackground(sign9C)
	b.clock.Advance(15*time.Second - time.Millisecond)
	if waiting, _, _ := b.card.contact.state(); !waiting {
		t.Fatal("the card gave up before 15 s")
	}
	b.clock.Advance(time.Millisecond)
	if got := <-word; got != "6982" {
		t.Errorf("the untouched signature answers %s, want 6982", got)
	}
	b.signTouched(sign9C)
}

func TestATouchBeforeItIsWantedDoesNotCount(t *testing.T) {
	b := touched(t)
	b.card.contact.touch()
	b.wantTouches(0)
	b.signTouched(sign9C)
	b.wantTouches(1)
}

func TestThePINIsCheckedBeforeTheTouch(t *testing.T) {
	b := newBench(t)
	b.manage()
	b.generate("9a", "02", "02")
	b.wantWord(sign9A, "6982") // at once: the test would hang if the card waited
	b.wantTouches(0)
}

func TestAResetEndsAWaitForTouch(t *testing.T) {
	b := touched(t)
	word := b.inBackground(sign9A)
	b.card.reset()
	if got := <-word; got != errPowerLost.Error() {
		t.Errorf("the interrupted signature ends with %q, want %q", got, errPowerLost)
	}
	b.wantTouches(0)
}

func TestPowerOffForgetsTheCachedTouch(t *testing.T) {
	b := touched(t)
	b.signTouched(sign9C)
	b.card.powerOff()
	b.wantWord("00a4040005a000000308", "9000")
	b.signTouched(sign9C)
	b.wantTouches(2)
}

func TestTheCardTouchesItselfAfterADelay(t *testing.T) {
	b := touched(t)
	b.card.contact.setMode(TouchAuto)
	word := b.inBackground(sign9A)
	b.clock.Advance(defaultAutoTouchDelay)
	if got := <-word; got != "9000" {
		t.Errorf("the signature answers %s, want 9000", got)
	}
	b.wantTouches(1)
}

func TestAnIgnoredCardIsNeverTouched(t *testing.T) {
	b := touched(t)
	b.card.contact.setMode(TouchIgnore)
	word := b.inBackground(sign9A)
	b.card.contact.touch()
	b.clock.Advance(touchTimeout)
	if got := <-word; got != "6982" {
		t.Errorf("the signature answers %s, want 6982", got)
	}
	b.wantTouches(0)
}

func TestParseTouchMode(t *testing.T) {
	for text, want := range map[string]TouchMode{"": TouchAuto, "auto": TouchAuto, "wait": TouchWait, "ignore": TouchIgnore} {
		if got, err := ParseTouchMode(text); err != nil || got != want {
			t.Errorf("ParseTouchMode(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	if got, err := ParseTouchMode("never"); err == nil {
		t.Errorf("ParseTouchMode(never) = %q, want an error", got)
	}
}
