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
	mode    TouchMode
	wanted  chan struct{} // not nil while the card waits for a touch; closed by the touch
	last    time.Time     // when the last touch was consumed; zero after power-up
	touches int           // touches consumed so far
}

// touch presses the contact. A card that does not wait takes no notice (virtual-key sheet, 4: tapped too early).
func (c *contact) touch() {
	c.mu.Lock()
	consumed := c.wanted != nil && c.mode != TouchIgnore
	if consumed {
		close(c.wanted)
		c.wanted = nil
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
	wanted, auto, stop := c.ask()
	defer stop()
	c.notify()
	timeout, stopTimeout := c.clock.NewTimer(touchTimeout)
	defer stopTimeout()
	select {
	case <-wanted:
	case <-auto:
		c.touch()
	case <-timeout:
	case <-gone:
	}
	return c.settle()
}

// ask begins a wait. auto fires when TouchAuto is about to touch and is nil in the other modes.
func (c *contact) ask() (wanted <-chan struct{}, auto <-chan time.Time, stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = make(chan struct{})
	stop = func() {}
	if c.mode == TouchAuto {
		auto, stop = c.clock.NewTimer(c.delay)
	}
	return c.wanted, auto, stop
}

// settle ends a wait. A touch that came together with the timeout still counts: it has been consumed.
func (c *contact) settle() (touched bool) {
	c.mu.Lock()
	touched = c.wanted == nil
	c.wanted = nil
	c.mu.Unlock()
	if !touched {
		c.notify()
	}
	return touched
}

// cached reports whether the last touch is recent enough for keys whose touch policy is "cached". The cache belongs
// to the card, not to a slot.
func (c *contact) cached() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.last.IsZero() && c.clock.Now().Sub(c.last) < touchCache
}

// powerOff forgets the cached touch.
func (c *contact) powerOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = time.Time{}
}

// state returns what Status shows.
func (c *contact) state() (waiting bool, touches int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wanted != nil, c.touches
}

func (c *contact) setMode(mode TouchMode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mode = mode
}
