package keystore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// WaitReason says what a request waits for.
type WaitReason string

// The reasons.
const (
	WaitInsert  WaitReason = "insert"  // the card is not plugged in
	WaitRelease WaitReason = "release" // another program has the card
	WaitService WaitReason = "service" // the smart-card service is not running
)

// WaitPrompt says that a request waits until its card can be used.
type WaitPrompt struct {
	// Card is the one that is needed; without a serial any YubiKey will do.
	Card    CardID
	Purpose Purpose
	Reason  WaitReason
	// Others are the cards that are plugged in and are not the one.
	Others []CardID
	// Fault has the two sentences: what is in the way, and what to do.
	Fault *fault.Fault
}

// WaitPrompter is a Prompter that can also say what a request waits for. With one, requests go on waiting, until the
// person gives up, for a card that is not plugged in, a program that keeps it and a service that does not run. With
// any other Prompter they fail.
type WaitPrompter interface {
	// ShowWait is as Prompter.ShowTouch.
	ShowWait(ctx context.Context, p WaitPrompt) (cancelled <-chan struct{}, done func())
}

// waiting tells the person what one request waits for, in one prompt at a time, and ends the request when the person
// gives up.
type waiting struct {
	prompter WaitPrompter // nil if the person cannot be told
	ctx      context.Context
	cancel   context.CancelCauseFunc
	shown    *WaitPrompt
	hide     func()
	watching sync.WaitGroup
}

// startWaiting begins a request's waiting. Its context ends with ctx and when the person gives up.
func (s *Store) startWaiting(ctx context.Context) *waiting {
	w := &waiting{hide: func() {}}
	w.prompter, _ = s.prompter.(WaitPrompter)
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	return w
}

// show says what is waited for. A prompt that says so already stays as it is.
func (w *waiting) show(p WaitPrompt) {
	if w.shown != nil && w.shown.Reason == p.Reason && slices.Equal(w.shown.Others, p.Others) {
		return
	}
	cancelled, done := w.prompter.ShowWait(w.ctx, p)
	w.hide() // only now, so that the person sees one prompt go on
	closed := make(chan struct{})
	w.shown, w.hide = &p, sync.OnceFunc(func() { close(closed); done() })
	w.watching.Go(func() {
		select {
		case <-cancelled:
			w.cancel(context.Canceled)
		case <-closed:
		}
	})
}

// over says that nothing is waited for any more, for now.
func (w *waiting) over() {
	w.hide()
	w.shown = nil
}

// end ends the waiting for good. Ending twice is allowed.
func (w *waiting) end() {
	w.over()
	w.watching.Wait()
	w.cancel(nil)
}

// reasonOf says which wait may end what is wrong, or "".
func reasonOf(err error) WaitReason {
	switch {
	case errors.Is(err, ErrNoCard):
		return WaitInsert
	case isKind(err, kindShared):
		return WaitRelease
	case isKind(err, kindService):
		return WaitService
	default:
		return ""
	}
}

// waitFault has the sentences of a request that waits, where those of one that failed would not do.
func waitFault(card CardID, reason WaitReason, others []CardID, err error) *fault.Fault {
	switch {
	case reason == WaitRelease:
		return sharedFault(card, err, "or wait: everything goes on by itself then.")
	case reason == WaitService:
		return serviceFault(err, "; everything goes on by itself then.")
	case card.Serial == 0:
		return fault.Wrap(err, "No YubiKey is plugged in.", "Plug your YubiKey in; everything goes on by itself then.")
	}
	what := fmt.Sprintf("%s is needed and not plugged in.", card)
	if len(others) > 0 {
		what = fmt.Sprintf("%s is needed; %s cannot take its place.", card, listed(others))
	}
	return fault.Wrap(err, what, "Plug it in; everything goes on by itself then.")
}

// listed names cards in the middle of a sentence.
func listed(cards []CardID) string {
	text := ""
	for i, c := range cards {
		switch {
		case i == 0:
		case i == len(cards)-1:
			text += " and "
		default:
			text += ", "
		}
		text += c.inside()
	}
	return text
}

