package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// makeKey asks what a new key is to ask for and makes it. In a slot that is not empty it says what will be destroyed and
// has the slot typed; the default is to keep that.
func (w *Window) makeKey(key keystore.CardDetails, slot keystore.Slot) {
	found := key.Slot(slot)
	row := rowOfSlot(found, clustersOn(w.sessions, key.Serial, slot))
	m := &keyMaking{window: w, key: key, slot: found, policies: newPolicyChips(usualPolicy(slot))}
	if !row.Filled {
		m.keyDialog = newKeyDialog(w, "Make key", "Making…", widget.Primary)
		m.open(m.ok, nil)
		return
	}
	m.keyDialog = newKeyDialog(w, "Overwrite slot "+slot.String(), "Overwriting…", widget.Danger)
	m.refusal = widget.NewButton("Keep it", widget.Secondary, m.giveUp)
	typed := widget.NewField("Slot to overwrite", slot.String())
	typed.OnChanged = func(string) { m.update() }
	m.valid = func() bool { return strings.EqualFold(strings.TrimSpace(typed.Text), slot.String()) }
	m.open(m.refusal, widget.Column(14, destroyedList([]string{destroyedLine(row)}),
		widget.NewParagraph("Whatever needs the key in this slot stops working, and nothing brings it back.", widget.Small, dialogWidth),
		labelled("Type "+slot.String()+" to confirm", typed)))
	m.card.submit = func() {}
}

// keyMaking is the dialog that makes a key.
type keyMaking struct {
	*keyDialog
	window   *Window
	key      keystore.CardDetails
	slot     keystore.SlotDetails
	policies *policyChips
}

// open shows the dialog; loss is what a person must agree to lose, or nil.
func (m *keyMaking) open(focus fyne.Focusable, loss fyne.CanvasObject) {
	slot := m.slot.Slot.String()
	m.start = m.work
	m.done = func() { m.window.keyChanged("Slot " + slot + " of " + cardName(m.key.CardID) + " has a new key.") }
	m.left = m.window.main.key.readAgain
	content := []fyne.CanvasObject{
		promptHead("Make a key in slot "+slot, "It is made inside "+cardName(m.key.CardID)+" and never leaves it. The next sign-in that wants such a key uses it."),
		labelled("What every use of it asks for", m.policies.row),
	}
	if loss != nil {
		content = append(content, loss)
	}
	m.show(focus, content...)
}

// work makes the key. Only what the person saw in the slot may be destroyed.
func (m *keyMaking) work() func(context.Context) error {
	g := keystore.Generation{Serial: m.key.Serial, Slot: m.slot.Slot, Policy: m.policies.chosen, Overwrite: m.slot.Contents}
	purpose := keystore.Purpose{What: "Make a key in slot " + m.slot.Slot.String(), Program: "Touchstone"}
	return func(ctx context.Context) error {
		_, err := m.window.deps.Keys.Generate(ctx, g, purpose)
		return err
	}
}

// policyChips chooses one of the four policies.
type policyChips struct {
	row    *fyne.Container
	chips  []*widget.Button
	chosen keystore.Policy
}

// keyPolicies is the policies in the order in which they are offered.
var keyPolicies = []keystore.Policy{{}, {Touch: true}, {PIN: true}, {Touch: true, PIN: true}}

func newPolicyChips(chosen keystore.Policy) *policyChips {
	c := &policyChips{row: widget.Row(widget.SpaceS)}
	for _, p := range keyPolicies {
		label := strings.ToUpper(p.String()[:1]) + p.String()[1:]
		if p == (keystore.Policy{}) {
			label = "Nothing"
		}
		chip := widget.NewSmallButton(label, "", "", widget.Chip, func() { c.choose(p) })
		c.chips = append(c.chips, chip)
		c.row.Add(chip)
	}
	c.choose(chosen)
	return c
}

func (c *policyChips) choose(p keystore.Policy) {
	c.chosen = p
	for i, chip := range c.chips {
		style := widget.Chip
		if keyPolicies[i] == p {
			style = widget.Chosen
		}
		chip.SetStyle(style)
	}
}
