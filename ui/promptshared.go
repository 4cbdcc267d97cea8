package ui

import (
	"slices"
	"time"

	"github.com/touchstone-app/touchstone/keystore"
)

// sharer is one of those who wait at the same question for the same card: one touch serves them all, and so does one
// plugging in. One of its prompts is set.
type sharer struct {
	touch     *keystore.TouchPrompt
	until     time.Time // when the card gives up waiting for a touch
	wait      *keystore.WaitPrompt
	cancelled chan struct{} // closed when the person gives up
}

// serial is the card's; zero where any will do.
func (s *sharer) serial() uint32 {
	if s.wait != nil {
		return s.wait.Card.Serial
	}
	return s.touch.Card.Serial
}

// share puts s to the question that its like waits at already, or to one of its own. done takes it away again and may be
// called more than once.
func (p *Prompter) share(s *sharer) (cancelled <-chan struct{}, done func()) {
	s.cancelled = make(chan struct{})
	p.mu.Lock()
	q := p.sharedLocked(s)
	q.sharers = append(q.sharers, s)
	p.mu.Unlock()
	p.post(p.advance)
	return s.cancelled, func() { p.leave(q, s) }
}

// sharedLocked finds the question for the same kind of thing and the same card, or makes one.
func (p *Prompter) sharedLocked(s *sharer) *question {
	for _, q := range p.queue {
		if len(q.sharers) > 0 && q.wait == (s.wait != nil) && q.sharers[0].serial() == s.serial() {
			return q
		}
	}
	q := &question{wait: s.wait != nil}
	q.close = func(reply) { p.giveUp(q) }
	p.queue = append(p.queue, q)
	return q
}

// leave takes a sharer out of its question, which ends with the last one.
func (p *Prompter) leave(q *question, s *sharer) {
	p.mu.Lock()
	if i := slices.Index(q.sharers, s); i >= 0 {
		q.sharers = slices.Delete(q.sharers, i, i+1)
		if len(q.sharers) == 0 {
			p.removeLocked(q)
		}
	}
	p.mu.Unlock()
	p.post(p.advance)
}

// giveUp tells everyone who shares a question that the person gave up.
func (p *Prompter) giveUp(q *question) {
	p.mu.Lock()
	for _, s := range q.sharers {
		close(s.cancelled)
	}
	q.sharers = nil
	p.removeLocked(q)
	p.mu.Unlock()
	p.post(p.advance)
}
