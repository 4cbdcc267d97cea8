package keystore

import (
	"context"
	"sync"
	"time"
)

// performTouch asks the worker for something that may cost a touch. If the card has not answered within delay of
// the moment when the wait can have begun, the person is told; the prompt ends with the answer. It runs on the
// card's goroutine. A person who gives up is context.Canceled.
func (c *card) performTouch(ctx context.Context, q *request, show touchShow) (*reply, error) {
	q.hold = show.hold
	if !q.Policy.Touch && !q.ManagementTouch { // a card that is slow for another reason is none to touch
		return c.perform(ctx, q, ignore)
	}
	if err := c.restAfterTap(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := touchWatch{
		card: c, show: show, giveUp: func() { cancel(context.Canceled) },
		waiting: make(chan struct{}, 1), missed: make(chan struct{}, 1), answered: make(chan struct{}),
	}
	var watching sync.WaitGroup
	watching.Go(func() { watch.run(ctx) })
	answer, err := c.perform(ctx, q, watch.note)
	close(watch.answered)
	watching.Wait()
	if err == nil && watch.shown {
		until := c.now().Add(touchTimeout)
		c.update(func(s *cardState) { s.touchedUntil, s.busyUntil = until, time.Time{} })
	}
	return answer, err
}

// restAfterTap lets a tap pass before a touch is asked for: a person whose finger is still there would answer the wrong
// question, and the card may refuse everything until then (virtual-key sheet, 2.8 and 4). A card that remembers a
// touch will not ask for one.
func (c *card) restAfterTap(ctx context.Context) error {
	if left := c.taps.left(c.now()); left > 0 && !c.remembersTouch() {
		return rest(ctx, left)
	}
	return nil
}

// remembersTouch reports whether the card still remembers the last touch, as far as we know.
func (c *card) remembersTouch() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Before(c.state.touchedUntil)
}

// touchShow is how and when a touch prompt is shown.
type touchShow struct {
	prompter Prompter
	prompt   TouchPrompt
	delay    time.Duration
	hold     *heldWait
}

// touchWatch shows the prompt of one request.
type touchWatch struct {
	card     *card
	show     touchShow
	giveUp   func()
	waiting  chan struct{} // one token: the card may be waiting
	missed   chan struct{} // one token: the card gave up and waits once more
	answered chan struct{} // closed with the answer
	shown    bool          // read it after run has returned
}

// note takes the notices of the worker: the card may be waiting from now on, or has given up and waits again.
func (w *touchWatch) note(n *reply) {
	switch {
	case n.Missed:
		put(w.missed)
	case n.Waiting:
		put(w.waiting)
	}
}

// put adds the one token that a channel holds, unless it is there.
func put(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

func (w *touchWatch) run(ctx context.Context) {
	select {
	case <-w.waiting:
	case <-w.answered:
		return
	}
	since := w.card.now()
	delay := time.NewTimer(w.delay())
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-w.answered:
		return
	}
	w.shown = true
	w.card.update(func(s *cardState) { s.touchWaiting = true })
	defer w.card.update(func(s *cardState) { s.touchWaiting = false })
	w.ask(ctx, since)
}

// delay is how long the card may take to answer before it counts as waiting. One that remembers a touch is slow for
// another reason.
func (w *touchWatch) delay() time.Duration {
	if w.card.remembersTouch() {
		return 4 * w.show.delay
	}
	return w.show.delay
}

// ask shows the prompt, and another one each time the card has given up: what waits for the touch goes on waiting.
func (w *touchWatch) ask(ctx context.Context, since time.Time) {
	prompt, hide := w.show.prompt, func() {}
	defer func() { hide() }()
	for {
		prompt.Until, prompt.Waiting = since.Add(touchTimeout), w.card.queue.length()
		cancelled, done := w.show.prompter.ShowTouch(ctx, prompt)
		hide() // only now, so that the person sees one prompt go on
		hide = done
		select {
		case <-cancelled:
			w.giveUp()
			<-w.answered
			return
		case <-w.answered:
			return
		case <-w.missed:
			prompt.Missed++
			since = w.card.now()
		}
	}
}
