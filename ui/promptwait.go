package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// ShowWait shows that a request waits for its card: to be plugged in, to be let go by another program, or for the
// smart-card service. It returns at once.
func (p *Prompter) ShowWait(_ context.Context, prompt keystore.WaitPrompt) (cancelled <-chan struct{}, done func()) {
	return p.share(&sharer{wait: &prompt})
}

// waitOf is the latest prompt behind a question that waits for a card; false once nothing waits any more.
func (p *Prompter) waitOf(q *question) (keystore.WaitPrompt, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(q.sharers) == 0 {
		return keystore.WaitPrompt{}, false
	}
	return *q.sharers[len(q.sharers)-1].wait, true
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
