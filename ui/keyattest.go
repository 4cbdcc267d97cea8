package ui

import (
	"cmp"
	"encoding/pem"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// showAttestation shows what a key proves about one of its slots: what a cluster reads out of it, and the certificates
// that the proof rests on.
func (w *Window) showAttestation(key keystore.CardDetails, slot keystore.Slot) {
	found := key.Slot(slot)
	if found.Attestation == nil {
		return
	}
	card := &modal{}
	card.cancel = func() { w.modals.hide(card) }
	card.submit = card.cancel
	done := widget.NewButton("Close", widget.Primary, card.cancel)
	var copied *widget.Button
	copied = widget.NewSmallButton("Copy PEM", assets.IconCopy, "", widget.Secondary, func() {
		w.deps.App.Clipboard().SetContent(chainPEM(found.Attestation))
		copied.SetText("Copied")
	})
	a := found.Attestation
	card.content = widget.Column(14,
		promptHead("What slot "+slot.String()+" proves", attestedText(a)),
		widget.NewTable(dialogWidth, attestationPairs(key, found)...),
		widget.NewText("WHO VOUCHES FOR IT", widget.Overline),
		widget.NewStepperFor(dialogWidth, chainSteps(a)...),
		verdict(a),
		widget.Ends(widget.Middle(copied), done))
	card.focus = func() fyne.Focusable { return done }
	w.modals.show(card)
}

// attestedText is what a cluster will make of the statement.
func attestedText(a *keystore.Attestation) string {
	return "A cluster reads " + a.Policy.Name() + " out of it: " + policyText(a.Policy.Name()) + "."
}

// attestationPairs is the statement in words.
func attestationPairs(key keystore.CardDetails, found keystore.SlotDetails) []widget.Pair {
	a := found.Attestation
	return []widget.Pair{
		{Name: "Policy", Value: a.Policy.Name(), Mono: true},
		{Name: "Asks for", Value: pinPolicyText(a.PIN) + ". " + touchPolicyText(a.Touch) + "."},
		{Name: "Key", Value: strings.TrimSpace(found.Algorithm + ", made inside the YubiKey")},
		{Name: "YubiKey", Value: joined(cmp.Or(key.Model, "YubiKey"), a.FormFactor)},
		{Name: "Serial", Value: joined(serialText(a.Serial), "firmware "+a.Firmware)},
	}
}

func joined(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, " · ")
}

// chainSteps is the certificates from the statement up, each with who signed it.
func chainSteps(a *keystore.Attestation) []widget.Step {
	steps := make([]widget.Step, 0, len(a.Chain))
	for i, cert := range a.Chain {
		s := widget.Step{Title: cmp.Or(cert.Subject.CommonName, "A certificate without a name"), State: widget.StepDone}
		signer := cmp.Or(cert.Issuer.CommonName, "a certificate without a name")
		switch {
		case i == 0:
			s.Detail = "The statement about the slot, signed inside the key"
		case i == 1:
			s.Detail = "This YubiKey's own certificate, signed by " + signer
		case i == len(a.Chain)-1 && string(cert.RawIssuer) == string(cert.RawSubject):
			s.Detail = "The root"
		default:
			s.Detail = "Signed by " + signer
		}
		steps = append(steps, s)
	}
	return steps
}

// verdict says whose word it is in the end.
func verdict(a *keystore.Attestation) fyne.CanvasObject {
	switch a.Verified {
	case keystore.VerifiedByYubico:
		return notice(assets.IconShield, "Yubico vouches for this key: the chain leads to its root.", widget.ColorOK, dialogWidth)
	case keystore.VerifiedByExtra:
		return notice(assets.IconShield, "The chain leads to "+a.VerifiedBy()+", a root that was added on this computer.", widget.ColorAccent, dialogWidth)
	default:
		return notice(assets.IconAlert, "The chain leads to no root known here. Whether that is good enough is for the cluster to decide.", widget.ColorWarn, dialogWidth)
	}
}

// chainPEM is all certificates, the statement first.
func chainPEM(a *keystore.Attestation) string {
	var text strings.Builder
	for _, cert := range a.Chain {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	return text.String()
}
