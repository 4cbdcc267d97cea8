package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// newSecretForm asks for a new PIN or PUK twice and shows, while typing, which rules it meets.
type newSecretForm struct {
	first, second *secretField
	meter         *widget.Meter
	length        *widget.Rule
	common        *widget.Rule
	match         *widget.Rule
	problem       *widget.Paragraph
	check         func([]byte) error
	changed       func()
}

// newNewSecretForm makes a form for what ("PIN" or "PUK"). check is the key store's rule, changed runs at every key.
func newNewSecretForm(what string, check func([]byte) error, changed func()) *newSecretForm {
	f := &newSecretForm{
		first:   newSecretField("New "+what, maxPIN),
		second:  newSecretField("Repeat "+what, maxPIN),
		meter:   widget.NewMeter(8),
		length:  widget.NewRule("6 to 8 characters"),
		common:  widget.NewRule("not the factory " + what),
		match:   widget.NewRule("both match"),
		problem: widget.NewParagraph("", widget.Small.In(widget.ColorWarn), dialogWidth),
		check:   check,
		changed: changed,
	}
	if what == "PUK" {
		f.common = widget.NewRule("not the factory PUK or PIN")
	}
	f.problem.Hide()
	f.first.entry.OnChanged, f.second.entry.OnChanged = f.update, f.update
	return f
}

func (f *newSecretForm) content() fyne.CanvasObject {
	return widget.Column(widget.SpaceS,
		labelled("New "+f.what(), f.first.entry),
		f.meter,
		widget.Inset(widget.SpaceS, 0, 0, 0, labelled("Repeat "+f.what(), f.second.entry)),
		widget.Inset(widget.SpaceXS, 0, 0, 0, widget.Row(18, f.length, f.common, f.match)),
		f.problem,
	)
}

// compact is the form for a dialog that has two of them: the fields side by side, no meter.
func (f *newSecretForm) compact() fyne.CanvasObject {
	const gap = widget.SpaceM
	fields := container.New(widget.Columns{(dialogWidth - gap) / 2, gap, (dialogWidth - gap) / 2},
		labelled("New "+f.what(), f.first.entry), layout.NewSpacer(), labelled("Repeat "+f.what(), f.second.entry))
	return widget.Column(widget.SpaceS, fields, widget.Row(18, f.length, f.common, f.match), f.problem)
}

func (f *newSecretForm) what() string { return f.first.entry.Describe().Text[len("New "):] }

// update lights the rules. The bar shows how many of the possible characters are used.
func (f *newSecretForm) update() {
	typed := f.first.entry.Bytes()
	rules := newSecretRules(typed, f.second.entry.Bytes(), f.check)
	f.length.SetMet(rules.length)
	f.common.SetMet(rules.allowed)
	f.match.SetMet(rules.match)
	color := widget.ColorWarn
	if rules.length && rules.allowed {
		color = widget.ColorOK
	}
	f.meter.Set(min(len(typed), 8), color)
	f.explain(rules)
	f.changed()
}

// explain says in the key store's words why what has the right length is refused all the same.
func (f *newSecretForm) explain(rules secretRules) {
	var text string
	if rules.length && !rules.allowed {
		reason := fault.From(f.check(f.first.entry.Bytes()))
		text = reason.What + " " + reason.Do
	}
	f.problem.SetText(text)
	f.problem.Hidden = text == ""
}

// valid says whether all rules are met.
func (f *newSecretForm) valid() bool {
	return newSecretRules(f.first.entry.Bytes(), f.second.entry.Bytes(), f.check).all()
}

func (f *newSecretForm) take() *secret.Bytes { return f.first.take() }

func (f *newSecretForm) wipe() {
	f.first.wipe()
	f.second.wipe()
}

// secretRules is which rules a new PIN or PUK meets.
type secretRules struct{ length, allowed, match bool }

func (r secretRules) all() bool { return r.length && r.allowed && r.match }

func newSecretRules(first, second []byte, check func([]byte) error) secretRules {
	length := len(first) >= 6 && len(first) <= 8
	return secretRules{
		length:  length,
		allowed: length && check(first) == nil,
		match:   len(first) > 0 && string(first) == string(second),
	}
}

// checkPUK is the key store's rule for a PUK beside the PIN that is asked for when it is checked.
func checkPUK(pin func() []byte) func([]byte) error {
	return func(puk []byte) error { return keystore.CheckNewPUK(puk, pin()) }
}

// labelled puts a label above a field.
func labelled(label string, field fyne.CanvasObject) fyne.CanvasObject {
	return widget.Column(6, widget.NewText(label, widget.Label), field)
}
