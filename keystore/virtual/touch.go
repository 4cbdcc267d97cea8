package virtual

import (
	"fmt"
	"sync"
	"time"
)

// TouchMode says who touches the card's contact.
type TouchMode string

// The touch modes. The zero TouchMode stands for TouchAuto.
const (
	TouchAuto   TouchMode = "auto"   // the card is touched by itself a moment after it asks
	TouchWait   TouchMode = "wait"   // a person touches it, through Touch or the control socket
	TouchIgnore TouchMode = "ignore" // nobody ever touches it: every wait runs into the timeout
)

// ParseTouchMode reads "auto", "wait" or "ignore"; an empty text is TouchAuto.
func ParseTouchMode(text string) (TouchMode, error) {
	switch mode := TouchMode(text); mode {
	case "":
		return TouchAuto, nil
	case TouchAuto, TouchWait, TouchIgnore:
		return mode, nil
	default:
		return "", fmt.Errorf("%q is not a touch mode: use auto, wait or ignore", text)
	}
}

// The card's own times (virtual-key sheet, 2.5 and 2.8).
const (
	touchTimeout = 15 * time.Second
	touchCache   = 15 * time.Second
	// defaultAutoTouchDelay is long enough for clients to notice that a touch is wanted: they say so after 200 to
	// 500 ms without an answer.
	defaultAutoTouchDelay = 300 * time.Millisecond
)

// contact is the gold contact of the card and whoever has a finger near it.
type contact struct {
	clock  Clock
	delay  time.Duration // how long TouchAuto takes
	notify func()        // called without locks after every change

	mu      sync.Mutex
	mode    TouchMode  // guarded by mu, like all below
	wait    *touchWait // nil while the card does not wait for a touch
	last    time.Time  // when the last touch was consumed; zero after power-up
	touches int        // touches consumed so far
}

// touchWait is one wait for a touch.
type touchWait struct {
	pressed chan struct{}    // closed by the touch
	touched bool             // guarded by contact.mu
	timeout <-chan time.Time // fires when the card gives up
	auto    <-chan time.Time // fires when TouchAuto is about to touch; nil in the other modes
	stop    func()           // gives both timers up
}

// touch presses the contact. A card that does not wait takes no notice (virtual-key sheet, 4: tapped too early).
func (c *contact) touch() {
	c.mu.Lock()
	consumed := c.wait != nil && c.mode != TouchIgnore
	if consumed {
		c.wait.touched = true
		close(c.wait.pressed)
		c.wait = nil
		c.last = c.clock.Now()
		c.touches++
	}
	c.mu.Unlock()
	if consumed {
		c.notify()
	}
}

// await blinks until the contact is touched, and reports whether it was. It gives up after touchTimeout and when
// gone is closed, because the card lost power or was reset.
func (c *contact) await(gone <-chan struct{}) bool {
	w := c.begin()
	defer w.stop()
	c.notify()
	select {
	case <-w.pressed:
	case <-w.auto:
		c.touch()
	case <-w.timeout:
	case <-gone:
	}
	return c.settle(w)
}

// begin starts a wait. The timers run before anybody can see that the card waits, so that whoever sees it can move
// the clock.
func (c *contact) begin() *touchWait {
	c.mu.Lock()
	defer c.mu.Unlock()
	timeout, stopTimeout := c.clock.NewTimer(touchTimeout)
	w := &touchWait{pressed: make(chan struct{}), timeout: timeout, stop: stopTimeout}
	if c.mode == TouchAuto {
		auto, stopAuto := c.clock.NewTimer(c.delay)
		w.auto, w.stop = auto, func() { stopAuto(); stopTimeout() }
	}
	c.wait = w
	return w
}

// settle ends a wait. A touch that came together with the timeout still counts: it has been consumed.
func (c *contact) settle(w *touchWait) (touched bool) {
	c.mu.Lock()
	touched = w.touched
	if c.wait == w {
		c.wait = nil
	}
	c.mu.Unlock()
	c.notify()
	return touched
}

// cached reports whether the last touch is recent enough for keys whose touch policy is "cached". The cache belongs
// to the card, not to a slot.
func (c *contact) cached() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.last.IsZero() && c.clock.Now().Sub(c.last) < touchCache
}

// powerOff forgets the cached touch and a wait.
func (c *contact) powerOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.wait = time.Time{}, nil
}

// state returns what Status shows.
func (c *contact) state() (waiting bool, touches int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wait != nil, c.touches
}

func (c *contact) setMode(mode TouchMode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mode = mode
}
