package ui

import (
	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// codeDigits is how many digits a one-time code has (RFC 6238).
const codeDigits = 6

// otpView asks for the code that an authenticator app shows.
type otpView struct {
	passive
	q     *question
	field *secretField
	ok    *widget.Button
}

func newOTPView(q *question) *otpView {
	v := &otpView{q: q, field: newSecretField("Code", maxPIN)}
	v.ok = widget.NewButton("Continue", widget.Primary, v.submit)
	v.ok.SetDisabled(true)
	v.field.entry.OnChanged = func() { v.ok.SetDisabled(!v.valid()) }
	return v
}

func (v *otpView) content() fyne.CanvasObject {
	p := v.q.otp
	column := widget.Column(14,
		promptHead("Enter a one-time code", "Type the six digits that your authenticator app shows for "+p.Cluster+"."),
		widget.NewTable(dialogWidth, widget.Pair{Name: "Cluster", Value: p.Cluster}, widget.Pair{Name: "User", Value: p.User}),
	)
	if p.Reason != "" {
		column.Add(notice(assets.IconInfo, p.Reason, widget.ColorAccent, dialogWidth))
	}
	column.Add(labelled("Code", v.field.entry))
	column.Add(promptButtons(v.q, v.ok))
	return column
}

// valid takes the digits with or without the spaces that apps show between them.
func (v *otpView) valid() bool {
	digits := 0
	for _, b := range v.field.entry.Bytes() {
		switch {
		case b >= '0' && b <= '9':
			digits++
		case b != ' ':
			return false
		}
	}
	return digits == codeDigits
}

func (v *otpView) focus() fyne.Focusable { return v.field.entry }

func (v *otpView) submit() {
	if v.valid() {
		v.q.close(reply{first: v.field.take()})
	}
}

func (v *otpView) wipe() { v.field.wipe() }
