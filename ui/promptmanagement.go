package ui

import (
	"context"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// AskManagementKey asks for the management key of a card.
func (p *Prompter) AskManagementKey(ctx context.Context, prompt keystore.ManagementPrompt) (*secret.Bytes, error) {
	r := p.ask(ctx, &question{management: &prompt})
	return r.first, r.err
}

// maxManagementKey leaves room for a space after each byte of the longest key.
const maxManagementKey = 3 * 32

// managementView asks for a management key, and offers the lines for ykman to copy in its place.
type managementView struct {
	passive
	q     *question
	field *secretField
	count *widget.Text
	ok    *widget.Button
	copy  func(text string)
}

func newManagementView(q *question, copy func(string)) *managementView {
	v := &managementView{q: q, field: newSecretField("Management key", maxManagementKey), count: widget.NewText("", widget.Small), copy: copy}
	v.ok = widget.NewButton("Continue", widget.Primary, v.submit)
	v.field.entry.OnChanged = v.changed
	v.field.entry.SetWrong(q.management.Problem != "")
	v.changed()
	return v
}

func (v *managementView) content() fyne.CanvasObject {
	p := v.q.management
	column := widget.Column(14,
		promptHead("Enter the management key", cardName(p.Card)+" has a management key of its own. It is needed to make a key in slot "+p.Slot.String()+"."),
		widget.NewTable(dialogWidth, purposePairs(p.Card, p.Slot, p.Purpose)...))
	if p.Problem != "" {
		column.Add(notice(assets.IconAlert, p.Problem, widget.ColorWarn, dialogWidth))
	}
	column.Add(labelled("Management key", v.field.entry))
	column.Add(v.count)
	column.Add(widget.NewHairline())
	column.Add(widget.NewParagraph("Whoever has the key can run these lines instead, then let Touchstone look again:", widget.Small, dialogWidth))
	for _, line := range p.Commands {
		column.Add(widget.NewParagraph(line, widget.Small, dialogWidth))
	}
	column.Add(widget.Row(10,
		widget.NewSmallButton("Copy the lines", "", "", widget.Secondary, func() { v.copy(strings.Join(p.Commands, "\n")) }),
		widget.NewSmallButton("They have run: look again", "", "", widget.Secondary, func() { v.q.close(reply{}) })))
	column.Add(promptButtons(v.q, v.ok))
	return column
}

// changed counts digits, so that nobody has to.
func (v *managementView) changed() {
	typed := v.field.entry.Bytes()
	digits := 0
	for _, b := range typed {
		if b != ' ' {
			digits++
		}
	}
	v.count.SetText(managementCount(*v.q.management, digits))
	v.ok.SetDisabled(!v.valid())
}

func managementCount(p keystore.ManagementPrompt, digits int) string {
	text := fmt.Sprintf("%d of %d hexadecimal digits", digits, p.Digits)
	if p.Algorithm != "" {
		text += " (" + p.Algorithm + ")"
	}
	return text
}

// valid asks the key store, which says what a management key of this card looks like.
func (v *managementView) valid() bool {
	key, err := keystore.ParseManagementKey(v.field.entry.Bytes(), v.q.management.Algorithm)
	key.Wipe()
	return err == nil
}

func (v *managementView) focus() fyne.Focusable { return v.field.entry }

func (v *managementView) submit() {
	if v.valid() {
		v.q.close(reply{first: v.field.take()})
	}
}

func (v *managementView) wipe() { v.field.wipe() }
