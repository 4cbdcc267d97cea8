package virtual

import (
	"fmt"
	"slices"
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

// The card's own times (virtual-key sheet, 2.5, 2.8 and 3.3).
const (
	touchTimeout = 15 * time.Second
	touchCache   = 15 * time.Second
	tapTimeout   = 30 * time.Second
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
	mode    TouchMode    // guarded by mu, like all below
	waits   []*touchWait // whoever waits for a touch; the first one gets it
	last    time.Time    // when the last touch for a PIV key was consumed; zero after power-up
	tapped  time.Time    // when the last tap for FIDO was consumed
	touches int          // touches consumed so far by PIV keys
	taps    int          // and by FIDO
}

// touchWait is one wait for a touch.
type touchWait struct {
	tap     bool             // FIDO waits, not a PIV key
	pressed chan struct{}    // closed by the touch
	touched bool             // guarded by contact.mu
	timeout <-chan time.Time // fires when the card gives up
	auto    <-chan time.Time // fires when TouchAuto is about to touch; nil in the other modes
	stop    func()           // gives both timers up
}

// touch presses the contact. A card that does not wait takes no notice (virtual-key sheet, 4: tapped too early).
func (c *contact) touch() {
	c.mu.Lock()
	consumed := len(c.waits) > 0 && c.mode != TouchIgnore
	if consumed {
		c.consumeLocked(c.waits[0])
	}
	c.mu.Unlock()
	if consumed {
		c.notify()
	}
}

// consumeLocked gives the touch to w. What PIV keys remember of a touch, a tap for FIDO does not count as.
func (c *contact) consumeLocked(w *touchWait) {
	w.touched = true
	close(w.pressed)
	c.waits = slices.Delete(c.waits, 0, 1)
	if w.tap {
		c.taps++
		c.tapped = c.clock.Now()
		return
	}
	c.touches++
	c.last = c.clock.Now()
}

// await blinks until the contact is touched for a PIV key, and reports whether it was. It gives up after touchTimeout
// and when gone is closed, because the card lost power or was reset.
func (c *contact) await(gone <-chan struct{}) bool {
	return c.waitFor(c.begin(false, touchTimeout), gone)
}

// awaitTap is await for FIDO: it waits for tapTimeout and ends also when the client gives up.
func (c *contact) awaitTap(gone <-chan struct{}) bool {
	return c.waitFor(c.begin(true, tapTimeout), gone)
}

func (c *contact) waitFor(w *touchWait, gone <-chan struct{}) bool {
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

// poll is a look at a wait for a client that asks again and again. Once over, the wait has been settled.
func (c *contact) poll(w *touchWait) (touched, over bool) {
	select {
	case <-w.pressed:
	case <-w.auto:
		c.touch()
	case <-w.timeout:
	default:
		return false, false
	}
	return c.settle(w), true
}

// begin starts a wait. The timers run before anybody can see that the card waits, so that whoever sees it can move
// the clock.
func (c *contact) begin(tap bool, limit time.Duration) *touchWait {
	c.mu.Lock()
	defer c.mu.Unlock()
	timeout, stopTimeout := c.clock.NewTimer(limit)
	w := &touchWait{tap: tap, pressed: make(chan struct{}), timeout: timeout, stop: stopTimeout}
	if c.mode == TouchAuto {
		auto, stopAuto := c.clock.NewTimer(c.delay)
		w.auto, w.stop = auto, func() { stopAuto(); stopTimeout() }
	}
	c.waits = append(c.waits, w)
	return w
}

// settle ends a wait. A touch that came together with the timeout still counts: it has been consumed.
func (c *contact) settle(w *touchWait) (touched bool) {
	w.stop()
	c.mu.Lock()
	touched = w.touched
	c.waits = slices.DeleteFunc(c.waits, func(other *touchWait) bool { return other == w })
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

// reclaiming reports whether the last tap is so recent that the card side is not ready again.
func (c *contact) reclaiming(takes time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.tapped.IsZero() && c.clock.Now().Sub(c.tapped) < takes
}

// powerOff forgets the cached touch and the waits of PIV keys. FIDO ends its own.
func (c *contact) powerOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = time.Time{}
	c.waits = slices.DeleteFunc(c.waits, func(w *touchWait) bool { return !w.tap })
}

// state returns what Status shows.
func (c *contact) state() (waiting bool, touches, taps int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waits) > 0, c.touches, c.taps
}

func (c *contact) setMode(mode TouchMode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mode = mode
}
