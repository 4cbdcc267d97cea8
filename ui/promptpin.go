package ui

import (
	"cmp"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// pinView asks for the PIN of a card.
type pinView struct {
	passive
	q     *question
	field *secretField
	ok    *widget.Button
}

func newPINView(q *question) *pinView {
	longest := maxPIN
	if q.pin.FIDO2 {
		longest = maxFIDO2PIN
	}
	v := &pinView{q: q, field: newSecretField("PIN", longest)}
	v.ok = widget.NewButton("Continue", widget.Primary, v.submit)
	v.field.entry.OnChanged = v.changed
	v.field.entry.SetWrong(q.pin.Wrong)
	v.ok.SetDisabled(!v.valid())
	return v
}

func (v *pinView) content() fyne.CanvasObject {
	p := v.q.pin
	what := cmp.Or(p.Purpose.What, "This")
	column := widget.Column(14,
		promptHead("Enter your PIN", what+" needs the "+pinName(*p)+" of your security key."),
		widget.NewTable(dialogWidth, purposePairs(p.Card, p.Slot, p.Purpose)...),
		labelled("PIN", v.field.entry),
		v.attempts(),
	)
	if p.MayBeDefault {
		column.Add(widget.NewParagraph("Never chosen a PIN? Leave this empty: the factory PIN is used, and you choose your own next.", widget.Small, dialogWidth))
	}
	column.Add(promptButtons(v.q, v.ok))
	return column
}

// Lengths of a security key's own PIN (CTAP 2.1, 6.5.1).
const (
	minFIDO2PIN = 4
	maxFIDO2PIN = 63
)

// pinName tells the two PINs of a key apart, where there is a choice.
func pinName(p keystore.PINPrompt) string {
	if p.FIDO2 {
		return "FIDO2 PIN"
	}
	return "PIN"
}

// attempts is quiet while all is well and speaks up after a wrong PIN.
func (v *pinView) attempts() fyne.CanvasObject {
	text := attemptsText(*v.q.pin)
	if !v.q.pin.Wrong && v.q.pin.AttemptsLeft != 1 {
		return widget.NewParagraph(text, widget.Small, dialogWidth)
	}
	color := widget.ColorWarn
	if v.q.pin.AttemptsLeft == 1 {
		color = widget.ColorDanger
	}
	return notice(assets.IconLock, text, color, dialogWidth)
}

func (v *pinView) valid() bool {
	n := v.field.entry.Len()
	if v.q.pin.FIDO2 {
		return n >= minFIDO2PIN
	}
	return n >= 6 && n <= 8 || n == 0 && v.q.pin.MayBeDefault
}

func (v *pinView) changed() { v.ok.SetDisabled(!v.valid()) }

func (v *pinView) focus() fyne.Focusable { return v.field.entry }

func (v *pinView) submit() {
	if v.valid() {
		v.q.close(reply{first: v.field.take()})
	}
}

func (v *pinView) wipe() { v.field.wipe() }

// notice is a tinted line with an icon.
func notice(icon assets.Icon, text string, color fyne.ThemeColorName, width float32) fyne.CanvasObject {
	const edge = 16
	words := widget.NewParagraph(text, widget.Style{Size: 12.5, Color: color}, width-26-edge-10)
	return widget.NewBox(widget.Tinted(color), widget.Inset(9, 13, 9, 13, widget.Row(10, widget.NewIcon(icon, color, edge), words)))
}

// choosePINView asks for a new PIN, and for a new PUK or the present one.
type choosePINView struct {
	passive
	q      *question
	pin    *newSecretForm
	puk    *newSecretForm // while the PUK is the factory one
	oldPUK *secretField   // otherwise
	ok     *widget.Button
	grown  func() // the card needs another height
}

func newChoosePINView(q *question, grown func()) *choosePINView {
	v := &choosePINView{q: q, grown: grown}
	v.pin = newNewSecretForm("PIN", keystore.CheckNewPIN, func() { v.changed() })
	if q.newPIN.PUKIsDefault {
		v.puk = newNewSecretForm("PUK", checkPUK(v.pin.first.entry.Bytes), v.changed)
	} else {
		v.oldPUK = newSecretField("PUK", maxPIN)
		v.oldPUK.entry.OnChanged = v.changed
	}
	v.ok = widget.NewButton("Set PIN", widget.Primary, v.submit)
	v.ok.SetDisabled(true)
	return v
}

func (v *choosePINView) content() fyne.CanvasObject {
	p := v.q.newPIN
	column := widget.Column(14, promptHead("Choose a PIN", cardName(p.Card)+" still has its factory PIN. Choose your own before the key is used."))
	column.Add(widget.NewParagraph("For: "+purposeText(p.Purpose), widget.Small, dialogWidth))
	if p.Problem != "" {
		column.Add(notice(assets.IconAlert, p.Problem, widget.ColorDanger, dialogWidth))
	}
	column.Add(v.pin.compact())
	if v.puk != nil {
		column.Add(widget.NewHairline())
		column.Add(widget.NewParagraph("The PUK unblocks the key after three wrong PINs. Keep it where you keep spare keys.", widget.Small, dialogWidth))
		column.Add(v.puk.compact())
	} else {
		column.Add(labelled("PUK of this key", v.oldPUK.entry))
	}
	column.Add(promptButtons(v.q, v.ok))
	return column
}

func (v *choosePINView) valid() bool {
	if v.puk != nil {
		return v.pin.valid() && v.puk.valid()
	}
	return v.pin.valid() && v.oldPUK.entry.Len() >= 6 && v.oldPUK.entry.Len() <= 8
}

func (v *choosePINView) changed() {
	v.ok.SetDisabled(!v.valid())
	v.grown()
}

func (v *choosePINView) focus() fyne.Focusable { return v.pin.first.entry }

func (v *choosePINView) submit() {
	if !v.valid() {
		return
	}
	r := reply{first: v.pin.take()}
	if v.puk != nil {
		r.second = v.puk.take()
	} else {
		r.second = v.oldPUK.take()
	}
	v.q.close(r)
}

func (v *choosePINView) wipe() {
	v.pin.wipe()
	if v.puk != nil {
		v.puk.wipe()
	} else {
		v.oldPUK.wipe()
	}
}

// passwordView asks for the password of a cluster.
type passwordView struct {
	passive
	q     *question
	field *secretField
	ok    *widget.Button
}

func newPasswordView(q *question) *passwordView {
	v := &passwordView{q: q, field: newSecretField("Password", maxPassword)}
	v.ok = widget.NewButton("Sign in", widget.Primary, v.submit)
	v.ok.SetDisabled(true)
	v.field.entry.OnChanged = func() { v.ok.SetDisabled(v.field.entry.Len() == 0) }
	return v
}

func (v *passwordView) content() fyne.CanvasObject {
	p := v.q.password
	return widget.Column(14,
		promptHead("Enter your password", strings.TrimSpace(p.Reason+" Touchstone signs you in to "+p.Cluster+" again.")),
		widget.NewTable(dialogWidth, widget.Pair{Name: "Cluster", Value: p.Cluster}, widget.Pair{Name: "User", Value: p.User}),
		labelled("Password", v.field.entry),
		promptButtons(v.q, v.ok),
	)
}

func (v *passwordView) focus() fyne.Focusable { return v.field.entry }

func (v *passwordView) submit() {
	if v.field.entry.Len() > 0 {
		v.q.close(reply{first: v.field.take()})
	}
}

func (v *passwordView) wipe() { v.field.wipe() }
