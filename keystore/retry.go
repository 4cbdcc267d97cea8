package keystore

import (
	"context"
	"errors"
	"time"
)

// How often and how long a spoilt connection is replaced. A card refuses everything for up to 3 s after it was used
// as a security key (virtual-key sheet, 4), and a program that has it lets go within a second if it is well
// behaved (hardware-key sheet, 3). The pauses add up to about 4 s and 1 s.
const (
	maxFreshTries  = 20
	maxSharedTries = 22
	longestPause   = 250 * time.Millisecond
	sharedPause    = 50 * time.Millisecond
	touchTimeout   = 15 * time.Second // how long a card waits for a touch, and remembers one
)

// perform asks the worker, with as many fresh connections as it takes and makes sense. It runs on the card's
// goroutine. waiting is called when the card may be waiting for a touch.
func (c *card) perform(ctx context.Context, q *request, waiting func()) (*reply, error) {
	q.Reader = c.reader.Name
	var t tries
	for {
		begun := false
		answer, err := c.link.call(ctx, q, func() { begun = true; waiting() })
		if q.secrets.holdsPIN() {
			c.link.close() // with the copies of the PIN that piv-go made
		}
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			if begun && q.Policy.Touch {
				c.noteAbandoned()
			}
			return nil, context.Cause(ctx)
		}
		c.log.Debug("card request failed", "op", q.Op, "slot", q.Slot, "err", err)
		pause, again := t.next(q, err, c.isBusy())
		if !again {
			return nil, err
		}
		if c.isBusy() {
			waiting() // a touch ends the wait of the request that was abandoned, and serves this one as well
		}
		if t.shared <= 1 {
			c.link.close() // with all the handles that piv-go lost in it, one of which may be what is in the way
		}
		if err := rest(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// holdsPIN reports whether a PIN or PUK went to the worker.
func (s *secrets) holdsPIN() bool { return s.PIN.Len()+s.NewPIN.Len()+s.PUK.Len() > 0 }

// tries counts failures by kind.
type tries struct{ fresh, shared, spent int }

// next says whether to try again after err, and after what pause. busy says that the card may still be waiting for
// an abandoned touch of ours.
func (t *tries) next(q *request, err error, busy bool) (time.Duration, bool) {
	if isKind(err, kindShared) {
		t.shared++
		return sharedPause, busy || t.shared < maxSharedTries
	}
	t.shared = 0 // what is in the way next may be our own again
	switch {
	case !isKind(err, kindBroken, kindGone) && !errors.Is(err, errWorkerGone):
		return 0, false
	case isSpent(q, err):
		t.spent++
		return sharedPause, t.spent == 1 && q.repeatable()
	default:
		t.fresh++
		return min(time.Duration(t.fresh)*25*time.Millisecond, longestPause), t.fresh < t.most(err)
	}
}

// most is how many fresh connections are worth trying: a card that seems to be gone gets one more look.
func (t *tries) most(err error) int {
	if isKind(err, kindGone) {
		return 2
	}
	return maxFreshTries
}

// isSpent reports whether the failed request may have shown a PIN or PUK to the card: trying again can cost an
// attempt.
func isSpent(q *request, err error) bool {
	var f *failure
	return q.secrets.holdsPIN() && (!errors.As(err, &f) || f.Opened)
}

// rest waits for d or the end of ctx.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// noteAbandoned remembers that the card may go on waiting for a touch that nobody wants any more: nothing cancels
// a signature in the card (hardware-key sheet, 5).
func (c *card) noteAbandoned() {
	until := c.now().Add(touchTimeout)
	c.update(func(s *cardState) { s.busyUntil = until })
}

func (c *card) isBusy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Before(c.state.busyUntil)
}
