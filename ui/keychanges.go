package ui

import (
	"context"
	"errors"
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// secretChange is what tells the dialogs apart that replace a PIN or PUK.
type secretChange struct {
	title, sentence string
	shown           string                 // the secret that allows it: "PIN" or "PUK"
	state           keystore.SecretDetails // of the one shown
	fresh           string                 // the secret that is replaced
	check           func([]byte) error     // what may become of it
	label, busy     string
	do              func(ctx context.Context, serial uint32, shown, fresh *secret.Bytes, last keystore.LastAttempt) error
	done            string                     // the news afterwards
	blocked         func(keystore.CardDetails) // what helps when no attempt is left
	blockedLabel    string
}

func (w *Window) changePIN(d keystore.CardDetails) {
	w.changeSecret(d, secretChange{
		title: "Change the PIN", sentence: "The new PIN holds at once, for every program that uses this key.",
		shown: "PIN", state: d.PIN, fresh: "PIN", check: keystore.CheckNewPIN,
		label: "Change PIN", busy: "Changing…", do: w.deps.Keys.ChangePIN,
		done: "The PIN of " + cardName(d.CardID) + " was changed.", blocked: w.unblockPIN, blockedLabel: "Unblock with PUK",
	})
}

func (w *Window) changePUK(d keystore.CardDetails) {
	w.changeSecret(d, secretChange{
		title: "Change the PUK", sentence: "The PUK unblocks the PIN on a bad day. Write it down and keep it away from the key.",
		shown: "PUK", state: d.PUK, fresh: "PUK", check: checkPUK(func() []byte { return nil }),
		label: "Change PUK", busy: "Changing…", do: w.deps.Keys.ChangePUK,
		done: "The PUK of " + cardName(d.CardID) + " was changed.", blocked: w.resetKey, blockedLabel: "Reset key…",
	})
}

func (w *Window) unblockPIN(d keystore.CardDetails) {
	w.changeSecret(d, secretChange{
		title: "Unblock the PIN", sentence: "With the PUK a PIN that is blocked or forgotten gets a successor. No key is lost.",
		shown: "PUK", state: d.PUK, fresh: "PIN", check: keystore.CheckNewPIN,
		label: "Set new PIN", busy: "Setting…", do: w.deps.Keys.UnblockPIN,
		done: "The PIN of " + cardName(d.CardID) + " was set.", blocked: w.resetKey, blockedLabel: "Reset key…",
	})
}

// secretDialog shows one secret to the key and replaces one.
type secretDialog struct {
	*keyDialog
	secretChange
	key     keystore.CardDetails
	present *secretField
	form    *newSecretForm
	stakes  *fyne.Container // what is left before the shown secret is blocked
	last    keystore.LastAttempt
	over    bool // no attempt is left
	window  *Window
}

func (w *Window) changeSecret(key keystore.CardDetails, ch secretChange) {
	d := &secretDialog{
		keyDialog: newKeyDialog(w, ch.label, ch.busy, widget.Primary), secretChange: ch, key: key, window: w,
		present: newSecretField("Present "+ch.shown, maxPIN), stakes: container.NewVBox(),
	}
	d.form = newNewSecretForm(ch.fresh, ch.check, d.update)
	d.present.entry.OnChanged = d.update
	d.keyDialog.valid, d.keyDialog.start, d.keyDialog.failed = d.valid, d.start, d.failed
	d.keyDialog.done = func() { w.keyChanged(ch.done) }
	d.keyDialog.left = w.main.key.readAgain
	d.keyDialog.wipe = func() {
		d.present.wipe()
		d.form.wipe()
	}
	d.showStakes(ch.state.AttemptsLeft)
	d.show(d.present.entry,
		promptHead(ch.title, ch.sentence),
		widget.NewTable(dialogWidth, widget.Pair{Name: "Key", Value: cardName(key.CardID)}),
		labelled("Present "+ch.shown, d.present.entry),
		d.stakes,
		widget.NewHairline(),
		d.form.compact(),
	)
}

func (d *secretDialog) valid() bool {
	n := d.present.entry.Len()
	return d.over || n >= 6 && n <= 8 && d.form.valid()
}

// start hands copies of what was typed to the work, which wipes them.
func (d *secretDialog) start() func(context.Context) error {
	shown, fresh, last := d.present.take(), d.form.take(), d.last
	d.last = keystore.KeepLast // every other attempt is asked for anew
	return func(ctx context.Context) error {
		defer shown.Wipe()
		defer fresh.Wipe()
		return d.do(ctx, d.key.Serial, shown, fresh, last)
	}
}

// failed prepares the next try: after a wrong secret, before the last attempt, and when there is none left.
func (d *secretDialog) failed(err error) {
	pin, puk := (*keystore.WrongPINError)(nil), (*keystore.WrongPUKError)(nil)
	switch {
	case errors.As(err, &pin):
		d.wrong(pin.AttemptsLeft)
	case errors.As(err, &puk):
		d.wrong(puk.AttemptsLeft)
	case errors.Is(err, keystore.ErrLastAttempt):
		d.last = keystore.SpendLast
		d.showStakes(1)
		d.relabel("Use the last attempt", widget.Danger)
	case errors.Is(err, keystore.ErrPINBlocked) && d.shown == "PIN", errors.Is(err, keystore.ErrPUKBlocked):
		d.finish()
	}
}

// wrong empties the field of the secret that the key refused.
func (d *secretDialog) wrong(left int) {
	d.relabel(d.secretChange.label, widget.Primary)
	d.present.entry.Wipe()
	d.present.entry.SetWrong(true)
	d.showStakes(left)
	d.modals.canvas.Focus(d.present.entry)
}

// finish turns the button into the way out when no attempt is left.
func (d *secretDialog) finish() {
	d.over = true
	d.showStakes(0)
	d.present.entry.SetDisabled(true)
	d.form.first.entry.SetDisabled(true)
	d.form.second.entry.SetDisabled(true)
	d.relabel(d.blockedLabel, widget.Primary)
	d.keyDialog.ok.OnTapped = func() {
		d.close()
		d.blocked(d.key)
	}
	d.card.submit = d.keyDialog.ok.OnTapped
}

func (d *secretDialog) relabel(label string, style widget.ButtonStyle) {
	d.keyDialog.label = label
	d.ok.SetStyle(style)
	d.update()
}

// showStakes says how many attempts are left: quiet while all is well.
func (d *secretDialog) showStakes(left int) {
	d.stakes.Objects = nil
	d.stakes.Hidden = left == keystore.AttemptsUnknown || left == 0
	switch {
	case d.stakes.Hidden:
	case left == 1:
		d.stakes.Add(notice(assets.IconLock, fmt.Sprintf("One attempt left. A wrong %s blocks it.", d.shown), widget.ColorDanger, dialogWidth))
	default:
		d.stakes.Add(widget.NewParagraph(fmt.Sprintf("%d attempts left before the %s is blocked.", left, d.shown), widget.Small, dialogWidth))
	}
	d.stakes.Refresh()
	d.card.refresh()
}

// setUpKey replaces the factory PIN of a key, and its PUK or on the PUK's authority.
func (w *Window) setUpKey(key keystore.CardDetails) {
	d := newKeyDialog(w, "Set PIN and PUK", "Setting…", widget.Primary)
	pin := newNewSecretForm("PIN", keystore.CheckNewPIN, d.update)
	puk := newNewSecretForm("PUK", checkPUK(pin.first.entry.Bytes), d.update)
	present := newSecretField("Present PUK", maxPIN)
	present.entry.OnChanged = d.update
	ownPUK := key.PUK.Ownership != keystore.OwnershipFactory
	authority := puk.take
	lower := puk.compact()
	if ownPUK {
		d.label, authority = "Set PIN", present.take
		lower = labelled("Present PUK", present.entry)
	}
	d.valid = func() bool {
		n := present.entry.Len()
		return pin.valid() && (!ownPUK && puk.valid() || ownPUK && n >= 6 && n <= 8)
	}
	d.start = func() func(context.Context) error {
		newPIN, with := pin.take(), authority()
		return func(ctx context.Context) error {
			defer newPIN.Wipe()
			defer with.Wipe()
			return w.deps.Keys.SetPINAndPUK(ctx, key.Serial, newPIN, with)
		}
	}
	d.wipe = func() { pin.wipe(); puk.wipe(); present.wipe() }
	d.done = func() { w.keyChanged(cardName(key.CardID) + " has a PIN of your own now.") }
	d.left = w.main.key.readAgain
	d.show(pin.first.entry,
		promptHead("Choose a PIN", cardName(key.CardID)+" still has its factory PIN, which everybody knows."),
		pin.compact(), widget.NewHairline(),
		widget.NewParagraph("The PUK unblocks the PIN on a bad day. Write it down and keep it away from the key.", widget.Small, dialogWidth),
		lower)
}

// keyChanged tells on the key's page what was done.
func (w *Window) keyChanged(news string) { w.main.key.tell(news) }
