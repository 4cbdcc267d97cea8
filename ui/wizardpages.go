package ui

import (
	"context"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// servicePage waits for the system's smart-card service.
type servicePage struct {
	work
	problem *banner
	cancel  context.CancelFunc
}

func newServicePage(w work) *servicePage {
	p := &servicePage{work: w, problem: newBanner(w.width, nil)}
	p.problem.changed = w.changed
	return p
}

func (p *servicePage) head() (string, string) {
	return "The smart-card service is not running", "Touchstone talks to your security key through it."
}

func (p *servicePage) content() fyne.CanvasObject { return p.problem.box }
func (p *servicePage) focus() fyne.Focusable      { return nil }

func (p *servicePage) next() (string, bool) {
	if p.cancel != nil {
		return "Checking…", false
	}
	return "Check again", true
}

func (p *servicePage) submit() {
	if p.cancel != nil {
		return
	}
	p.cancel = p.loop.run(p.keys.Refresh, func(err error) {
		p.cancel = nil
		if err != nil {
			p.problem.showError(err)
		}
		p.changed()
	})
	p.changed()
}

func (p *servicePage) show(_ session.Snapshot, k keystore.Snapshot) { p.problem.show(k.Problem) }

func (p *servicePage) close() {
	if p.cancel != nil {
		p.cancel()
	}
}

// keyPage waits for a key and lets the person pick one of several.
type keyPage struct {
	work
	cards   []keystore.CardState
	chosen  int
	done    func(keystore.CardState)
	picture *widget.KeyPicture
	found   *widget.Text
	hint    *widget.Paragraph
	choices *fyne.Container
	problem *banner
}

func newKeyPage(w work, done func(keystore.CardState)) *keyPage {
	p := &keyPage{
		work: w, done: done,
		picture: widget.NewKeyPicture(230),
		found:   widget.NewText("", widget.Strong),
		hint:    widget.NewParagraph("", widget.Small, w.width-200),
		choices: widget.Column(widget.SpaceXS),
		problem: newBanner(w.width, nil),
	}
	p.problem.changed = w.changed
	return p
}

func (p *keyPage) head() (string, string) {
	if len(p.cards) == 0 {
		return "Plug in your security key", "A YubiKey 5 or newer. Touchstone notices it by itself."
	}
	return "Security key found", "Your private key is made inside it and never leaves it."
}

func (p *keyPage) content() fyne.CanvasObject {
	words := widget.Middle(widget.Column(6, p.found, p.hint, p.choices))
	panel := widget.Inset(18, 24, 18, 30, widget.Row(30, p.picture, words))
	return widget.Column(widget.SpaceM, widget.AtLeast(p.width, 0, widget.NewBox(widget.Card, panel)), p.problem.box)
}

func (p *keyPage) focus() fyne.Focusable { return nil }

func (p *keyPage) next() (string, bool) {
	if len(p.cards) == 0 {
		return "Waiting for a key…", false
	}
	return "Continue", p.cards[p.chosen].Problem == nil
}

func (p *keyPage) submit() {
	if _, enabled := p.next(); enabled {
		p.done(p.cards[p.chosen])
	}
}

func (p *keyPage) show(_ session.Snapshot, k keystore.Snapshot) {
	p.cards = k.Cards
	p.chosen = min(p.chosen, max(len(p.cards)-1, 0))
	p.picture.SetFaded(len(p.cards) == 0)
	p.choices.Objects = nil
	if len(p.cards) == 0 {
		p.found.SetText("No security key yet")
		p.hint.SetText("Waiting for one to be plugged in.")
		p.problem.show(nil)
		return
	}
	card := p.cards[p.chosen]
	p.found.SetText(cardName(card.CardID))
	p.hint.SetText(keyText(card))
	p.problem.show(card.Problem)
	if len(p.cards) > 1 {
		p.addChoices()
	}
	p.choices.Refresh()
}

// addChoices lists the keys when there are several.
func (p *keyPage) addChoices() {
	for i, card := range p.cards {
		item := widget.Item{Icon: assets.IconKey, Color: widget.ColorAccent, Title: cardName(card.CardID), Active: i == p.chosen}
		p.choices.Add(widget.AtLeast(240, 0, widget.NewNavItem(item, func() {
			p.chosen = i
			p.show(session.Snapshot{}, keystore.Snapshot{Cards: p.cards})
			p.changed()
		})))
	}
}

func (p *keyPage) close() {}

// pinPage asks for the new PIN.
type pinPage struct {
	work
	form *newSecretForm
	done func(pin *secret.Bytes)
}

func newPINPage(w work, done func(pin *secret.Bytes)) *pinPage {
	return &pinPage{work: w, done: done, form: newNewSecretForm("PIN", keystore.CheckNewPIN, w.changed)}
}

func (p *pinPage) head() (string, string) {
	return "Choose a PIN", "You type it to use the key. It never leaves this computer and your key."
}

func (p *pinPage) content() fyne.CanvasObject {
	return widget.Column(widget.SpaceL, widget.AtLeast(p.width, 0, p.form.content()),
		notice(assets.IconLock, "Three wrong PINs block the key. The PUK from the next step unblocks it.", widget.ColorWarn, p.width))
}

func (p *pinPage) focus() fyne.Focusable { return p.form.first.entry }

func (p *pinPage) next() (string, bool) { return "Continue", p.form.valid() }

func (p *pinPage) submit() {
	if p.form.valid() {
		p.done(p.form.take())
	}
}

func (p *pinPage) show(session.Snapshot, keystore.Snapshot) {}
func (p *pinPage) close()                                   { p.form.wipe() }

// pukPage asks for the new PUK, or for the present one of a key whose PUK was chosen before, and then sets both.
type pukPage struct {
	work
	card    keystore.CardState
	pin     *secret.Bytes
	form    *newSecretForm // while the PUK is the factory one
	present *secretField   // otherwise
	problem *banner
	done    func()
	cancel  context.CancelFunc
}

func newPUKPage(w work, card keystore.CardState, pin *secret.Bytes, done func()) *pukPage {
	p := &pukPage{work: w, card: card, pin: pin, done: done, problem: newBanner(w.width, nil)}
	p.problem.changed = w.changed
	if card.PUKIsDefault {
		p.form = newNewSecretForm("PUK", checkPUK(pin.Reveal), w.changed)
		return p
	}
	p.present = newSecretField("PUK", maxPIN)
	p.present.entry.OnChanged = w.changed
	return p
}

func (p *pukPage) head() (string, string) {
	if p.form == nil {
		return "Enter the PUK", "This key already has a PUK of its own. It allows the new PIN to be set."
	}
	return "Choose a PUK", "It unblocks the PIN on a bad day. Write it down and keep it away from the key."
}

func (p *pukPage) content() fyne.CanvasObject {
	var fields fyne.CanvasObject
	if p.form != nil {
		fields = p.form.content()
	} else {
		fields = labelled("PUK of this key", p.present.entry)
	}
	warning := "PIN and PUK lost, the key can only be reset: everything on it is gone then."
	return widget.Column(widget.SpaceL, widget.AtLeast(p.width, 0, fields),
		notice(assets.IconInfo, warning, widget.ColorWarn, p.width), p.problem.box)
}

func (p *pukPage) focus() fyne.Focusable {
	if p.form != nil {
		return p.form.first.entry
	}
	return p.present.entry
}

func (p *pukPage) next() (string, bool) {
	if p.cancel != nil {
		return "Setting PIN and PUK…", false
	}
	if p.form != nil {
		return "Set PIN and PUK", p.form.valid()
	}
	return "Set PIN", p.present.entry.Len() >= 6
}

func (p *pukPage) submit() {
	if _, enabled := p.next(); !enabled {
		return
	}
	p.problem.show(nil)
	pin, puk := p.pin.Clone(), p.puk()
	p.cancel = p.loop.run(func(ctx context.Context) error {
		defer pin.Wipe()
		defer puk.Wipe()
		return p.keys.SetPINAndPUK(ctx, p.card.Serial, pin, puk)
	}, func(err error) {
		p.cancel = nil
		p.problem.showError(err)
		p.changed()
		if err == nil {
			p.done()
		}
	})
	p.changed()
}

func (p *pukPage) puk() *secret.Bytes {
	if p.form != nil {
		return p.form.take()
	}
	return p.present.take()
}

func (p *pukPage) show(session.Snapshot, keystore.Snapshot) {}

func (p *pukPage) close() {
	if p.cancel != nil {
		p.cancel()
	}
	if p.form != nil {
		p.form.wipe()
		return
	}
	p.present.wipe()
}