// reach returns the card with this serial, or the first one that can be read if serial is 0. It waits for the card if
// the person can be told so.
func (s *Store) reach(ctx context.Context, serial uint32, purpose Purpose) (*card, error) {
	w := s.startWaiting(ctx)
	defer w.end()
	for quiet := true; ; quiet = false {
		seen := s.Snapshot().Version
		c, err := s.find(w.ctx, serial)
		if err == nil {
			return c, nil
		}
		if w.ctx.Err() != nil {
			return nil, context.Cause(w.ctx)
		}
		reason := reasonOf(err)
		if reason == "" || w.prompter == nil {
			return nil, err
		}
		if !quiet { // it may be back in a moment, as after a restart of the service
			w.show(s.waitPrompt(serial, purpose, reason, err))
		}
		if err := s.awaitChange(w.ctx, seen, quiet); err != nil {
			return nil, err
		}
	}
}

// awaitChange waits for something new about the cards, if brief no longer than a moment.
func (s *Store) awaitChange(ctx context.Context, seen uint64, brief bool) error {
	moment, cancel := ctx, context.CancelFunc(func() {})
	if brief {
		moment, cancel = context.WithTimeout(ctx, s.touchDelay)
	}
	defer cancel()
	_, err := s.board.wait(moment, seen)
	switch {
	case errors.Is(err, ErrClosed):
		return faultOf(CardID{}, err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		return nil
	}
}

func (s *Store) waitPrompt(serial uint32, purpose Purpose, reason WaitReason, err error) WaitPrompt {
	p := WaitPrompt{Card: CardID{Serial: serial, Model: "YubiKey", Name: s.Name(serial)}, Purpose: purpose, Reason: reason}
	if reason == WaitInsert {
		for _, c := range s.plugged() {
			if c.known() != nil {
				p.Others = append(p.Others, c.id())
			}
		}
	}
	p.Fault = waitFault(p.Card, reason, p.Others, err)
	return p
}

// maxFutile bounds how often a card may seem to be gone that is there all the time.
const maxFutile = 2

// use has do use the card with this serial, or any if serial is 0. A card that is pulled and put back meanwhile, and a
// service that is restarted, lead to another try; they are waited for if the person can be told so.
func (s *Store) use(ctx context.Context, serial uint32, purpose Purpose, do func(*card) error) error {
	var last *card
	var failed error
	for futile := 0; futile < maxFutile; {
		c, err := s.reach(ctx, serial, purpose)
		if err != nil {
			return orEarlier(failed, err)
		}
		if futile++; c != last {
			futile = 0
		}
		last = c
		failed = do(c)
		if !errors.Is(failed, ErrCardRemoved) && !isKind(failed, kindService) {
			return failed
		}
		if serial = c.id().Serial; s.watcher.scan(ctx) != nil {
			return failed
		}
	}
	return failed
}

// orEarlier prefers what went wrong with the card to the fact that it has not come back.
func orEarlier(failed, err error) error {
	if failed != nil && reasonOf(err) != "" {
		return failed
	}
	return err
}

// heldWait is who is told when another program keeps the card from a request, and after how long.
type heldWait struct {
	store   *Store
	purpose Purpose
	after   time.Duration
}

// heldWatch is the heldWait of one request under way.
type heldWatch struct {
	*waiting
	card  *card
	wait  *heldWait
	since time.Time // when the card was first found in other hands
}

// begin starts to watch a request. Without a wait, nobody is told anything.
func (h *heldWait) begin(ctx context.Context, c *card) *heldWatch {
	if h == nil {
		return &heldWatch{waiting: &waiting{ctx: ctx, cancel: func(error) {}, hide: func() {}}}
	}
	return &heldWatch{waiting: h.store.startWaiting(ctx), card: c, wait: h}
}

// goesOn reports whether a request that met err waits until the card is free, and tells the person after a while.
func (w *heldWatch) goesOn(err error) bool {
	if w.prompter == nil || !isKind(err, kindShared) {
		return false
	}
	if w.since.IsZero() {
		w.since = time.Now()
	}
	if time.Since(w.since) >= w.wait.after {
		card := w.card.id()
		w.show(WaitPrompt{Card: card, Purpose: w.wait.purpose, Reason: WaitRelease, Fault: waitFault(card, WaitRelease, nil, err)})
	}
	return true
}

// note closes the prompt when the card is there.
func (w *heldWatch) note(n *reply) {
	if n.Opened {
		w.over()
		w.since = time.Time{}
	}
}
