package ui

import (
	"context"
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// serverColumns are the columns of the server list: icon, name, address, labels, star, connect.
var serverColumns = widget.Columns{48, -2.2, -2.4, -2.6, 36, 128}

// resources is the server list of one cluster with its search, and what stands there when there is no list.
type resources struct {
	cluster session.Cluster
	all     []serverRow // of the cluster
	rows    []serverRow // those that the search finds
	actions resourceActions

	root   *fyne.Container
	search *widget.SearchBox
	tools  *fyne.Container
	list   *serverList
	table  fyne.CanvasObject
	empty  *fyne.Container
	note   *fyne.Container // what a sign-in has set up, until it is read
	shown  string          // which empty state is shown, so that it is not built again for nothing
}

// resourceActions is what a person can do in the list.
type resourceActions struct {
	connect func(row serverRow, login string)
	pin     func(row serverRow) // or takes the pin away
	pinned  func(row serverRow) bool
	menu    func(under fyne.CanvasObject, title string, choices []choice)
	refresh func()
	signIn  func()
	signOut func()
	add     func()
}

func newResources(actions resourceActions) *resources {
	r := &resources{actions: actions, empty: container.NewStack()}
	r.search = widget.NewSearchBox("Search servers: name, address, label=value", searchKeys(), func(string) { r.filter() })
	refresh := widget.NewSmallButton("", assets.IconRefresh, "", widget.Secondary, actions.refresh).SetName("Refresh servers")
	signOut := widget.NewSmallButton("Sign out", assets.IconSignOut, "", widget.Secondary, actions.signOut)
	r.tools = widget.Row(widget.SpaceS, widget.Middle(refresh), widget.Middle(signOut))
	r.list = newServerList(r)
	r.table = r.newTable()
	top := widget.Inset(0, 0, widget.SpaceM, 0, container.NewBorder(nil, nil, nil, widget.Inset(0, 0, 0, widget.SpaceM, r.tools), r.search))
	r.note = container.NewVBox()
	r.note.Hide()
	r.root = container.NewBorder(container.NewVBox(r.note, top), nil, nil, nil, container.NewStack(r.table, r.empty))
	r.filter()
	return r
}

// tell shows a line above the list until it is closed; an empty text closes it.
func (r *resources) tell(text string) {
	r.note.Hidden = text == ""
	r.note.Objects = nil
	if text != "" {
		away := widget.NewSmallButton("", assets.IconClose, "", widget.Quiet, func() { r.tell("") }).SetName("Close note")
		mark := widget.NewIcon(assets.IconCheck, widget.ColorOK, 16)
		line := widget.Border(nil, mark, away, widget.Inset(0, 0, 0, 10, widget.NewCell(text, widget.Small.In(widget.ColorOK))))
		r.note.Add(widget.Inset(0, 0, widget.SpaceM, 0, widget.NewBox(widget.Tinted(widget.ColorOK), widget.Inset(5, 6, 5, 13, line))))
	}
	r.root.Refresh()
}

func (r *resources) newTable() fyne.CanvasObject {
	head := container.New(serverColumns,
		widget.NewText("", widget.Overline), widget.NewText("NAME", widget.Overline), widget.NewText("ADDRESS", widget.Overline),
		widget.NewText("LABELS", widget.Overline), widget.NewText("", widget.Overline), widget.NewText("", widget.Overline))
	top := container.NewVBox(widget.Inset(7, 0, 4, 0, head), widget.NewHairline())
	return widget.NewBox(widget.Card, widget.Inset(1, 6, 6, 6, container.NewBorder(top, nil, nil, nil, r.list)))
}

// show brings list and empty states in line with the cluster. It is called for every snapshot, and most change nothing
// here.
func (r *resources) show(c session.Cluster) {
	if !sameList(r.cluster.Servers, c.Servers) {
		r.all = serverRows(c.Servers)
	} else if sameButServers(r.cluster, c) {
		return
	}
	r.cluster = c
	r.filter()
}

// sameList says whether two lists are one and the same: snapshots never change, so the memory tells.
func sameList(a, b []session.Server) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// sameButServers says whether two states of a cluster show the same around the list.
func sameButServers(a, b session.Cluster) bool {
	return a.ID == b.ID && a.Name == b.Name && a.State == b.State && a.ServersLoading == b.ServersLoading &&
		a.Problem == b.Problem && a.ServersProblem == b.ServersProblem && slices.Equal(a.Logins, b.Logins)
}

func (r *resources) filter() {
	r.rows = matching(r.all, parseQuery(r.search.Field.Text))
	r.list.Refresh()
	state := r.emptyState()
	r.table.(*widget.Box).Hidden = state.title != ""
	r.tools.Hidden = r.cluster.State != session.SignedIn
	r.search.Hidden = r.cluster.State != session.SignedIn
	if key := fmt.Sprintf("%s %s %p", r.cluster.ID, state.title, r.cluster.ServersProblem); key != r.shown {
		r.shown = key
		r.empty.Objects = state.objects()
	}
	r.root.Refresh()
}

// emptyState is what stands in the place of the list; its title is empty when the list does.
type emptyState struct {
	icon        assets.Icon
	title, text string
	action      *widget.Button
	banner      *banner
}

func (s emptyState) objects() []fyne.CanvasObject {
	switch {
	case s.banner != nil:
		return []fyne.CanvasObject{container.NewCenter(s.banner.box)}
	case s.title != "":
		return []fyne.CanvasObject{widget.NewEmptyState(s.icon, s.title, s.text, s.action)}
	default:
		return nil
	}
}

func (r *resources) emptyState() emptyState {
	c := r.cluster
	switch {
	case c.ID == "":
		return emptyState{assets.IconGlobe, "Add your first cluster", "You need the address of its web proxy and your user name.",
			widget.NewButton("Add cluster", widget.Primary, r.actions.add), nil}
	case c.Problem != nil && c.State != session.SignedIn:
		return r.problem(c, r.actions.signIn)
	case c.State == session.SigningIn:
		return emptyState{assets.IconKey, "Signing in to " + c.Name, "The list of servers comes next.", nil, nil}
	case c.State != session.SignedIn:
		return emptyState{assets.IconLock, "Signed out of " + c.Name, "Sign in to see the servers you may reach.",
			widget.NewButton("Sign in", widget.Primary, r.actions.signIn), nil}
	case c.ServersProblem != nil:
		return r.problem(c, r.actions.refresh)
	case len(c.Servers) == 0 && c.ServersLoading:
		return emptyState{assets.IconRefresh, "Loading servers…", "Asking " + c.Name + " what you may reach.", nil, nil}
	case len(c.Servers) == 0:
		return emptyState{assets.IconServer, "No servers", "Your roles on " + c.Name + " show no server. Ask whoever looks after it, or refresh.",
			widget.NewButton("Refresh", widget.Secondary, r.actions.refresh), nil}
	case len(r.rows) == 0:
		return emptyState{assets.IconSearch, "Nothing found", "No server matches every word of the search.",
			widget.NewButton("Clear search", widget.Secondary, r.clearSearch), nil}
	default:
		return emptyState{}
	}
}

func (r *resources) problem(c session.Cluster, retry func()) emptyState {
	f := c.ServersProblem
	if c.State != session.SignedIn {
		f = c.Problem
	}
	b := newBanner(520, retry)
	b.show(f)
	return emptyState{title: f.What, banner: b}
}

func (r *resources) clearSearch() { r.search.Field.SetText("") }

// connect opens the one login there is, or asks which.
func (r *resources) connect(row serverRow, under fyne.CanvasObject) {
	if len(r.cluster.Logins) < 2 {
		r.actions.connect(row, "")
		return
	}
	var choices []choice
	for _, login := range r.cluster.Logins {
		choices = append(choices, choice{login, func() { r.actions.connect(row, login) }})
	}
	r.actions.menu(under, "LOG IN AS", choices)
}

// serverList is Fyne's list, where Return connects to the row that the arrow keys are on.
type serverList struct {
	fynewidget.List
	resources *resources
	views     []fyne.CanvasObject // every row made, shown or kept in reserve
	byKey     func(row serverRow) // what the key being typed does to the row that the arrow keys are on; else nil
}

func newServerList(r *resources) *serverList {
	l := &serverList{resources: r}
	l.HideSeparators = true
	l.Length = func() int { return len(r.rows) }
	l.CreateItem = func() fyne.CanvasObject {
		v := newServerRowView(r)
		l.views = append(l.views, v)
		return v
	}
	l.UpdateItem = func(i int, o fyne.CanvasObject) {
		o.(*serverRowView).show(r.rows[i], len(r.cluster.Logins) > 1, r.actions.pinned(r.rows[i]))
	}
	l.OnSelected = l.selected
	l.ExtendBaseWidget(l)
	return l
}

// selected is called by Fyne for a tap and for the key that typed sends; only keys do something.
func (l *serverList) selected(i int) {
	l.UnselectAll()
	if l.byKey != nil && i < len(l.resources.rows) {
		l.byKey(l.resources.rows[i])
	}
}

// typed does something to the row that the arrow keys are on, which Fyne tells only by selecting it.
func (l *serverList) typed(do func(row serverRow)) {
	l.byKey = do
	l.List.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	l.byKey = nil
}

// TypedRune pins with a star, or takes the pin away.
func (l *serverList) TypedRune(r rune) {
	if r == '*' {
		l.typed(l.resources.actions.pin)
	}
}

// Inside is the rows in sight, without those that the list keeps in reserve.
func (l *serverList) Inside() []fyne.CanvasObject {
	driver := fyne.CurrentApp().Driver()
	top := driver.AbsolutePositionForObject(l).Y
	return slices.DeleteFunc(slices.Clone(l.views), func(v fyne.CanvasObject) bool {
		y := driver.AbsolutePositionForObject(v).Y
		return y < top || y+v.Size().Height > top+l.Size().Height
	})
}

// TypedKey connects with Return and leaves Escape to the window.
func (l *serverList) TypedKey(key *fyne.KeyEvent) {
	switch key.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		l.typed(func(row serverRow) { l.resources.connect(row, l) })
	default:
		l.List.TypedKey(key)
	}
}

