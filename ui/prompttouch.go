package ui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// touchTime is how long a key waits for a touch before it gives up (hardware-key sheet, touch policies).
const touchTime = 15 * time.Second

// ShowTouch shows that a card waits for a touch. It returns at once.
func (p *Prompter) ShowTouch(_ context.Context, prompt keystore.TouchPrompt) (cancelled <-chan struct{}, done func()) {
	until := prompt.Until
	if until.IsZero() {
		until = p.now().Add(touchTime)
	}
	return p.share(&sharer{touch: &prompt, until: until})
}

// waitingFor is the prompts behind a touch question and when the card gives up waiting. Of two for the same purpose the
// later one counts: a card that was not touched in time is asked again before the first prompt ends.
func (p *Prompter) waitingFor(q *question) (prompts []keystore.TouchPrompt, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range q.sharers {
		if s.touch == nil {
			continue // a question for something else
		}
		prompts = slices.DeleteFunc(prompts, func(before keystore.TouchPrompt) bool {
			return before.Slot == s.touch.Slot && before.Purpose == s.touch.Purpose
		})
		prompts = append(prompts, *s.touch)
		until = s.until
	}
	return prompts, until
}

// touchView shows the key whose contact blinks, the seconds left, and who waits for the touch.
type touchView struct {
	q        *question
	prompter *Prompter
	sentence *widget.Paragraph
	table    *widget.Table
	ring     *widget.TouchRing
	key      *widget.KeyPicture
	state    *widget.Text
	cancel   *widget.Button
	until    time.Time
	missed   int
}

func newTouchView(q *question, p *Prompter) *touchView {
	v := &touchView{
		q: q, prompter: p,
		sentence: widget.NewParagraph("", widget.Muted, dialogWidth),
		table:    widget.NewTable(dialogWidth),
		key:      widget.NewKeyPicture(200),
		state:    widget.NewText("", widget.Small),
	}
	v.ring = widget.NewTouchRing(touchTime, 132)
	v.key.SetLit(true)
	v.cancel = widget.NewButton("Cancel", widget.Secondary, func() { q.close(reply{err: context.Canceled}) })
	v.update()
	return v
}

func (v *touchView) content() fyne.CanvasObject {
	head := widget.Column(5, widget.NewText("Touch your security key", widget.Heading), v.sentence)
	pictures := container.NewCenter(widget.Row(56, v.key, widget.Middle(v.ring)))
	return widget.Column(14, head, pictures, v.table, widget.Ends(v.state, v.cancel))
}

// update shows who waits: several asks for one key share this card.
func (v *touchView) update() {
	prompts, until := v.prompter.waitingFor(v.q)
	if len(prompts) == 0 {
		return // answered between the ask and the drawing; the card goes away next
	}
	v.until, v.missed = until, prompts[len(prompts)-1].Missed
	v.sentence.SetText(touchSentence(prompts))
	v.table.Set(touchPairs(prompts))
	v.tick(v.prompter.now())
}

// touchSentence says what the touch is for.
func touchSentence(prompts []keystore.TouchPrompt) string {
	if n := len(prompts); n > 1 {
		return fmt.Sprintf("One touch confirms all %d things that wait for this key.", n)
	}
	return gestureSentence(prompts[0].Purpose, "touch")
}

// gestureSentence says what wants a tap or a touch.
func gestureSentence(p keystore.Purpose, gesture string) string {
	what := cmp.Or(p.What, "This")
	if p.Where != "" {
		what += " on " + p.Where
	}
	return what + " needs a " + gesture + " to confirm it is you."
}

func touchPairs(prompts []keystore.TouchPrompt) []widget.Pair {
	first := prompts[0]
	pairs := purposePairs(first.Card, first.Slot, first.Purpose)
	for _, also := range prompts[1:] {
		pairs = append(pairs, widget.Pair{Name: "Also", Value: also.Purpose.What + " (" + also.Purpose.Where + ")"})
	}
	switch n := prompts[len(prompts)-1].Waiting; {
	case n == 1:
		pairs = append(pairs, widget.Pair{Name: "Then", Value: "one more request waits for this key"})
	case n > 1:
		pairs = append(pairs, widget.Pair{Name: "Then", Value: fmt.Sprintf("%d more requests wait for this key", n)})
	}
	return pairs
}

func (v *touchView) tick(now time.Time) {
	left := v.until.Sub(now)
	v.ring.SetLeft(left)
	v.key.SetLit(left <= 0 || left%time.Second > 400*time.Millisecond)
	text := "Waiting for touch…"
	switch {
	case left <= 0:
		text = "No touch came. Touch it now, or cancel and try again."
	case v.missed > 0:
		text = "No touch came in time. The key waits once more."
	}
	v.state.Set(text, widget.Small.In(widget.ColorWarn))
}

func (v *touchView) focus() fyne.Focusable { return v.cancel }
func (v *touchView) submit()               {}
func (v *touchView) wipe()                 {}
