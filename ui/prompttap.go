package ui

import (
	"context"
	"strings"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// tapTime is how long most security keys blink for FIDO before they give up (virtual-key sheet, 3.3).
const tapTime = 30 * time.Second

// tap is one wait for a tap of a security key, or for the key itself.
type tap struct {
	prompt keystore.TapPrompt
	since  time.Time
}

// ShowTap shows that security keys wait for a tap. It returns at once. The key store shows one tap at a time, so that
// no tap serves two things.
func (p *Prompter) ShowTap(_ context.Context, prompt keystore.TapPrompt) (cancelled <-chan struct{}, done func()) {
	given := make(chan struct{})
	giveUp := sync.OnceFunc(func() { close(given) })
	q := &question{tap: &tap{prompt: prompt, since: p.now()}}
	end := func() {
		p.mu.Lock()
		p.removeLocked(q)
		p.mu.Unlock()
		p.post(p.advance)
	}
	q.close = func(reply) {
		end()
		giveUp()
	}
	p.mu.Lock()
	p.queue = append(p.queue, q)
	p.mu.Unlock()
	p.post(p.advance)
	return given, end
}

// tapView shows the security key that blinks, the seconds left, what the tap is for, and the way round it where there
// is one. Before a key is plugged in it waits for that.
type tapView struct {
	q      *question
	ring   *widget.TouchRing
	key    *widget.KeyPicture
	state  *widget.Text
	code   *widget.Button // nil where only a tap will do
	cancel *widget.Button
}

func newTapView(q *question, now func() time.Time) *tapView {
	v := &tapView{
		q:     q,
		ring:  widget.NewTouchRing(tapTime, 132),
		key:   widget.NewKeyPicture(200),
		state: widget.NewText("", widget.Small),
	}
	v.key.SetFaded(!v.plugged())
	v.cancel = widget.NewButton("Cancel", widget.Secondary, func() { q.close(reply{err: context.Canceled}) })
	if q.tap.prompt.UseCode != nil {
		v.code = widget.NewButton("Use a one-time code instead", widget.Secondary, q.tap.prompt.UseCode)
	}
	v.tick(now())
	return v
}

// plugged says whether a key is there that can be tapped.
func (v *tapView) plugged() bool { return len(v.q.tap.prompt.Keys) > 0 }

func (v *tapView) content() fyne.CanvasObject {
	p := v.q.tap.prompt
	var pictures fyne.CanvasObject = v.key
	if v.plugged() {
		pictures = widget.Row(56, v.key, widget.Middle(v.ring))
	}
	buttons := widget.Row(10, v.cancel)
	column := widget.Column(14, promptHead(tapTitle(p), tapSentence(p)), container.NewCenter(pictures),
		widget.NewTable(dialogWidth, tapPairs(p)...))
	if v.code == nil {
		column.Add(widget.Ends(v.state, buttons))
		return column
	}
	buttons.Objects = []fyne.CanvasObject{v.code, v.cancel}
	column.Add(v.state)
	column.Add(widget.Ends(nil, buttons))
	return column
}

// tapTitle is what to do now.
func tapTitle(p keystore.TapPrompt) string {
	switch len(p.Keys) {
	case 0:
		return "Plug in your security key"
	case 1:
		return "Tap your security key"
	default:
		return "Tap one of your security keys"
	}
}

// tapSentence says what the tap is for and, of several keys, which ones will do.
func tapSentence(p keystore.TapPrompt) string {
	sentence := gestureSentence(p.Purpose, "tap")
	switch {
	case len(p.Keys) == 0:
		return sentence + " Touchstone notices the key that you registered by itself."
	case len(p.Keys) > 1:
		return sentence + " Any key that blinks will do."
	default:
		return sentence
	}
}

func tapPairs(p keystore.TapPrompt) []widget.Pair {
	key := widget.Pair{Name: "Key", Value: strings.Join(p.Keys, " or ")}
	if len(p.Keys) > 1 {
		key.Name = "Keys"
	}
	return []widget.Pair{
		{Name: "Cluster", Value: p.Purpose.Where}, {Name: "Purpose", Value: p.Purpose.What},
		{Name: "Program", Value: p.Purpose.Program}, key,
	}
}

func (v *tapView) tick(now time.Time) {
	passed := now.Sub(v.q.tap.since)
	warn := widget.Small.In(widget.ColorWarn)
	if !v.plugged() {
		v.state.Set("Waiting for a key…", warn)
		return
	}
	v.ring.SetLeft(tapTime - passed)
	v.key.SetLit(passed >= tapTime || passed%time.Second < 600*time.Millisecond)
	v.state.Set("Waiting for a tap…", warn)
	if passed >= tapTime {
		v.state.Set("No tap came yet. Tap it now, or cancel.", warn)
	}
}

// focus is on the harmless way out; Tab leads to the code.
func (v *tapView) focus() fyne.Focusable { return v.cancel }
func (v *tapView) update()               {}
func (v *tapView) submit()               {}
func (v *tapView) wipe()                 {}
