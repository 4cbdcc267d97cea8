package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// resourceColumns are the columns of the list: icon, name, kind, address, labels, star, connect.
var resourceColumns = widget.Columns{48, -2.1, 96, -2, -2.5, 36, 128}

// resourceList is Fyne's list, where Return connects to the row that the arrow keys are on.
type resourceList struct {
	fynewidget.List
	resources *resources
	views     []fyne.CanvasObject   // every row made, shown or kept in reserve
	byKey     func(row resourceRow) // what the key being typed does to the row that the arrow keys are on; else nil
}

func newResourceList(r *resources) *resourceList {
	l := &resourceList{resources: r}
	l.HideSeparators = true
	l.Length = func() int { return len(r.rows) }
	l.CreateItem = func() fyne.CanvasObject {
		v := newResourceRowView(r)
		l.views = append(l.views, v)
		return v
	}
	l.UpdateItem = func(i int, o fyne.CanvasObject) {
		o.(*resourceRowView).show(r.rows[i], len(r.cluster.Logins) > 1, r.actions.pinned(r.rows[i]))
	}
	l.OnSelected = l.selected
	l.ExtendBaseWidget(l)
	return l
}

// selected is called by Fyne for a tap and for the key that typed sends; only keys do something.
func (l *resourceList) selected(i int) {
	l.UnselectAll()
	if l.byKey != nil && i < len(l.resources.rows) {
		l.byKey(l.resources.rows[i])
	}
}

// typed does something to the row that the arrow keys are on, which Fyne tells only by selecting it.
func (l *resourceList) typed(do func(row resourceRow)) {
	l.byKey = do
	l.List.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	l.byKey = nil
}

// TypedRune pins with a star, or takes the pin away.
func (l *resourceList) TypedRune(r rune) {
	if r == '*' {
		l.typed(l.resources.actions.pin)
	}
}

// Inside is the rows in sight, without those that the list keeps in reserve.
func (l *resourceList) Inside() []fyne.CanvasObject {
	driver := fyne.CurrentApp().Driver()
	top := driver.AbsolutePositionForObject(l).Y
	return slices.DeleteFunc(slices.Clone(l.views), func(v fyne.CanvasObject) bool {
		y := driver.AbsolutePositionForObject(v).Y
		return y < top || y+v.Size().Height > top+l.Size().Height
	})
}

// TypedKey connects with Return and leaves Escape to the window.
func (l *resourceList) TypedKey(key *fyne.KeyEvent) {
	switch key.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		l.typed(func(row resourceRow) { l.resources.connect(row, l) })
	default:
		l.List.TypedKey(key)
	}
}

// resourceRowView is one row of the list; it is used again for other servers as the list scrolls.
type resourceRowView struct {
	fynewidget.BaseWidget
	row           resourceRow
	icon          *widget.Icon
	name, address *widget.Text
	kind          *widget.Text
	labels        *widget.Tags
	star, connect *widget.Button
	line          *fyne.Container
	rule          fyne.CanvasObject
}

func newResourceRowView(r *resources) *resourceRowView {
	v := &resourceRowView{
		icon:    widget.NewIcon(assets.IconServer, widget.ColorAccent, 18),
		kind:    widget.NewCell("", widget.Small),
		name:    widget.NewCell("", widget.Strong),
		address: widget.NewCell("", widget.CodeMuted),
		labels:  widget.NewTags(),
		rule:    widget.NewHairline(),
	}
	v.connect = widget.NewSmallButton("Connect", "", assets.IconChevron, widget.Secondary, func() { r.connect(v.row, v.connect) })
	v.star = widget.NewSmallButton("", assets.IconStar, "", widget.Quiet, func() { r.actions.pin(v.row) })
	icon := widget.AtLeast(32, 32, widget.NewBox(widget.BoxStyle{Fill: widget.ColorRaised, Radius: widget.RadiusM}, v.icon))
	v.line = container.New(resourceColumns,
		container.NewCenter(icon),
		widget.Inset(0, widget.SpaceM, 0, 0, v.name),
		widget.Inset(0, widget.SpaceS, 0, 0, v.kind),
		widget.Inset(0, widget.SpaceM, 0, 0, v.address),
		widget.Inset(0, widget.SpaceM, 0, 0, widget.Middle(v.labels)),
		container.NewCenter(v.star),
		widget.Inset(0, 10, 0, 0, widget.Ends(nil, widget.Middle(v.connect))),
	)
	v.ExtendBaseWidget(v)
	return v
}

func (v *resourceRowView) show(row resourceRow, choose, pinned bool) {
	v.row = row
	v.icon.Set(row.Kind.icon())
	v.kind.SetText(row.Type)
	v.name.SetText(row.Name)
	v.address.SetText(row.Address)
	v.labels.Set(row.Labels)
	v.connect.SetTrailing(choose && row.Kind == serverKind)
	v.connect.SetName("Connect to " + row.Name)
	if pinned {
		v.star.SetLeading(assets.IconStarFull, widget.ColorGold)
		v.star.SetName("Unpin " + row.Name)
	} else {
		v.star.SetLeading(assets.IconStar, "")
		v.star.SetName("Pin " + row.Name)
	}
}

// CreateRenderer is Fyne's entry.
func (v *resourceRowView) CreateRenderer() fyne.WidgetRenderer {
	return fynewidget.NewSimpleRenderer(container.NewBorder(nil, v.rule, nil, nil, widget.AtLeast(0, 46, v.line)))
}

// Inside is the cells of the row.
func (v *resourceRowView) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{v.line} }
