package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// statusBar shows the key and its state at the left, the cluster at the right.
type statusBar struct {
	shown  statusModel
	root   fyne.CanvasObject
	icon   *widget.Icon
	key    *widget.Text
	pills  *fyne.Container
	forget *widget.Button
	dot    *widget.Dot
	right  *widget.Text
}

func newStatusBar(forget func()) *statusBar {
	b := &statusBar{
		icon:  widget.NewIcon(assets.IconKey, widget.ColorFaint, 15),
		key:   widget.NewText("", widget.Small.In(theme.ColorNameForeground)),
		pills: widget.Row(widget.SpaceS),
		dot:   widget.NewDot(widget.ColorFaint),
		right: widget.NewText("", widget.Small),
	}
	b.forget = widget.NewSmallButton("", assets.IconLock, "", widget.Quiet, forget).SetName("Forget PIN")
	left := widget.Row(widget.SpaceS, b.icon, b.key, b.pills, widget.Middle(b.forget))
	line := widget.AtLeast(0, 31, widget.Inset(0, 14, 0, 14, widget.Ends(left, widget.Row(widget.SpaceS, b.dot, b.right))))
	b.root = widget.Column(0, widget.NewHairline(), widget.NewBox(widget.SidePan, line))
	return b
}

func (b *statusBar) show(m statusModel) {
	b.icon.Set(assets.IconKey, m.KeyColor)
	b.key.SetText(m.Key)
	b.dot.Set(m.RightColor)
	b.right.SetText(m.Right)
	if !slices.Equal(b.shown.Pills, m.Pills) || b.pills.Objects == nil {
		b.pills.Objects = make([]fyne.CanvasObject, 0, len(m.Pills))
		for _, p := range m.Pills {
			b.pills.Add(widget.NewPill(p.Text, p.Color))
		}
	}
	b.forget.Hidden = !slices.ContainsFunc(m.Pills, func(p pill) bool { return p.Color == widget.ColorAccent })
	b.shown = m
	b.root.(*fyne.Container).Refresh()
}
