package virtual

import (
	"slices"
	"sync"
	"time"
)

// Clock is the time the card lives in: its 15 s touch timeout, its 15 s touch cache and the 5 s after which an unused
// card loses power. Tests hand in a [ManualClock].
type Clock interface {
	Now() time.Time
	// NewTimer returns a channel that receives once, when d has passed, and a function that gives the timer up.
	NewTimer(d time.Duration) (fired <-chan time.Time, stop func())
}

// realClock is the clock of the computer.
type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) NewTimer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// ManualClock stands still until Advance moves it. Make one with [NewManualClock]; it is safe for concurrent use.
type ManualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer // guarded by mu
}

type manualTimer struct {
	due   time.Time
	fired chan time.Time
}

// NewManualClock returns a clock that shows start.
func NewManualClock(start time.Time) *ManualClock { return &ManualClock{now: start} }

// Now returns the time the clock was last moved to.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// NewTimer returns a timer that fires when Advance moves the clock past d from now.
func (c *ManualClock) NewTimer(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &manualTimer{due: c.now.Add(d), fired: make(chan time.Time, 1)}
	c.timers = append(c.timers, t)
	c.fireLocked()
	return t.fired, func() { c.forget(t) }
}

// Timers is how many timers run that have not fired.
func (c *ManualClock) Timers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

// Advance moves the clock by d and fires every timer that has become due.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.fireLocked()
}

func (c *ManualClock) fireLocked() {
	c.timers = slices.DeleteFunc(c.timers, func(t *manualTimer) bool {
		due := !t.due.After(c.now)
		if due {
			t.fired <- c.now // never blocks: one slot, and a fired timer leaves the list
		}
		return due
	})
}

func (c *ManualClock) forget(t *manualTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers = slices.DeleteFunc(c.timers, func(other *manualTimer) bool { return other == t })
}
