package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// slotColumns are slot, owner, key, what it asks for, proof and buttons.
var slotColumns = widget.Columns{62, -3, -2.2, -2, -2.3, 148}

// slotList is the four slots.
type slotList struct {
	root *widget.Box
	rows []*slotLine
}

func newSlotList(attest, create func(keystore.Slot)) *slotList {
	cell := func(text string) fyne.CanvasObject { return widget.NewText(text, widget.Overline) }
	head := container.New(slotColumns, cell("SLOT"), cell("OWNER"), cell("KEY"), cell("ASKS FOR"), cell("PROOF"), cell(""))
	column := widget.Column(0, widget.Inset(8, 8, 8, 9, head))
	l := &slotList{}
	for _, slot := range []keystore.Slot{keystore.Slot9A, keystore.Slot9C, keystore.Slot9D, keystore.Slot9E} {
		v := newSlotLine(slot, attest, create)
		l.rows = append(l.rows, v)
		column.Add(widget.NewHairline())
		column.Add(v.root)
	}
	l.root = widget.NewBox(widget.Card, widget.Inset(1, 6, 1, 6, column))
	return l
}

// slotLine is one row.
type slotLine struct {
	root  fyne.CanvasObject
	slot  *widget.Text
	cells [4][2]*widget.Text // owner, key, what it asks for, proof: two lines each
	look  *widget.Button     // at the attestation
	fill  *widget.Button     // an empty slot
	again *widget.Button     // one that is not empty
	shown slotRow
}

func newSlotLine(slot keystore.Slot, attest, create func(keystore.Slot)) *slotLine {
	number := widget.Style{Size: 15, Color: widget.ColorFaint, Bold: true, Mono: true}
	v := &slotLine{slot: widget.NewText(slot.String(), number)}
	row := container.New(slotColumns, widget.Middle(v.slot))
	for i := range v.cells {
		v.cells[i] = [2]*widget.Text{widget.NewCell("", widget.Body), widget.NewCell("", widget.Small)}
		row.Add(widget.Inset(0, widget.SpaceM, 0, 0, widget.Middle(widget.Column(3, v.cells[i][0], v.cells[i][1]))))
	}
	v.look = widget.NewSmallButton("Attestation", "", "", widget.Secondary, func() { attest(slot) }).
		SetName("Attestation of slot " + slot.String())
	v.fill = widget.NewSmallButton("Make key…", "", "", widget.Secondary, func() { create(slot) }).SetName("Make key in slot " + slot.String())
	v.again = widget.NewSmallButton("", assets.IconPlus, "", widget.Quiet, func() { create(slot) }).SetName("New key in slot " + slot.String())
	row.Add(widget.Middle(widget.Ends(nil, widget.Row(widget.SpaceXS, v.look, v.fill, v.again))))
	v.root = widget.AtLeast(0, 58, widget.Inset(0, 8, 0, 9, row))
	v.look.Hide()
	v.fill.Hide()
	v.again.Hide()
	return v
}

// show brings the list up to date; nil while the card is being read.
func (l *slotList) show(d *keystore.CardDetails, s session.Snapshot) {
	if d == nil {
		for _, v := range l.rows {
			v.show(slotRow{Color: widget.ColorFaint, ProofColor: widget.ColorFaint, Owner: "…"})
		}
		return
	}
	for i, row := range slotRows(d, s) {
		l.rows[i].show(row)
	}
}

func (v *slotLine) show(r slotRow) {
	v.look.Hidden, v.fill.Hidden, v.again.Hidden = !r.HasStatement, r.Filled || r.Slot == 0, !r.Filled
	owner := widget.Strong
	if !r.Filled {
		owner = widget.Body.In(widget.ColorFaint)
	}
	v.slot.Set(v.slot.Text(), widget.Style{Size: 15, Color: r.Color, Bold: true, Mono: true})
	for i, lines := range [4][2]string{{r.Owner, r.Use}, {r.Key, r.Origin}, {r.Touch, r.PIN}, {r.Proof, r.By}} {
		style := widget.Body
		switch i {
		case 0:
			style = owner
		case 3:
			style = widget.Body.In(r.ProofColor)
		}
		v.cells[i][0].Set(lines[0], style)
		v.cells[i][1].SetText(lines[1])
	}
	if v.shown.HasStatement != r.HasStatement || v.shown.Filled != r.Filled || v.shown.Slot != r.Slot {
		v.root.(*fyne.Container).Refresh()
	}
	v.shown = r
}
