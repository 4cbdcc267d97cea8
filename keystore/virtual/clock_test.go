package virtual

import (
	"testing"
	"time"
)

func TestManualClockFiresWhatIsDue(t *testing.T) {
	clock := NewManualClock(time.Unix(0, 0))
	soon, _ := clock.NewTimer(time.Second)
	later, _ := clock.NewTimer(2 * time.Second)
	dropped, stop := clock.NewTimer(time.Second)
	stop()
	now, _ := clock.NewTimer(0)
	if !fired(now) || fired(soon) {
		t.Error("a timer of no time must fire at once, and no other before the clock moves")
	}
	clock.Advance(time.Second)
	if !fired(soon) || fired(later) || fired(dropped) {
		t.Error("after one second the first timer alone must fire")
	}
	clock.Advance(time.Hour)
	if !fired(later) || fired(soon) {
		t.Error("after an hour the second timer alone must fire")
	}
	if got, want := clock.Now(), time.Unix(3601, 0); !got.Equal(want) {
		t.Errorf("the clock shows %v, want %v", got, want)
	}
}

func fired(timer <-chan time.Time) bool {
	select {
	case <-timer:
		return true
	default:
		return false
	}
}

func TestTheRealClockMoves(t *testing.T) {
	var clock Clock = realClock{}
	before := clock.Now()
	timer, stop := clock.NewTimer(time.Millisecond)
	defer stop()
	if got := <-timer; !got.After(before) {
		t.Errorf("the timer fired at %v, not after %v", got, before)
	}
}
