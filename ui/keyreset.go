package ui

import (
	"context"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// resetKey shows what a reset destroys and has it confirmed with the serial number. The default is to keep everything:
// the keyboard starts there, and Return in the field does nothing.
func (w *Window) resetKey(key keystore.CardDetails) {
	d := newKeyDialog(w, "Reset key", "Resetting…", widget.Danger)
	serial := strconv.FormatUint(uint64(key.Serial), 10)
	typed := widget.NewField("Serial number", serial)
	typed.OnChanged = func(string) { d.update() }
	confirm := func() string { return strings.ReplaceAll(typed.Text, " ", "") }
	d.valid = func() bool { return confirm() == serial }
	d.start = func() func(context.Context) error {
		confirmed := confirm()
		return func(ctx context.Context) error {
			_, err := w.deps.Keys.ResetPIV(ctx, key.Serial, confirmed)
			return err
		}
	}
	d.done = func() { w.keyChanged(cardName(key.CardID) + " was reset. It has the factory PIN and PUK.") }
	d.left = w.main.key.readAgain
	keep := widget.NewButton("Keep everything", widget.Secondary, d.giveUp)
	d.refusal = keep
	d.show(keep,
		promptHead("Reset "+cardName(key.CardID)+"?", "This cannot be undone. What is in its slots is destroyed for good:"),
		destroyedList(destroyed(&key, w.sessions)),
		widget.NewParagraph("Credentials for taps (FIDO2) and the key's other applications stay.", widget.Small, dialogWidth),
		labelled("Type the serial number "+serial+" to confirm", typed))
	d.card.submit = func() {}
}

// destroyedList is the lines of what will be gone.
func destroyedList(lines []string) fyne.CanvasObject {
	const edge, gap = 14, 10
	column := widget.Column(widget.SpaceS)
	for _, line := range lines {
		words := widget.NewParagraph(line, widget.Body, dialogWidth-26-edge-gap)
		column.Add(widget.Row(gap, widget.NewIcon(assets.IconClose, widget.ColorDanger, edge), words))
	}
	return widget.NewBox(widget.Tinted(widget.ColorDanger), widget.Inset(11, 13, 11, 13, column))
}

// renameKey asks what the person calls a key.
func (w *Window) renameKey(card keystore.CardID) {
	d := newKeyDialog(w, "Keep name", "Keeping…", widget.Primary)
	name := widget.NewField("Name", "for example: work, or the one in the safe")
	name.SetText(card.Name)
	d.start = func() func(context.Context) error {
		chosen := strings.TrimSpace(name.Text)
		return func(context.Context) error { return w.deps.Keys.SetName(card.Serial, chosen) }
	}
	d.show(name,
		promptHead("Name this key", "Prompts call it so. The name stays on this computer; the key itself is not written to."),
		widget.NewTable(dialogWidth, widget.Pair{Name: "Key", Value: cardName(keystore.CardID{Serial: card.Serial, Model: card.Model})}),
		labelled("Name", name))
}
