package keystore

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// card is a plugged-in card, from its arrival to its removal. It is an actor: one goroutine talks to the worker
// process of the card, and requests queue. The card itself is open only while a request runs, and for a moment after a
// signature, because the next one often follows at once.
type card struct {
	reader readerInfo
	log    *slog.Logger
	now    func() time.Time
	// newTimer is Config.NewTimer.
	newTimer func(time.Duration) (<-chan time.Time, func())
	name     func(serial uint32) string
	pins     *pinCache
	// changed is called, from any goroutine, after something that a snapshot shows has changed.
	changed func()

	queue *queue
	ctx   context.Context // ends with the card; the cause says why
	stop  context.CancelCauseFunc
	done  chan struct{}
	// link, idle and stopIdle belong to the card's goroutine. idle fires when an open card was not used for a moment.
	link     link
	idle     <-chan time.Time
	stopIdle func()
	// pinTurn holds one token: whoever holds it may ask for this card's PIN and change its slots (see inTurn).
	pinTurn chan struct{}
	taps    *tapMemory

	mu    sync.Mutex
	state cardState
}

// cardState is what is known about a card; guarded by card.mu.
type cardState struct {
	info         *cardInfo // nil until the card could be read
	problem      error     // why it could not
	asked        time.Time // when it was asked last
	touchWaiting bool
	touchedUntil time.Time // end of the card's own 15 s after a touch
	// busyUntil is when the card will have given up waiting for a touch that nobody waits for any more.
	busyUntil time.Time
}

func newCard(reader readerInfo, s *Store) *card {
	ctx, stop := context.WithCancelCause(context.Background())
	return &card{
		reader:   reader,
		log:      s.log.With("reader", reader.Name),
		now:      s.now,
		newTimer: s.newTimer,
		name:     s.Name,
		pins:     newPINCache(s.now),
		changed:  s.publish,
		queue:    newQueue(),
		ctx:      ctx,
		stop:     stop,
		done:     make(chan struct{}),
		link:     newLink(s.worker),
		stopIdle: func() {},
		pinTurn:  make(chan struct{}, 1),
		taps:     &s.keys.taps,
	}
}

// run is the card's goroutine.
func (c *card) run() {
	defer close(c.done)
	defer c.link.close()
	defer c.letGo()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.idle:
			c.letGo()
		case <-c.queue.wake:
			for j := c.queue.next(); j != nil; j = c.queue.next() {
				j.done <- c.runJob(j)
			}
		}
	}
}

// A card that was held open for the next signature is let go releaseAfter after the last one, so that other programs
// get their turn; closing it takes no longer than releaseTime.
const (
	releaseAfter = time.Second
	releaseTime  = 500 * time.Millisecond
)

// restartIdle begins to count the time since the card was used last. It runs on the card's goroutine.
func (c *card) restartIdle() {
	c.stopIdle()
	c.idle, c.stopIdle = nil, func() {}
	if c.link.holds {
		c.idle, c.stopIdle = c.newTimer(releaseAfter)
	}
}

// letGo closes the card in good order if it is held: the smart-card service resets a card whose program dies, and a
// reset card forgets PIN and touch. It runs on the card's goroutine.
func (c *card) letGo() {
	defer c.restartIdle()
	if !c.link.holds {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseTime)
	defer cancel()
	if _, err := c.link.call(ctx, &request{Op: opRelease}, ignore); err != nil {
		c.link.close()
	}
}

func (c *card) runJob(j *job) error {
	ctx, cancel := context.WithCancelCause(j.ctx)
	defer cancel(nil)
	unlink := context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) })
	defer unlink()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return j.run(ctx)
}

// do queues run and waits for its end. The context that run gets ends with ctx or with the card.
func (c *card) do(ctx context.Context, run func(ctx context.Context) error) error {
	j := &job{ctx: ctx, run: run, done: make(chan error, 1)}
	c.queue.add(j)
	why := ctx
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
	case <-c.done:
		why = c.ctx
	}
	if c.queue.remove(j) {
		return context.Cause(why)
	}
	return <-j.done // it has begun, and ends with the same context
}

// close ends the card for the reason why, wipes what it knows and waits for its goroutine.
func (c *card) close(why error) {
	c.stop(why)
	<-c.done
	c.pins.forget()
}

