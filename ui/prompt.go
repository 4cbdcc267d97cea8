package ui

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// Prompter asks the person in the window. It implements keystore.Prompter and session.Prompter: calls come from many
// goroutines, one question is visible at a time, the others wait in order. It is made before the key store and the
// session manager, which need it, and so before the window, which needs those: what is asked before the window is
// there waits for it.
type Prompter struct {
	post func(func())
	now  func() time.Time

	mu    sync.Mutex
	queue []*question // the first one is, or will be, on the screen; guarded by mu

	screen questionScreen // Fyne thread only; nil until the window attaches itself
	shown  *question      // Fyne thread only
}

// questionScreen shows questions; the window is one. All its methods run on the Fyne thread.
type questionScreen interface {
	// showQuestion shows q, with so many others waiting, or brings it up to date when it is shown already.
	showQuestion(q *question, waiting int)
	hideQuestion(q *question)
}

var (
	_ keystore.Prompter           = (*Prompter)(nil)
	_ keystore.SlotPrompter       = (*Prompter)(nil)
	_ keystore.ManagementPrompter = (*Prompter)(nil)
	_ keystore.WaitPrompter       = (*Prompter)(nil)
	_ keystore.CardChooser        = (*Prompter)(nil)
	_ session.Prompter            = (*Prompter)(nil)
)

// question is one thing that the person is asked; exactly one of its prompts is set.
type question struct {
	pin        *keystore.PINPrompt
	newPIN     *keystore.NewPINPrompt
	password   *session.PasswordPrompt
	otp        *session.OTPPrompt
	slot       *keystore.SlotPrompt
	management *keystore.ManagementPrompt
	choose     *keystore.ChoosePrompt
	tap        *tap
	wait       bool      // for a card that cannot be used yet, by those who share it
	sharers    []*sharer // of a touch or a wait, all for one card; guarded by Prompter.mu

	reply chan reply // capacity one
	close func(reply)
}

// isTouch says that a card waits for a touch, or did until a moment ago.
func (q *question) isTouch() bool {
	return q.pin == nil && q.newPIN == nil && q.password == nil && q.otp == nil && q.slot == nil && q.management == nil && q.tap == nil &&
		q.choose == nil && !q.wait
}

// gesture is what the question wants of the person; empty for a password.
func (q *question) gesture() session.GestureKind {
	switch {
	case q.pin != nil || q.newPIN != nil:
		return session.GesturePIN
	case q.otp != nil:
		return session.GestureCode
	case q.tap != nil:
		return session.GestureTap
	case q.isTouch():
		return session.GestureTouch
	default:
		return ""
	}
}

// wantsHands says that the question is answered at a key and not at the keyboard.
func (q *question) wantsHands() bool { return q.tap != nil || q.wait || q.isTouch() }

// reply is an answer; first is the PIN, the password or the code, second the PUK.
type reply struct {
	first, second *secret.Bytes
	slot          keystore.SlotAnswer
	serial        uint32
	err           error
}

func (r reply) wipe() {
	r.first.Wipe()
	r.second.Wipe()
}

// NewPrompter makes a Prompter. post runs a function on the Fyne thread, now is the clock; give the same ones to New.
func NewPrompter(post func(func()), now func() time.Time) *Prompter {
	return &Prompter{post: post, now: now}
}

// AskPIN asks for the PIN of a card.
func (p *Prompter) AskPIN(ctx context.Context, prompt keystore.PINPrompt) (*secret.Bytes, error) {
	r := p.ask(ctx, &question{pin: &prompt})
	return r.first, r.err
}

// AskNewPIN asks for a new PIN and a PUK.
func (p *Prompter) AskNewPIN(ctx context.Context, prompt keystore.NewPINPrompt) (pin, puk *secret.Bytes, err error) {
	r := p.ask(ctx, &question{newPIN: &prompt})
	return r.first, r.second, r.err
}

// AskPassword asks for a cluster password.
func (p *Prompter) AskPassword(ctx context.Context, prompt session.PasswordPrompt) (*secret.Bytes, error) {
	r := p.ask(ctx, &question{password: &prompt})
	return r.first, r.err
}

// AskOTP asks for a one-time code.
func (p *Prompter) AskOTP(ctx context.Context, prompt session.OTPPrompt) (*secret.Bytes, error) {
	r := p.ask(ctx, &question{otp: &prompt})
	return r.first, r.err
}

// ask queues a question and waits for its answer or the end of ctx.
func (p *Prompter) ask(ctx context.Context, q *question) reply {
	q.reply = make(chan reply, 1)
	q.close = func(r reply) { p.answer(q, r) }
	p.mu.Lock()
	p.queue = append(p.queue, q)
	p.mu.Unlock()
	p.post(p.advance)
	select {
	case r := <-q.reply:
		return r
	case <-ctx.Done():
		return p.abandon(ctx, q)
	}
}

// answer ends a question. An answer that nobody waits for any more is wiped.
func (p *Prompter) answer(q *question, r reply) {
	p.mu.Lock()
	wanted := p.removeLocked(q)
	p.mu.Unlock()
	if !wanted {
		r.wipe()
		return
	}
	q.reply <- r
	p.advance()
}

// abandon takes a question back whose asker has gone, unless it was answered in the same moment.
func (p *Prompter) abandon(ctx context.Context, q *question) reply {
	p.mu.Lock()
	open := p.removeLocked(q)
	p.mu.Unlock()
	p.post(p.advance)
	if !open {
		r := <-q.reply
		r.wipe()
	}
	return reply{err: context.Cause(ctx)}
}

// removeLocked reports whether q was still in the queue.
func (p *Prompter) removeLocked(q *question) bool {
	i := slices.Index(p.queue, q)
	if i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
	return i >= 0
}

// attach gives the Prompter its screen; nil takes it away. Fyne thread only.
func (p *Prompter) attach(screen questionScreen) {
	if screen == nil && p.shown != nil {
		p.screen.hideQuestion(p.shown)
		p.shown = nil
	}
	p.screen = screen
	p.advance()
}

// advance brings the screen in line with the queue. Fyne thread only.
func (p *Prompter) advance() {
	if p.screen == nil {
		return
	}
	p.mu.Lock()
	var head *question
	if len(p.queue) > 0 {
		head = p.queue[0]
	}
	waiting := len(p.queue) - 1
	p.mu.Unlock()
	if p.shown != nil && p.shown != head {
		p.screen.hideQuestion(p.shown)
	}
	p.shown = head
	if head != nil {
		p.screen.showQuestion(head, waiting)
	}
}
