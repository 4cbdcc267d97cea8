package ui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// resources is the list of what one cluster offers, with its search, and what stands there when there is no list.
type resources struct {
	cluster session.Cluster
	all     []resourceRow // of the cluster
	rows    []resourceRow // those that chips and search find
	kind    resourceKind
	actions resourceActions

	root   *fyne.Container
	search *widget.SearchBox
	tools  *fyne.Container
	chips  *fyne.Container // a button for each of kinds; hidden while there are servers only
	list   *resourceList
	table  fyne.CanvasObject
	empty  *fyne.Container
	note   *fyne.Container // what a sign-in has set up, until it is read
	shown  string          // which empty state is shown, so that it is not built again for nothing
}

// resourceActions is what a person can do in the list.
type resourceActions struct {
	connect func(row resourceRow, login string)
	pin     func(row resourceRow) // or takes the pin away
	pinned  func(row resourceRow) bool
	menu    func(under fyne.CanvasObject, title string, choices []choice)
	refresh func()
	signIn  func()
	signOut func()
	add     func()
}

func newResources(actions resourceActions) *resources {
	r := &resources{actions: actions, empty: container.NewStack()}
	r.search = widget.NewSearchBox("Search: name, kind, address, label=value", searchKeys(), func(string) { r.filter() })
	refresh := widget.NewSmallButton("", assets.IconRefresh, "", widget.Secondary, actions.refresh).SetName("Refresh list")
	signOut := widget.NewSmallButton("Sign out", assets.IconSignOut, "", widget.Secondary, actions.signOut)
	r.tools = widget.Row(widget.SpaceS, widget.Middle(refresh), widget.Middle(signOut))
	r.list = newResourceList(r)
	r.table = r.newTable()
	top := widget.Inset(0, 0, widget.SpaceM, 0, container.NewBorder(nil, nil, nil, widget.Inset(0, 0, 0, widget.SpaceM, r.tools), r.search))
	r.chips = r.newChips()
	r.note = container.NewVBox()
	r.note.Hide()
	r.root = container.NewBorder(container.NewVBox(r.note, top, r.chips), nil, nil, nil, container.NewStack(r.table, r.empty))
	r.filter()
	return r
}

// newChips is the row that narrows the list to one kind.
func (r *resources) newChips() *fyne.Container {
	row := widget.Row(widget.SpaceS)
	for _, k := range kinds {
		row.Add(widget.NewSmallButton(k.plural(), "", "", widget.Chip, func() {
			r.kind = k
			r.filter()
		}))
	}
	return widget.Inset(0, 0, widget.SpaceM, 0, row)
}

// showChips brings counts and choice up to date.
func (r *resources) showChips() {
	c := r.cluster
	r.chips.Hidden = c.State != session.SignedIn ||
		countOf(c, anyKind) == len(c.Servers) && cmp.Or(c.DatabasesProblem, c.AppsProblem, c.KubeClustersProblem) == nil
	if r.chips.Hidden {
		r.kind = anyKind
	}
	for i, o := range r.chips.Objects[0].(*fyne.Container).Objects {
		chip := o.(*widget.Button)
		chip.SetText(fmt.Sprintf("%s  %d", kinds[i].plural(), countOf(r.cluster, kinds[i])))
		chip.SetName("Show " + strings.ToLower(kinds[i].plural()))
		if kinds[i] == r.kind {
			chip.SetStyle(widget.Chosen)
		} else {
			chip.SetStyle(widget.Chip)
		}
	}
}

// tell shows a line above the list until it is closed; an empty text closes it.
func (r *resources) tell(text string) {
	r.note.Hidden = text == ""
	r.note.Objects = nil
	if text != "" {
		r.note.Add(newNote(text, func() { r.tell("") }))
	}
	r.root.Refresh()
}

func (r *resources) newTable() fyne.CanvasObject {
	head := container.New(resourceColumns,
		widget.NewText("", widget.Overline), widget.NewText("NAME", widget.Overline), widget.NewText("KIND", widget.Overline), widget.NewText("ADDRESS", widget.Overline),
		widget.NewText("LABELS", widget.Overline), widget.NewText("", widget.Overline), widget.NewText("", widget.Overline))
	top := container.NewVBox(widget.Inset(7, 0, 4, 0, head), widget.NewHairline())
	return widget.NewBox(widget.Card, widget.Inset(1, 6, 6, 6, container.NewBorder(top, nil, nil, nil, r.list)))
}

// show brings list and empty states in line with the cluster. It is called for every snapshot, and most change nothing
// here.
func (r *resources) show(c session.Cluster) {
	if !sameLists(r.cluster, c) {
		r.all = resourceRows(c)
	} else if sameButLists(r.cluster, c) {
		return
	}
	r.cluster = c
	r.filter()
}

