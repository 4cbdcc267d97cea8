package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// Item is a line of the side bar: an initial or an icon, a title, a detail and a light.
type Item struct {
	Initial string      // drawn in a square when there is no icon
	Icon    assets.Icon // drawn instead of the initial
	Color   fyne.ThemeColorName
	Title   string
	Detail  string
	Dot     fyne.ThemeColorName // empty for none
	Active  bool
}

// NavItem shows an Item that can be picked.
type NavItem struct {
	fynewidget.BaseWidget

	OnTapped func()

	item             Item
	back             *Box
	icon             *Icon
	initial          *Text
	title, detail    *Text
	dot              *Dot
	hovered, focused bool
}

// NewNavItem makes a line of the side bar.
func NewNavItem(item Item, tapped func()) *NavItem {
	n := &NavItem{item: item, OnTapped: tapped}
	n.icon = NewIcon(item.Icon, item.Color, 16)
	n.initial = NewCentered(item.Initial, Strong.In(ColorAccent))
	n.title, n.detail = NewCell(item.Title, Muted), NewCell(item.Detail, Hint)
	n.dot = NewDot(item.Dot)
	n.back = NewBox(BoxStyle{}, n.body())
	n.ExtendBaseWidget(n)
	return n
}

// Set changes what the item says; whether it has an icon or an initial stays.
func (n *NavItem) Set(item Item) {
	if n.item != item {
		n.item = item
		n.Refresh()
	}
}

// Describe names the item by its title.
func (n *NavItem) Describe() Description {
	return Description{Kind: "item", Text: n.item.Title, Focused: n.focused}
}

// CreateRenderer is Fyne's entry.
func (n *NavItem) CreateRenderer() fyne.WidgetRenderer { return newRenderer(n.back, n.apply) }

func (n *NavItem) body() fyne.CanvasObject {
	if n.item.Icon != "" {
		return Inset(6, SpaceS, 6, 10, Border(nil, n.icon, nil, Inset(0, 0, 0, 9, n.title)))
	}
	square := NewBox(BoxStyle{Fill: ColorAccent, FillAlpha: 40, Radius: 7}, AtLeast(30, 30, n.initial))
	words := Inset(0, 6, 0, SpaceM, Column(1, n.title, n.detail))
	return Inset(7, 9, 7, 9, Border(nil, Middle(square), n.dot, words))
}

func (n *NavItem) apply() {
	title := Muted
	if n.item.Active {
		title = Strong
	}
	if n.item.Icon != "" {
		n.icon.Set(n.item.Icon, n.item.Color)
		title.Size = 12.5
	}
	n.initial.SetText(n.item.Initial)
	n.title.Set(n.item.Title, title)
	n.detail.SetText(n.item.Detail)
	n.dot.Hidden = n.item.Dot == ""
	n.dot.Set(n.item.Dot)
	n.back.SetStyle(n.box())
}

func (n *NavItem) box() BoxStyle {
	box := BoxStyle{Radius: RadiusM}
	if n.hovered {
		box.Fill, box.FillAlpha = ColorRaised, 140
	}
	if n.item.Active {
		box.Fill, box.FillAlpha = ColorRaised, 0
	}
	if n.focused {
		box.Stroke, box.StrokeWidth = ColorAccent, 2
	}
	return box
}

// Tapped picks the item.
func (n *NavItem) Tapped(*fyne.PointEvent) { n.OnTapped() }

// TypedKey picks the item with Space and Return.
func (n *NavItem) TypedKey(key *fyne.KeyEvent) {
	switch key.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		n.OnTapped()
	default:
		passKey(n, key)
	}
}

// TypedRune is of no use to an item.
func (n *NavItem) TypedRune(rune) {}

// FocusGained shows the focus.
func (n *NavItem) FocusGained() { n.focused = true; n.Refresh() }

// FocusLost hides the focus.
func (n *NavItem) FocusLost() { n.focused = false; n.Refresh() }

// MouseIn shows the hover colour.
func (n *NavItem) MouseIn(*desktop.MouseEvent) { n.hovered = true; n.Refresh() }

// MouseMoved is of no use to an item.
func (n *NavItem) MouseMoved(*desktop.MouseEvent) {}

// MouseOut hides the hover colour.
func (n *NavItem) MouseOut() { n.hovered = false; n.Refresh() }
