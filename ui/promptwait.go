package ui

import (
	"context"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// cardWait is one request that waits until its card can be used. Several for the same card share one question.
type cardWait struct {
	prompt    keystore.WaitPrompt
	cancelled chan struct{}
}

// ShowWait shows that a request waits for its card: to be plugged in, to be let go by another program, or for the
// smart-card service. It returns at once.
func (p *Prompter) ShowWait(_ context.Context, prompt keystore.WaitPrompt) (cancelled <-chan struct{}, done func()) {
	wait := &cardWait{prompt: prompt, cancelled: make(chan struct{})}
	p.mu.Lock()
	q := p.waitQuestionLocked(prompt.Card.Serial)
	q.waits = append(q.waits, wait)
	p.mu.Unlock()
	p.post(p.advance)
	return wait.cancelled, func() { p.endWait(q, wait) }
}

// waitQuestionLocked finds the question that waits for that card already, or makes one.
func (p *Prompter) waitQuestionLocked(serial uint32) *question {
	for _, q := range p.queue {
		if len(q.waits) > 0 && q.waits[0].prompt.Card.Serial == serial {
			return q
		}
	}
	q := &question{wait: true}
	q.close = func(reply) { p.cancelWaits(q) }
	p.queue = append(p.queue, q)
	return q
}

// endWait takes one wait out of its question. Ending twice is allowed.
func (p *Prompter) endWait(q *question, wait *cardWait) {
	p.mu.Lock()
	if i := slices.Index(q.waits, wait); i >= 0 {
		q.waits = slices.Delete(q.waits, i, i+1)
		if len(q.waits) == 0 {
			p.removeLocked(q)
		}
	}
	p.mu.Unlock()
	p.post(p.advance)
}

// cancelWaits tells everyone who waits for this card that the person gave up.
func (p *Prompter) cancelWaits(q *question) {
	p.mu.Lock()
	for _, wait := range q.waits {
		close(wait.cancelled)
	}
	q.waits = nil
	p.removeLocked(q)
	p.mu.Unlock()
	p.post(p.advance)
}

// waitOf is the latest prompt behind a question that waits for a card; false once nothing waits any more.
func (p *Prompter) waitOf(q *question) (keystore.WaitPrompt, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(q.waits) == 0 {
		return keystore.WaitPrompt{}, false
	}
	return q.waits[len(q.waits)-1].prompt, true
}

// waitView shows what is in the way of a card and what ends the waiting. Nothing has to be pressed when it ends.
type waitView struct {
	q        *question
	prompter *Prompter
	title    *widget.Text
	sentence *widget.Paragraph
	table    *widget.Table
	key      *widget.KeyPicture
	cancel   *widget.Button
}

func newWaitView(q *question, p *Prompter) *waitView {
	v := &waitView{
		q: q, prompter: p,
		title:    widget.NewText("", widget.Heading),
		sentence: widget.NewParagraph("", widget.Muted, dialogWidth),
		table:    widget.NewTable(dialogWidth),
		key:      widget.NewKeyPicture(200),
	}
	v.cancel = widget.NewButton("Cancel", widget.Secondary, func() { q.close(reply{err: context.Canceled}) })
	v.update()
	return v
}

func (v *waitView) content() fyne.CanvasObject {
	state := widget.NewText("Waiting…", widget.Small.In(widget.ColorWarn))
	return widget.Column(14, widget.Column(5, v.title, v.sentence), container.NewCenter(v.key), v.table,
		widget.Ends(state, v.cancel))
}

func (v *waitView) update() {
	p, waiting := v.prompter.waitOf(v.q)
	if !waiting {
		return // it ended between the ask and the drawing; the dialog goes away next
	}
	v.title.SetText(waitTitle(p.Reason))
	v.sentence.SetText(p.Fault.What + " " + p.Fault.Do)
	v.table.Set(purposePairs(p.Card, 0, p.Purpose))
	v.key.SetFaded(p.Reason == keystore.WaitInsert)
}

// waitTitle is what is waited for, in a few words.
func waitTitle(reason keystore.WaitReason) string {
	switch reason {
	case keystore.WaitRelease:
		return "Your YubiKey is in use"
	case keystore.WaitService:
		return "The smart-card service is not running"
	default:
		return "Plug in your YubiKey"
	}
}

func (v *waitView) tick(time.Time)        {}
func (v *waitView) focus() fyne.Focusable { return v.cancel }
func (v *waitView) submit()               {}
func (v *waitView) wipe()                 {}