func sameLists(a, b session.Cluster) bool {
	return sameList(a.Servers, b.Servers) && sameList(a.Databases, b.Databases) && sameList(a.Apps, b.Apps) &&
		sameList(a.KubeClusters, b.KubeClusters)
}

// sameList says whether two lists are one and the same: snapshots never change, so the memory tells.
func sameList[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// sameButLists says whether two states of a cluster show the same around the list.
func sameButLists(a, b session.Cluster) bool {
	return a.ID == b.ID && a.Name == b.Name && a.State == b.State && loading(a) == loading(b) &&
		a.Problem == b.Problem && a.ServersProblem == b.ServersProblem && a.DatabasesProblem == b.DatabasesProblem &&
		a.AppsProblem == b.AppsProblem && a.KubeClustersProblem == b.KubeClustersProblem && slices.Equal(a.Logins, b.Logins)
}

func loading(c session.Cluster) bool {
	return c.ServersLoading || c.DatabasesLoading || c.AppsLoading || c.KubeClustersLoading
}

// listProblem is why there is nothing of a kind to choose from. That databases cannot be listed is no reason to hide
// the servers.
func listProblem(c session.Cluster, k resourceKind) *fault.Fault {
	switch {
	case k == databaseKind:
		return c.DatabasesProblem
	case k == appKind:
		return c.AppsProblem
	case k == kubeKind:
		return c.KubeClustersProblem
	case k == anyKind && countOf(c, anyKind) == 0:
		return cmp.Or(c.ServersProblem, c.DatabasesProblem, c.AppsProblem, c.KubeClustersProblem)
	default:
		return c.ServersProblem
	}
}

func (r *resources) filter() {
	r.showChips()
	r.rows = matching(r.all, r.kind, parseQuery(r.search.Field.Text))
	r.list.Refresh()
	state := r.emptyState()
	r.table.(*widget.Box).Hidden = state.title != ""
	r.tools.Hidden = r.cluster.State != session.SignedIn
	r.search.Hidden = r.cluster.State != session.SignedIn
	if key := fmt.Sprintf("%s %s %p", r.cluster.ID, state.title, listProblem(r.cluster, r.kind)); key != r.shown {
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
		return emptyState{assets.IconKey, "Signing in to " + c.Name, "What you may reach comes next.", nil, nil}
	case c.State != session.SignedIn:
		return emptyState{assets.IconLock, "Signed out of " + c.Name, "Sign in to see what you may reach.",
			widget.NewButton("Sign in", widget.Primary, r.actions.signIn), nil}
	case listProblem(c, r.kind) != nil:
		return r.problem(c, r.actions.refresh)
	case len(r.all) == 0 && loading(c):
		return emptyState{assets.IconRefresh, "Loading…", "Asking " + c.Name + " what you may reach.", nil, nil}
	case len(r.all) == 0:
		return emptyState{assets.IconServer, "Nothing to reach", "Your roles on " + c.Name + " show no server, database, application or Kubernetes cluster. Ask whoever looks after it, or refresh.",
			widget.NewButton("Refresh", widget.Secondary, r.actions.refresh), nil}
	case len(r.rows) == 0:
		return emptyState{assets.IconSearch, "Nothing found", "Nothing of that kind matches every word of the search.",
			widget.NewButton("Clear search", widget.Secondary, r.clearSearch), nil}
	default:
		return emptyState{}
	}
}

func (r *resources) problem(c session.Cluster, retry func()) emptyState {
	f := listProblem(c, r.kind)
	if c.State != session.SignedIn {
		f = c.Problem
	}
	b := newBanner(520, retry)
	b.show(f)
	return emptyState{title: f.What, banner: b}
}

func (r *resources) clearSearch() { r.search.Field.SetText("") }

// connect opens the one login there is, or asks which. Only servers have logins.
func (r *resources) connect(row resourceRow, under fyne.CanvasObject) {
	if row.Kind != serverKind || len(r.cluster.Logins) < 2 {
		r.actions.connect(row, "")
		return
	}
	var choices []choice
	for _, login := range r.cluster.Logins {
		choices = append(choices, choice{login, func() { r.actions.connect(row, login) }})
	}
	r.actions.menu(under, "LOG IN AS", choices)
}

// refreshLists asks for all lists again; their problems arrive in the snapshots. What it asks of a key at the same time
// is asked once.
func refreshLists(l *loop, sessions Sessions, clusterID string) {
	for _, ask := range []func(context.Context) error{
		func(ctx context.Context) error { return sessions.RefreshServers(ctx, clusterID) },
		func(ctx context.Context) error { _, err := sessions.Databases(ctx, clusterID); return err },
		func(ctx context.Context) error { _, err := sessions.Apps(ctx, clusterID); return err },
		func(ctx context.Context) error { _, err := sessions.KubeClusters(ctx, clusterID); return err },
	} {
		l.run(ask, func(error) {})
	}
}
