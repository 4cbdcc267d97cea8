package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// sideBar lists clusters at the top, pages of this computer below them, and sessions at the bottom.
type sideBar struct {
	root     fyne.CanvasObject
	clusters *navList
	places   *navList
	sessions *navList
	heading  *widget.Text
	all      *widget.Button // leads to the page of what is open
	body     *fyne.Container
}

// sideActions is what the side bar leads to.
type sideActions struct {
	pick  func(clusterID string)
	add   func()
	place func(id string)
	open  func(session string)
	all   func()
}

func newSideBar(actions sideActions) *sideBar {
	s := &sideBar{clusters: newNavList(actions.pick), places: newNavList(actions.place), sessions: newNavList(actions.open)}
	s.heading = widget.NewText("OPEN", widget.Overline)
	s.all = widget.NewSmallButton("All", "", "", widget.Quiet, actions.all).SetName("Connections")
	brand := widget.Inset(4, 4, 18, 6, widget.Row(10, widget.NewIcon(assets.IconShield, widget.ColorAccent, 22), widget.NewText("Touchstone", widget.Brand)))
	addItem := widget.NewNavItem(widget.Item{Icon: assets.IconPlus, Color: widget.ColorMuted, Title: "Add cluster"}, actions.add)
	top := widget.Column(2, brand, widget.Inset(0, 0, 4, 8, widget.NewText("CLUSTERS", widget.Overline)),
		s.clusters.box, widget.Inset(6, 0, 0, 8, addItem),
		widget.Inset(16, 0, 8, 8, widget.NewText("THIS COMPUTER", widget.Overline)), s.places.box)
	bottom := widget.Column(2, widget.Inset(0, 0, 2, 8, widget.Ends(widget.Middle(s.heading), s.all)), s.sessions.box)
	s.body = widget.Inset(14, 10, 12, 10, container.NewBorder(top, bottom, nil, nil))
	s.root = widget.Row(0, widget.AtLeast(236, 0, widget.NewBox(widget.SidePan, s.body)), widget.NewHairline())
	return s
}

func (s *sideBar) show(clusters, places, sessions []clusterItem) {
	grown := s.clusters.show(clusters)
	grown = s.places.show(places) || grown
	grown = s.sessions.show(sessions) || grown
	s.heading.Hidden = len(sessions) == 0
	s.all.Hidden = len(sessions) == 0
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
