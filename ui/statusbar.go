package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
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
	b.root = widget.Column(0, widget.NewRule(), widget.NewBox(widget.SidePan, line))
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

// sideBar lists clusters at the top and sessions at the bottom.
type sideBar struct {
	root     fyne.CanvasObject
	clusters *navList
	sessions *navList
	heading  *widget.Text
	body     *fyne.Container
}

func newSideBar(pick func(clusterID string), add func(), open func(tab string)) *sideBar {
	s := &sideBar{clusters: newNavList(pick), sessions: newNavList(open)}
	s.heading = widget.NewText("SESSIONS", widget.Overline)
	brand := widget.Inset(4, 4, 18, 6, widget.Row(10, widget.NewIcon(assets.IconShield, widget.ColorAccent, 22), widget.NewText("Touchstone", widget.Brand)))
	addItem := widget.NewNavItem(widget.Item{Icon: assets.IconPlus, Color: widget.ColorMuted, Title: "Add cluster"}, add)
	top := widget.Column(2, brand, widget.Inset(0, 0, 4, 8, widget.NewText("CLUSTERS", widget.Overline)),
		s.clusters.box, widget.Inset(6, 0, 0, 8, addItem))
	bottom := widget.Column(2, widget.Inset(0, 0, 4, 8, s.heading), s.sessions.box)
	s.body = widget.Inset(14, 10, 12, 10, container.NewBorder(top, bottom, nil, nil))
	s.root = widget.Row(0, widget.AtLeast(236, 0, widget.NewBox(widget.SidePan, s.body)), widget.NewRule())
	return s
}

func (s *sideBar) show(clusters []clusterItem, sessions []clusterItem) {
	grown := s.clusters.show(clusters)
	grown = s.sessions.show(sessions) || grown
	s.heading.Hidden = len(sessions) == 0
	if grown {
		s.body.Refresh()
	}
}

// navList is a column of items that keeps its widgets, and so the focus, while only their words change.
type navList struct {
	box   *fyne.Container
	items []clusterItem
	pick  func(id string)
}

func newNavList(pick func(id string)) *navList { return &navList{box: widget.Column(2), pick: pick} }

// show brings the items up to date and reports whether their number or order changed.
func (l *navList) show(items []clusterItem) (rebuilt bool) {
	same := slices.EqualFunc(l.items, items, func(a, b clusterItem) bool { return a.ID == b.ID })
	l.items = items
	if !same {
		l.box.Objects = make([]fyne.CanvasObject, 0, len(items))
		for _, item := range items {
			l.box.Add(widget.NewNavItem(item.Item, func() { l.pick(item.ID) }))
		}
		return true
	}
	for i, item := range items {
		l.box.Objects[i].(*widget.NavItem).Set(item.Item)
	}
	return false
}

// first is the item that the keyboard starts at; nil when there is none.
func (l *navList) first() fyne.Focusable {
	if len(l.box.Objects) == 0 {
		return nil
	}
	return l.box.Objects[0].(*widget.NavItem)
}
