package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// AskSlot asks what to do about a slot that is taken.
func (p *Prompter) AskSlot(ctx context.Context, prompt keystore.SlotPrompt) (keystore.SlotAnswer, error) {
	r := p.ask(ctx, &question{slot: &prompt})
	return r.slot, r.err
}

// slotView shows whose the slot is and offers free ones. The keyboard is on Cancel, and what destroys something wants
// the slot typed first.
type slotView struct {
	passive
	q       *question
	cancel  *widget.Button
	burn    *widget.Button // leads to confirm
	confirm *widget.Field
	final   *widget.Button
	sure    fyne.CanvasObject // holds confirm and final; hidden at first
	grown   func()            // the card needs another height
}

func newSlotView(q *question, grown func()) *slotView {
	v := &slotView{q: q, grown: grown}
	slot := q.slot.Found.Slot.String()
	v.cancel = widget.NewButton("Cancel", widget.Secondary, func() { q.close(reply{err: context.Canceled}) })
	v.burn = widget.NewButton("Overwrite…", widget.Danger, v.askSure)
	v.confirm = widget.NewField("Slot to overwrite", slot)
	v.confirm.OnChanged = func(string) { v.final.SetDisabled(!v.isSure()) }
	v.final = widget.NewButton("Overwrite slot "+slot, widget.Danger, v.overwrite)
	v.final.SetDisabled(true)
	return v
}

func slotTitle(p keystore.SlotPrompt) string { return "Slot " + p.Found.Slot.String() + " is taken" }

func (v *slotView) content() fyne.CanvasObject {
	p := v.q.slot
	pairs := purposePairs(p.Card, p.Found.Slot, p.Purpose)
	for _, f := range p.Found.Facts() {
		pairs = append(pairs, widget.Pair{Name: f.Name, Value: f.Value})
	}
	column := widget.Column(14, promptHead(slotTitle(*p), p.Why.What), widget.NewTable(dialogWidth, pairs...))
	if ways := v.ways(); ways != nil {
		column.Add(ways)
	}
	v.sure = widget.Column(widget.SpaceM,
		notice(assets.IconAlert, "Whatever needs the key in this slot stops working, and nothing brings it back. Type "+p.Found.Slot.String()+" to go on.",
			widget.ColorDanger, dialogWidth),
		widget.Border(nil, nil, v.final, v.confirm))
	v.sure.Hide()
	column.Add(v.sure)
	column.Add(widget.Ends(v.burn, v.cancel))
	return column
}

// ways is what can be done without harm; nil where there is nothing.
func (v *slotView) ways() fyne.CanvasObject {
	row := widget.Row(10)
	for _, s := range v.q.slot.Free {
		row.Add(widget.NewButton("Use slot "+s.String(), widget.Secondary, func() {
			v.q.close(reply{slot: keystore.SlotAnswer{Decision: keystore.SlotElsewhere, Slot: s}})
		}))
	}
	if v.q.slot.Usable {
		row.Add(widget.NewButton("Use its key", widget.Secondary, func() {
			v.q.close(reply{slot: keystore.SlotAnswer{Decision: keystore.SlotUse}})
		}))
	}
	if len(row.Objects) == 0 {
		return nil
	}
	return row
}

// askSure shows what it takes to overwrite the slot.
func (v *slotView) askSure() {
	v.burn.Hide()
	v.sure.Show()
	v.grown()
	if c := fyne.CurrentApp().Driver().CanvasForObject(v.confirm); c != nil {
		c.Focus(v.confirm)
	}
}

func (v *slotView) isSure() bool {
	return v.sure.Visible() && strings.EqualFold(strings.TrimSpace(v.confirm.Text), v.q.slot.Found.Slot.String())
}

func (v *slotView) overwrite() {
	if v.isSure() {
		v.q.close(reply{slot: keystore.SlotAnswer{Decision: keystore.SlotOverwrite}})
	}
}

func (v *slotView) focus() fyne.Focusable { return v.cancel }

// submit has Return do what the person has typed the slot for, and nothing otherwise.
func (v *slotView) submit() { v.overwrite() }

func (v *slotView) wipe() {}
