package ui

import (
	"context"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// questionView is the card of one kind of question.
type questionView interface {
	content() fyne.CanvasObject
	focus() fyne.Focusable
	submit() // Return
	// update brings the card up to date when something else about the question changed.
	update()
	// tick moves whatever counts time.
	tick(now time.Time)
	// wipe ends the secrets that were typed.
	wipe()
}

// promptLayer shows questions as cards above the window.
type promptLayer struct {
	prompter *Prompter
	modals   *modals
	now      func() time.Time
	call     func(*question) // gets the person's attention
	answered func(*question) // runs when a question has gone
	copy     func(string)    // to the clipboard
	// gestures is what the sign-in to the cluster of that name wants of the person.
	gestures func(cluster string) []session.Gesture

	question *question
	view     questionView
	card     *modal
	list     *gestureList
	beside   *fyne.Container // holds the list while the question belongs to a sign-in
	waiting  *widget.Text
	counting atomic.Bool // a count-down is in sight
}

func newPromptLayer(p *Prompter, m *modals, now func() time.Time) *promptLayer {
	return &promptLayer{
		prompter: p, modals: m, now: now, waiting: widget.NewText("", widget.Hint),
		call: func(*question) {}, answered: func(*question) {}, copy: func(string) {}, gestures: func(string) []session.Gesture { return nil },
	}
}

func (l *promptLayer) showQuestion(q *question, waiting int) {
	if l.question == q {
		l.view.update()
		l.showGestures()
		l.showWaiting(waiting)
		return
	}
	l.question, l.view = q, l.newView(q)
	l.counting.Store(q.tap != nil || q.isTouch())
	l.waiting = widget.NewText("", widget.Hint)
	l.list = newGestureList()
	l.beside = widget.Inset(0, 0, 0, widget.SpaceXL, container.NewVBox(l.list.root))
	l.card = &modal{
		content: widget.Border(nil, nil, l.beside, widget.AtLeast(dialogWidth, 0, widget.Column(10, l.view.content(), l.waiting))),
		focus:   l.view.focus,
		submit:  l.view.submit,
		cancel:  func() { q.close(reply{err: context.Canceled}) },
	}
	l.view.tick(l.now())
	l.showGestures()
	l.showWaiting(waiting)
	l.modals.show(l.card)
	l.call(q)
}

// showGestures brings the list beside the question up to date; it is there while its cluster is signed in to.
func (l *promptLayer) showGestures() {
	if l.question == nil {
		return
	}
	l.beside.Hidden = !l.list.show(during(l.question.gesture(), l.gestures(clusterOf(l.question, l.prompter))))
	l.card.refresh()
}

// showWaiting says how many other questions wait; the line is gone when none does.
func (l *promptLayer) showWaiting(n int) {
	l.waiting.SetText(waitingText(n))
	l.waiting.Hidden = n <= 0
	l.card.refresh()
}

func (l *promptLayer) hideQuestion(q *question) {
	l.counting.Store(false)
	l.modals.hide(l.card)
	l.view.wipe()
	l.question, l.view, l.card = nil, nil, nil
	l.answered(q)
}

// tick moves the count-down of a touch.
func (l *promptLayer) tick(now time.Time) {
	if l.view != nil {
		l.view.tick(now)
	}
}

func (l *promptLayer) newView(q *question) questionView {
	switch {
	case q.pin != nil:
		return newPINView(q)
	case q.newPIN != nil:
		return newChoosePINView(q, func() { l.card.refresh() })
	case q.password != nil:
		return newPasswordView(q)
	case q.otp != nil:
		return newOTPView(q)
	case q.slot != nil:
		return newSlotView(q, func() { l.card.refresh() })
	case q.management != nil:
		return newManagementView(q, l.copy)
	case q.choose != nil:
		return newChooseView(q)
	case q.wait:
		return newWaitView(q, l.prompter)
	case q.tap != nil:
		return newTapView(q, l.now)
	default:
		return newTouchView(q, l.prompter)
	}
}

// summary is a question in the words of a notification.
func summary(q *question) (title, text string) {
	switch {
	case q.pin != nil:
		return "Touchstone needs your PIN", q.pin.Purpose.What + " on " + q.pin.Purpose.Where
	case q.newPIN != nil:
		return "Choose a PIN", cardName(q.newPIN.Card) + " still has its factory PIN."
	case q.password != nil:
		return "Touchstone needs your password", q.password.User + " on " + q.password.Cluster
	case q.otp != nil:
		return "Touchstone needs a one-time code", q.otp.User + " on " + q.otp.Cluster
	case q.slot != nil:
		return slotTitle(*q.slot), q.slot.Why.What
	case q.management != nil:
		return "Touchstone needs the management key", cardName(q.management.Card) + " has one of its own."
	case q.choose != nil:
		return "Which YubiKey?", q.choose.Purpose.What + " on " + q.choose.Purpose.Where
	case q.wait:
		return "Touchstone waits for your YubiKey", "It cannot be used at the moment."
	case q.tap != nil:
		return tapTitle(q.tap.prompt), purposeText(q.tap.prompt.Purpose)
	default:
		return "Touch your security key", "It blinks and waits for you."
	}
}

// clusterOf is the name of the cluster that a question is about.
func clusterOf(q *question, p *Prompter) string {
	switch {
	case q.pin != nil:
		return q.pin.Purpose.Where
	case q.newPIN != nil:
		return q.newPIN.Purpose.Where
	case q.password != nil:
		return q.password.Cluster
	case q.otp != nil:
		return q.otp.Cluster
	case q.slot != nil:
		return q.slot.Purpose.Where
	case q.management != nil:
		return q.management.Purpose.Where
	case q.choose != nil:
		return q.choose.Purpose.Where
	case q.wait:
		w, _ := p.waitOf(q)
		return w.Purpose.Where
	case q.tap != nil:
		return q.tap.prompt.Purpose.Where
	}
	prompts, _ := p.waitingFor(q)
	if len(prompts) == 0 {
		return ""
	}
	return prompts[0].Purpose.Where
}

// promptHead is title and sentence of a card.
func promptHead(title, sentence string) fyne.CanvasObject {
	return widget.Column(5,
		widget.NewText(title, widget.Heading),
		widget.NewParagraph(sentence, widget.Muted, dialogWidth),
	)
}

// promptButtons is the foot of a card: cancel and the one thing to do.
func promptButtons(q *question, ok *widget.Button) fyne.CanvasObject {
	cancel := widget.NewButton("Cancel", widget.Secondary, func() { q.close(reply{err: context.Canceled}) })
	return widget.Ends(nil, widget.Row(10, cancel, ok))
}

// passive is the part of a questionView that most kinds do not need.
type passive struct{}

func (passive) update()        {}
func (passive) tick(time.Time) {}