// serverRowView is one row of the list; it is used again for other servers as the list scrolls.
type serverRowView struct {
	fynewidget.BaseWidget
	row           serverRow
	name, address *widget.Text
	labels        *widget.Tags
	star, connect *widget.Button
	line          *fyne.Container
	rule          fyne.CanvasObject
}

func newServerRowView(r *resources) *serverRowView {
	v := &serverRowView{
		name:    widget.NewCell("", widget.Strong),
		address: widget.NewCell("", widget.CodeMuted),
		labels:  widget.NewTags(),
		rule:    widget.NewHairline(),
	}
	v.connect = widget.NewSmallButton("Connect", "", assets.IconChevron, widget.Secondary, func() { r.connect(v.row, v.connect) })
	v.star = widget.NewSmallButton("", assets.IconStar, "", widget.Quiet, func() { r.actions.pin(v.row) })
	icon := widget.AtLeast(32, 32, widget.NewBox(widget.BoxStyle{Fill: widget.ColorRaised, Radius: widget.RadiusM},
		widget.NewIcon(assets.IconServer, widget.ColorAccent, 18)))
	v.line = container.New(serverColumns,
		container.NewCenter(icon),
		widget.Inset(0, widget.SpaceM, 0, 0, v.name),
		widget.Inset(0, widget.SpaceM, 0, 0, v.address),
		widget.Inset(0, widget.SpaceM, 0, 0, widget.Middle(v.labels)),
		container.NewCenter(v.star),
		widget.Inset(0, 10, 0, 0, widget.Ends(nil, widget.Middle(v.connect))),
	)
	v.ExtendBaseWidget(v)
	return v
}

func (v *serverRowView) show(row serverRow, choose, pinned bool) {
	v.row = row
	v.name.SetText(row.Name)
	v.address.SetText(row.Address)
	v.labels.Set(row.Labels)
	v.connect.SetTrailing(choose)
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
func (v *serverRowView) CreateRenderer() fyne.WidgetRenderer {
	return fynewidget.NewSimpleRenderer(container.NewBorder(nil, v.rule, nil, nil, widget.AtLeast(0, 46, v.line)))
}

// Inside is the cells of the row.
func (v *serverRowView) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{v.line} }

// refreshServers asks for the list again; its problems arrive in the snapshots.
func refreshServers(l *loop, sessions Sessions, clusterID string) {
	l.run(func(ctx context.Context) error { return sessions.RefreshServers(ctx, clusterID) }, func(error) {})
}
