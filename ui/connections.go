package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// connections is the page with everything that is open: terminals and local proxies.
type connections struct {
	actions connectionActions
	rows    []connectionRow
	views   []*connectionView
	list    *fyne.Container
	root    *fyne.Container
	table   fyne.CanvasObject
	empty   fyne.CanvasObject
}

// connectionActions is what a person can do with what is open.
type connectionActions struct {
	show      func(tab string)
	closeTab  func(tab string)
	stopProxy func(session.ProxyID)
	copy      func(text string)
	run       func(session.ProxyID) // the usual tool, in a terminal tab
	browse    func(url string)
}

func newConnections(actions connectionActions) *connections {
	c := &connections{actions: actions, list: widget.Column(0)}
	c.table = widget.NewBox(widget.Card, widget.Inset(1, 6, 6, 6, container.NewVScroll(c.list)))
	c.empty = widget.NewEmptyState(assets.IconPlug, "Nothing is open",
		"Connect to anything on the Resources tab.", nil)
	c.root = container.NewStack(c.table, c.empty)
	c.show(nil)
	return c
}

// show brings the page up to date. Rows that only say something else keep their widgets, and so the focus.
func (c *connections) show(rows []connectionRow) {
	same := slices.EqualFunc(c.rows, rows, func(a, b connectionRow) bool { return a.key() == b.key() })
	c.rows = rows
	if !same {
		c.views = nil
		c.list.Objects = nil
		for range rows {
			v := newConnectionView(c.actions)
			c.views = append(c.views, v)
			c.list.Add(v.root)
		}
	}
	for i, row := range rows {
		c.views[i].show(row)
	}
	nothing := len(rows) == 0
	c.table.(*widget.Box).Hidden = nothing
	c.empty.(*widget.EmptyState).Hidden = !nothing
	if !same {
		c.root.Refresh()
	}
}

// first is what the keyboard starts at; nil when nothing is open.
func (c *connections) first() fyne.Focusable {
	if len(c.views) == 0 {
		return nil
	}
	return firstFocus(c.views[0].root)
}

// connectionView is one row of the page.
type connectionView struct {
	row                           connectionRow
	root                          fyne.CanvasObject
	icon                          *widget.Icon
	title, state, detail          *widget.Text
	command                       *widget.Text
	run, copy, browse, open, stop *widget.Button
	buttons                       *fyne.Container
}

func newConnectionView(actions connectionActions) *connectionView {
	v := &connectionView{
		icon:    widget.NewIcon(assets.IconTerminal, widget.ColorFaint, 18),
		title:   widget.NewCell("", widget.Strong),
		state:   widget.NewText("", widget.Small),
		detail:  widget.NewCell("", widget.Small),
		command: widget.NewCell("", widget.CodeMuted),
	}
	v.run = widget.NewSmallButton("Run", assets.IconTerminal, "", widget.Secondary, func() { actions.run(v.row.Proxy) })
	v.copy = widget.NewSmallButton("Copy", assets.IconCopy, "", widget.Secondary, func() { actions.copy(v.row.Command) })
	v.browse = widget.NewSmallButton("Open", assets.IconGlobe, "", widget.Secondary, func() { actions.browse(v.row.URL) })
	v.open = widget.NewSmallButton("Show", assets.IconTerminal, "", widget.Secondary, func() { actions.show(v.row.Tab) })
	v.stop = widget.NewSmallButton("Stop", assets.IconClose, "", widget.Secondary, func() {
		if v.row.Tab != "" {
			actions.closeTab(v.row.Tab)
		} else {
			actions.stopProxy(v.row.Proxy)
		}
	})
	v.buttons = widget.Row(widget.SpaceS, v.run, v.copy, v.browse, v.open, v.stop)
	words := widget.Column(4, widget.Border(nil, nil, widget.Inset(0, widget.SpaceM, 0, widget.SpaceM, v.state), v.title), v.command, v.detail)
	line := widget.Border(nil, widget.Inset(0, widget.SpaceM, 0, widget.SpaceS, widget.Middle(v.icon)), widget.Middle(v.buttons), words)
	v.root = container.NewVBox(widget.Inset(10, 10, 10, 6, line), widget.NewHairline())
	return v
}

// show brings the row up to date.
func (v *connectionView) show(row connectionRow) {
	if v.row == row {
		return
	}
	v.row = row
	v.icon.Set(row.Icon, row.Color)
	v.title.SetText(row.Title)
	v.state.Set(row.State, widget.Small.In(row.Color))
	v.detail.SetText(row.Detail)
	v.command.SetText(row.Command)
	v.run.SetName("Run command for " + row.Title)
	v.copy.SetName("Copy command for " + row.Title)
	v.browse.SetName("Open " + row.Title)
	v.open.SetName("Show " + row.Title)
	v.stop.SetName("Stop " + row.Title)
	v.command.Hidden = row.Command == ""
	v.run.Hidden = !row.Runs
	v.copy.Hidden = row.Command == ""
	v.browse.Hidden = row.URL == ""
	v.open.Hidden = row.Tab == ""
	v.root.(*fyne.Container).Refresh()
}
