package ui

import (
	"context"
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// banner shows a fault in place: what happened, what to do, and the cause when asked for. Without a fault it takes no
// room.
type banner struct {
	box     *fyne.Container
	width   float32
	fault   *fault.Fault
	details bool
	retry   func() // nil for no button
	changed func() // runs when the banner's height changes by itself
}

func newBanner(width float32, retry func()) *banner {
	b := &banner{box: container.NewVBox(), width: width, retry: retry}
	b.box.Hide()
	return b
}

// show replaces the fault; nil hides the banner.
func (b *banner) show(f *fault.Fault) {
	if b.fault == f {
		return
	}
	b.fault, b.details = f, false
	b.draw()
}

// showError shows what err says. A refusal of the person is not an error to show.
func (b *banner) showError(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		b.show(nil)
		return
	}
	b.show(fault.From(err))
}

func (b *banner) draw() {
	b.box.Objects = nil
	b.box.Hidden = b.fault == nil
	if b.fault != nil {
		b.box.Add(widget.NewBox(widget.Tinted(widget.ColorDanger), widget.Inset(11, 13, 11, 13, b.body())))
	}
	b.box.Refresh()
	if b.changed != nil {
		b.changed()
	}
}

func (b *banner) body() fyne.CanvasObject {
	const icon, gap = 16, 11
	inner := b.width - 26 - icon - gap
	lines := widget.Column(3,
		widget.NewParagraph(b.fault.What, widget.Strong, inner),
		widget.NewParagraph(b.fault.Do, widget.Muted.In(theme.ColorNameForeground), inner),
	)
	if b.details {
		lines.Add(widget.Inset(4, 0, 0, 0, widget.NewParagraph(b.fault.Details(), widget.CodeMuted, inner)))
	}
	if buttons := b.buttons(); len(buttons.Objects) > 0 {
		lines.Add(widget.Inset(6, 0, 0, 0, container.NewHBox(buttons)))
	}
	mark := container.NewVBox(widget.Inset(2, 0, 0, 0, widget.NewIcon(assets.IconAlert, widget.ColorDanger, icon)))
	return widget.Row(gap, mark, lines)
}

func (b *banner) buttons() *fyne.Container {
	row := widget.Row(widget.SpaceS)
	if b.retry != nil {
		row.Add(widget.NewSmallButton("Try again", assets.IconRefresh, "", widget.Secondary, b.retry))
	}
	if b.fault.Details() != "" {
		label := "Details"
		if b.details {
			label = "Hide details"
		}
		row.Add(widget.NewSmallButton(label, "", "", widget.Secondary, b.toggle))
	}
	return row
}

func (b *banner) toggle() {
	b.details = !b.details
	b.draw()
}
