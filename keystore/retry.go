package keystore

import (
	"context"
	"errors"
	"slices"
	"time"
)

// How often and how long a spoilt connection is replaced. A card refuses everything for up to 3 s after it was used
// as a security key (virtual-key sheet, 4), and a program that has it lets go within a second if it is well
// behaved (hardware-key sheet, 3), or a second after its last signature if it is another Touchstone. The pauses add up
// to about 4 s and 3 s.
const (
	maxFreshTries  = 20
	maxSharedTries = 60
	longestPause   = 250 * time.Millisecond
	sharedPause    = 50 * time.Millisecond
	touchTimeout   = 15 * time.Second // how long a card waits for a touch, and remembers one
)

// perform asks the worker, with as many fresh connections as it takes and makes sense. It runs on the card's
// goroutine. notice is called for the worker's notices, and when the card may be waiting for a touch.
func (c *card) perform(ctx context.Context, q *request, notice func(*reply)) (*reply, error) {
	defer c.restartIdle()
	held := q.hold.begin(ctx, c)
	defer held.end()
	ctx = held.ctx
	q.Reader = c.reader.Name
	var t tries
	for {
		q.busy = c.isBusy()
		answer, err := c.attempt(ctx, q, func(n *reply) { held.note(n); notice(n) })
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c.log.Debug("card request failed", "op", q.Op, "slot", q.Slot, "err", err)
		pause, again := t.next(q, err, c.isBusy() || held.goesOn(err))
		if !again {
			return nil, err
		}
		if c.isBusy() {
			notice(&reply{Waiting: true}) // a touch ends the wait of the request that was abandoned, and serves this one as well
		}
		if t.shared <= 1 {
			c.link.close() // with all the handles that piv-go lost in it, one of which may be what is in the way
		}
		if err := rest(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// attempt asks the worker once.
func (c *card) attempt(ctx context.Context, q *request, notice func(*reply)) (*reply, error) {
	opened, begun := c.link.holds, false
	answer, err := c.link.call(ctx, q, func(n *reply) {
		opened, begun = opened || n.Opened, begun || n.Waiting
		notice(n)
	})
	if q.secrets.holdsPIN() {
		c.link.close() // with the copies of the PIN that piv-go made
	}
	switch {
	case ctx.Err() != nil && begun && q.Policy.Touch:
		c.noteAbandoned()
	case errors.Is(err, errNoAnswer) && !opened && c.isInUse(ctx):
		return nil, errInTransaction
	}
	return answer, err
}

// errInTransaction says that another program is inside a transaction: the service lets nobody connect meanwhile, and
// says nothing.
var errInTransaction = &failure{Kind: kindShared, Text: "another program is inside a transaction"}

// isInUse reports whether a program is connected to the card, which ours is not now.
func (c *card) isInUse(ctx context.Context) bool {
	answer, err := c.link.call(ctx, &request{Op: opReaders}, ignore)
	return err == nil && slices.Contains(answer.InUse, c.reader.Name)
}

// ignore is for requests without notices of interest.
func ignore(*reply) {}

// holdsPIN reports whether a PIN, a PUK or a management key went to the worker.
func (s *secrets) holdsPIN() bool {
	return s.PIN.Len()+s.NewPIN.Len()+s.PUK.Len()+s.Management.Len() > 0
}

// statusUnexplained is the card's word when it does not know either; the next try may find it in a better mood.
const statusUnexplained = 0x6f00

// tries counts failures by kind.
type tries struct{ fresh, shared, spent, unexplained int }

// next says whether to try again after err, and after what pause. patient says that the card will be free: it may
// still be waiting for an abandoned touch of ours, or the person knows who has it.
func (t *tries) next(q *request, err error, patient bool) (time.Duration, bool) {
	if isKind(err, kindShared) {
		if t.shared++; err == errInTransaction {
			t.shared = maxSharedTries // it took as long as all other tries together
		}
		return sharedPause, patient || t.shared < maxSharedTries
	}
	t.shared = 0 // what is in the way next may be our own again
	switch {
	case isUnexplained(err) && !isSpent(q, err):
		t.unexplained++
		return sharedPause, t.unexplained == 1
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

func isUnexplained(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.Status == statusUnexplained
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
