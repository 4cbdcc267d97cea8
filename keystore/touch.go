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
	if !q.Policy.Touch { // a card that is slow for another reason is none to touch
		return c.perform(ctx, q, func() {})
	}
	if err := c.restAfterTap(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := touchWatch{
		card: c, show: show, giveUp: func() { cancel(context.Canceled) },
		waiting: make(chan struct{}, 1), answered: make(chan struct{}),
	}
	var watching sync.WaitGroup
	watching.Go(func() { watch.run(ctx) })
	answer, err := c.perform(ctx, q, watch.begin)
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
	c.mu.Lock()
	remembers := c.now().Before(c.state.touchedUntil)
	c.mu.Unlock()
	if left := c.taps.left(c.now()); left > 0 && !remembers {
		return rest(ctx, left)
	}
	return nil
}

// touchShow is how and when a touch prompt is shown.
type touchShow struct {
	prompter Prompter
	prompt   TouchPrompt
	delay    time.Duration
}

// touchWatch shows the prompt of one request.
type touchWatch struct {
	card     *card
	show     touchShow
	giveUp   func()
	waiting  chan struct{} // one token: the card may be waiting
	answered chan struct{} // closed with the answer
	shown    bool          // read it after run has returned
}

// begin notes that the card may be waiting from now on. Later calls change nothing.
func (w *touchWatch) begin() {
	select {
	case w.waiting <- struct{}{}:
	default:
	}
}

func (w *touchWatch) run(ctx context.Context) {
	select {
	case <-w.waiting:
	case <-w.answered:
		return
	}
	delay := time.NewTimer(w.show.delay)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-w.answered:
		return
	}
	w.shown = true
	cancelled, done := w.show.prompter.ShowTouch(ctx, w.show.prompt)
	defer done()
	w.card.update(func(s *cardState) { s.touchWaiting = true })
	defer w.card.update(func(s *cardState) { s.touchWaiting = false })
	select {
	case <-cancelled:
		w.giveUp()
		<-w.answered
	case <-w.answered:
	}
}
