package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// keyTiles shows the three secrets of a key side by side, with what can be done to them.
type keyTiles struct {
	screen               *keyScreen
	root                 *fyne.Container
	pin, puk, management *tileView
	setUp, change        *widget.Button // of the PIN
	unblock, changePUK   *widget.Button
}

func newKeyTiles(k *keyScreen) *keyTiles {
	t := &keyTiles{screen: k}
	do := func(act func(keystore.CardDetails)) func() {
		return func() {
			if k.details != nil {
				act(*k.details)
			}
		}
	}
	t.setUp = widget.NewSmallButton("Choose PIN and PUK", "", "", widget.Primary, do(k.actions.setUp))
	t.change = widget.NewSmallButton("Change PIN", "", "", widget.Secondary, do(k.actions.changePIN))
	t.unblock = widget.NewSmallButton("Unblock with PUK", "", "", widget.Secondary, do(k.actions.unblock))
	t.changePUK = widget.NewSmallButton("Change PUK", "", "", widget.Secondary, do(k.actions.changePUK))
	t.pin = newTileView("PIN", t.setUp, t.change, t.unblock)
	t.puk = newTileView("PUK", t.changePUK)
	t.management = newTileView("MANAGEMENT KEY")
	t.root = container.New(equalColumns(widget.SpaceM), t.pin.root, t.puk.root, t.management.root)
	return t
}

// show brings the tiles up to date; nil while the card is being read, which takes the same room.
func (t *keyTiles) show(d *keystore.CardDetails) {
	if d == nil {
		blank := keyTile{Value: "Reading…", Color: widget.ColorFaint}
		t.pin.show(blank)
		t.puk.show(blank)
		t.management.show(blank)
		d = &keystore.CardDetails{PIN: keystore.SecretDetails{AttemptsLeft: keystore.AttemptsUnknown}}
	} else {
		t.pin.show(pinTile(d.PIN))
		t.puk.show(pukTile(d.PUK))
		t.management.show(managementTile(d.Management))
	}
	fresh := d.PIN.Ownership == keystore.OwnershipFactory && !d.PIN.Blocked()
	t.setUp.Hidden = !fresh
	t.change.Hidden = fresh || d.PIN.Blocked()
	t.unblock.Hidden = fresh
	style := widget.Secondary
	if d.PIN.Blocked() {
		style = widget.Primary
	}
	t.unblock.SetStyle(style)
	known := t.screen.details != nil
	t.change.SetDisabled(!known)
	t.unblock.SetDisabled(!known || d.PUK.Blocked())
	t.changePUK.SetDisabled(!known || d.PUK.Blocked())
	t.pin.root.Refresh()
}

// tileView is one of the three.
type tileView struct {
	root     *widget.Box
	value    *widget.Text
	detail   *widget.Text
	attempts *widget.Text
	meters   *fyne.Container // a meter with as many bars as there are attempts
	of       int
}

func newTileView(title string, buttons ...*widget.Button) *tileView {
	v := &tileView{
		value:    widget.NewCell("", widget.Strong),
		detail:   widget.NewCell("", widget.Small),
		attempts: widget.NewText("", widget.Hint),
		meters:   container.NewStack(),
	}
	row := widget.Row(widget.SpaceS)
	for _, b := range buttons {
		row.Add(b)
	}
	head := widget.Ends(widget.NewText(title, widget.Overline), v.attempts)
	meter := widget.AtLeast(0, 5, v.meters)
	v.root = widget.NewBox(widget.Card, widget.Inset(13, 15, 13, 15, widget.Column(9, head, meter,
		widget.Column(3, v.value, v.detail), widget.AtLeast(0, 29, row))))
	return v
}

func (v *tileView) show(t keyTile) {
	style := widget.Strong.In(t.Color)
	style.Size = 14.5
	v.value.Set(t.Value, style)
	v.detail.SetText(t.Detail)
	v.attempts.SetText(t.Attempts)
	if v.of != t.Of {
		v.of, v.meters.Objects = t.Of, nil
		if t.Of > 0 {
			v.meters.Add(widget.NewMeter(t.Of))
		}
		v.meters.Refresh()
	}
	if t.Of > 0 {
		v.meters.Objects[0].(*widget.Meter).Set(t.Left, attemptsColor(t.Left, t.Of))
	}
}

// attemptsColor warns where attempts were lost.
func attemptsColor(left, of int) fyne.ThemeColorName {
	switch {
	case left == of:
		return widget.ColorOK
	case left > 1:
		return widget.ColorWarn
	default:
		return widget.ColorDanger
	}
}

// equalColumns gives all objects the same width, with that gap between them.
type equalColumns float32

// MinSize is that of the widest object for each.
func (g equalColumns) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var size fyne.Size
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	n := float32(len(objects))
	return fyne.NewSize(size.Width*n+float32(g)*(n-1), size.Height)
}

// Layout places the objects.
func (g equalColumns) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	n := float32(len(objects))
	width := (size.Width - float32(g)*(n-1)) / n
	for i, o := range objects {
		o.Move(fyne.NewPos(float32(i)*(width+float32(g)), 0))
		o.Resize(fyne.NewSize(width, size.Height))
	}
}
