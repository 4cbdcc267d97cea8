package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// activityColumns are the columns of the list: icon, what and who, key, result, time.
var activityColumns = widget.Columns{48, -3.6, -1.6, -1.1, 118}

// activityList is Fyne's list of activity. Rows say things and do nothing; the arrow keys scroll.
type activityList struct {
	fynewidget.List
	views []fyne.CanvasObject // every row made, shown or kept in reserve
}

func newActivityList(a *activityScreen) *activityList {
	l := &activityList{}
	l.HideSeparators = true
	l.Length = func() int { return len(a.rows) }
	l.CreateItem = func() fyne.CanvasObject {
		v := newActivityRowView()
		l.views = append(l.views, v)
		return v
	}
	l.UpdateItem = func(i int, o fyne.CanvasObject) { o.(*activityRowView).show(a.rows[i]) }
	l.OnSelected = func(int) { l.UnselectAll() }
	l.ExtendBaseWidget(l)
	return l
}

// Inside is the rows in sight, without those that the list keeps in reserve.
func (l *activityList) Inside() []fyne.CanvasObject {
	driver := fyne.CurrentApp().Driver()
	top := driver.AbsolutePositionForObject(l).Y
	return slices.DeleteFunc(slices.Clone(l.views), func(v fyne.CanvasObject) bool {
		y := driver.AbsolutePositionForObject(v).Y
		return y < top || y+v.Size().Height > top+l.Size().Height
	})
}

// activityRowView is one row of the list; it is used again as the list scrolls.
type activityRowView struct {
	fynewidget.BaseWidget
	icon                         *widget.Icon
	what, who, key, result, when *widget.Text
	line                         *fyne.Container
	rule                         fyne.CanvasObject
}

func newActivityRowView() *activityRowView {
	v := &activityRowView{
		icon:   widget.NewIcon(assets.IconKey, widget.ColorAccent, 18),
		what:   widget.NewCell("", widget.Strong),
		who:    widget.NewCell("", widget.Small),
		key:    widget.NewCell("", widget.Small),
		result: widget.NewCell("", widget.Small),
		when:   widget.NewCell("", widget.CodeMuted),
		rule:   widget.NewHairline(),
	}
	gap := func(o fyne.CanvasObject) fyne.CanvasObject { return widget.Inset(0, widget.SpaceM, 0, 0, o) }
	v.line = container.New(activityColumns,
		container.NewCenter(v.icon), gap(widget.Middle(widget.Column(3, v.what, v.who))), gap(widget.Middle(v.key)),
		gap(widget.Middle(v.result)), widget.Middle(v.when))
	v.ExtendBaseWidget(v)
	return v
}

func (v *activityRowView) show(row activityRow) {
	v.icon.Set(row.Icon, row.Color)
	v.what.SetText(row.What)
	v.who.SetText(row.Who)
	v.key.SetText(row.Key)
	v.result.Set(row.Result, widget.Small.In(row.Color))
	v.when.SetText(row.When)
}

// CreateRenderer is Fyne's entry.
func (v *activityRowView) CreateRenderer() fyne.WidgetRenderer {
	return fynewidget.NewSimpleRenderer(container.NewBorder(nil, v.rule, nil, nil, widget.AtLeast(0, 54, v.line)))
}

// Inside is the cells of the row.
func (v *activityRowView) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{v.line} }