// ask queues one request that needs no touch and returns its answer.
func (c *card) ask(ctx context.Context, q *request) (*reply, error) {
	var answer *reply
	err := c.do(ctx, func(ctx context.Context) error {
		var err error
		answer, err = c.perform(ctx, q, ignore)
		return err
	})
	return answer, err
}

// askTouch queues one request that may cost a touch and returns its answer.
func (c *card) askTouch(ctx context.Context, q *request, show touchShow) (*reply, error) {
	var answer *reply
	err := c.do(ctx, func(ctx context.Context) error {
		var err error
		answer, err = c.performTouch(ctx, q, show)
		return err
	})
	return answer, err
}

// identify reads what the card says about itself and publishes it.
func (c *card) identify(ctx context.Context) (*cardInfo, error) {
	return c.noteInfo(c.ask(ctx, c.infoRequest()))
}

// identifyBusy is identify for a card that may still be waiting for a touch of ours that was abandoned: only that
// touch, or 15 s, frees it, so the prompt is shown.
func (c *card) identifyBusy(ctx context.Context, show touchShow) (*cardInfo, error) {
	q := c.infoRequest()
	q.Policy.Touch = true
	return c.noteInfo(c.askTouch(ctx, q, show))
}

// noteInfo publishes what a card said about itself, or why it could not be asked.
func (c *card) noteInfo(answer *reply, err error) (*cardInfo, error) {
	if errors.Is(err, context.Canceled) {
		return nil, err
	}
	c.mu.Lock()
	c.state.problem, c.state.asked = err, c.now()
	if err == nil {
		c.state.info = answer.Card
	}
	c.mu.Unlock()
	c.changed()
	if err != nil {
		return nil, c.explain(err)
	}
	return answer.Card, nil
}

// info returns what the card said about itself, asking it if it could not be read before.
func (c *card) info(ctx context.Context) (*cardInfo, error) {
	if info := c.known(); info != nil {
		return info, nil
	}
	return c.identify(ctx)
}

// rereadAfter is how long a card that could not be read, because another program had it, is left alone.
const rereadAfter = 5 * time.Second

// wantsReading reports whether it is time to ask a card again that could not be read, and if so notes that it is
// being asked.
func (c *card) wantsReading() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	due := c.state.problem != nil && !c.now().Before(c.state.asked.Add(rereadAfter))
	if due {
		c.state.asked = c.now()
	}
	return due
}

// known is what the card said when it was asked last, or nil.
func (c *card) known() *cardInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.info
}

// infoRequest asks what the card says about itself, but not again for what never changes.
func (c *card) infoRequest() *request {
	q := &request{Op: opInfo}
	if info := c.known(); info != nil {
		q.Model, q.Form = info.Model, info.FormFactor
	}
	return q
}

// id names the card in prompts and faults; the serial is 0 until the card could be read.
func (c *card) id() CardID {
	info := c.known()
	if info == nil {
		return CardID{Model: "YubiKey"}
	}
	return CardID{Serial: info.Serial, Model: info.Model, Name: c.name(info.Serial)}
}

// update changes the card's state and publishes it.
func (c *card) update(change func(*cardState)) {
	c.mu.Lock()
	change(&c.state)
	c.mu.Unlock()
	c.changed()
}

// snapshot is the card as the window sees it.
func (c *card) snapshot() CardState {
	c.mu.Lock()
	state := c.state
	c.mu.Unlock()
	shown := CardState{CardID: CardID{Model: "YubiKey"}, Reader: c.reader.Name, TouchWaiting: state.touchWaiting}
	shown.PINCachedUntil = c.pins.until()
	if c.now().Before(state.touchedUntil) {
		shown.TouchCachedUntil = state.touchedUntil
	}
	if info := state.info; info != nil {
		shown.CardID = CardID{Serial: info.Serial, Model: info.Model, Name: c.name(info.Serial)}
		shown.Firmware, shown.Known = info.Firmware, info.Known
		shown.PINIsDefault, shown.PUKIsDefault = info.PINIsDefault, info.PUKIsDefault
		shown.PINAttempts, shown.PUKAttempts = info.PINAttempts, info.PUKAttempts
	}
	if state.problem != nil {
		shown.Problem = faultOf(shown.CardID, state.problem)
	}
	return shown
}
