package ui

import (
	"context"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/ui/widget"
)

// keyDialog is the card of one change of a key: a form, what is at stake, what went wrong, and one button that does it.
// Return presses the button, Escape gives up: also while the key is at work.
type keyDialog struct {
	modals  *modals
	loop    *loop
	card    *modal
	problem *banner
	ok      *widget.Button
	refusal *widget.Button // Cancel, unless another word says better what stays
	label   string         // of ok
	busy    string         // of ok while the key is at work

	valid func() bool
	// start takes what was typed, on the Fyne thread, and returns the work.
	start func() func(context.Context) error
	// done runs when the work ended well, failed when it did not and the dialog goes on.
	done   func()
	failed func(error)
	// wipe ends the secrets that were typed.
	wipe   func()
	cancel context.CancelFunc // set while the key is at work
	left   func()             // runs when the dialog has gone
}

// newKeyDialog makes a dialog with a button of that rank. Whoever makes it fills in the rest and then shows it.
func newKeyDialog(w *Window, label, busy string, style widget.ButtonStyle) *keyDialog {
	d := &keyDialog{modals: w.modals, loop: w.loop, card: &modal{}, label: label, busy: busy}
	d.problem = newBanner(dialogWidth, nil)
	d.problem.changed = d.card.refresh
	d.ok = widget.NewButton(label, style, d.submit)
	d.refusal = widget.NewButton("Cancel", widget.Secondary, d.giveUp)
	d.valid, d.done, d.failed, d.wipe, d.left = func() bool { return true }, func() {}, func(error) {}, func() {}, func() {}
	return d
}

// show opens the dialog over the window. The first control has the keyboard unless focus says another.
func (d *keyDialog) show(focus fyne.Focusable, content ...fyne.CanvasObject) {
	content = append(content, d.problem.box, widget.Ends(nil, widget.Row(10, d.refusal, d.ok)))
	d.card.content = widget.Column(14, content...)
	d.card.submit, d.card.cancel = d.submit, d.giveUp
	d.card.focus = func() fyne.Focusable { return focus }
	d.update()
	d.modals.show(d.card)
}

// update brings the button in line with what was typed.
func (d *keyDialog) update() {
	label := d.label
	if d.cancel != nil {
		label = d.busy
	}
	d.ok.SetText(label)
	d.ok.SetDisabled(d.cancel != nil || !d.valid())
	d.card.refresh()
}

func (d *keyDialog) submit() {
	if d.ok.Disabled() {
		return
	}
	d.problem.show(nil)
	d.cancel = d.loop.run(d.start(), d.ended)
	d.update()
}

// ended closes the dialog or says in place what went wrong.
func (d *keyDialog) ended(err error) {
	abandoned := d.abandoned()
	d.cancel = nil
	switch {
	case err == nil:
		d.close()
		d.done()
	case abandoned:
		d.close()
	default:
		d.problem.showError(err)
		d.failed(err)
		d.update()
	}
}

// abandoned says that the person gave up while the key was at work.
func (d *keyDialog) abandoned() bool { return d.card.cancel == nil }

// giveUp closes the dialog, after the work if there is some.
func (d *keyDialog) giveUp() {
	if d.cancel == nil {
		d.close()
		return
	}
	d.card.cancel = nil
	d.cancel()
}

func (d *keyDialog) close() {
	d.modals.hide(d.card)
	d.wipe()
	d.left()
}
