package ui

import (
	"context"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// ChooseCard asks which of several cards a new key is to live on.
func (p *Prompter) ChooseCard(ctx context.Context, prompt keystore.ChoosePrompt) (uint32, error) {
	r := p.ask(ctx, &question{choose: &prompt})
	return r.serial, r.err
}

// chooseView has a button for each card, in the order of the readers.
type chooseView struct {
	passive
	q      *question
	cards  []*widget.Button
	cancel *widget.Button
}

func newChooseView(q *question) *chooseView {
	v := &chooseView{q: q}
	for _, card := range q.choose.Cards {
		v.cards = append(v.cards, widget.NewButton(cardName(card.CardID), widget.Secondary, func() {
			q.close(reply{serial: card.Serial})
		}))
	}
	v.cancel = widget.NewButton("Cancel", widget.Secondary, func() { q.close(reply{err: context.Canceled}) })
	return v
}

func (v *chooseView) content() fyne.CanvasObject {
	p := v.q.choose
	cards := widget.Column(widget.SpaceS)
	for _, card := range v.cards {
		cards.Add(card)
	}
	pairs := []widget.Pair{
		{Name: "Cluster", Value: p.Purpose.Where}, {Name: "Purpose", Value: p.Purpose.What}, {Name: "Program", Value: p.Purpose.Program},
	}
	return widget.Column(14,
		promptHead("Which YubiKey?", "Several are plugged in. A new key is made on the one that you choose; the others are left alone."),
		widget.NewTable(dialogWidth, pairs...), cards, widget.Ends(nil, v.cancel))
}

func (v *chooseView) focus() fyne.Focusable { return v.cards[0] }
func (v *chooseView) submit()               {}
func (v *chooseView) wipe()                 {}
