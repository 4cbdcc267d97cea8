package ui

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// mainScreen is the window after the first run: side bar, tabs with the server list and the terminals, status bar.
type mainScreen struct {
	w         *Window
	root      fyne.CanvasObject
	side      *sideBar
	status    *statusBar
	tabs      *widget.TabStrip
	resources *resources
	terminals []*terminalTab
	active    int // 0 is the resources, n the terminal n-1
	opened    *connections
	key       *keyScreen
	activity  *activityScreen
	stack     *fyne.Container
	nextID    uint64
}

func newMainScreen(w *Window) *mainScreen {
	m := &mainScreen{w: w, stack: container.NewStack()}
	m.side = newSideBar(sideActions{pick: w.selectCluster, add: w.addCluster, place: m.openPlace, open: m.openSession, all: w.showConnections})
	m.opened = newConnections(m.connectionActions())
	m.key = newKeyScreen(w.loop, w.deps.Keys, w.keyActions())
	m.activity = newActivityScreen(w)
	m.status = newStatusBar(w.forgetPIN)
	m.resources = newResources(resourceActions{
		connect: m.connect,
		pin:     m.pin,
		pinned:  func(row resourceRow) bool { return w.memory.pinned(placeOf(w.cluster, row)) },
		menu: func(under fyne.CanvasObject, title string, choices []choice) {
			showMenu(w.modals, under, title, choices)
		},
		refresh: func() { refreshLists(w.loop, w.deps.Sessions, w.cluster) },
		signIn:  w.signIn,
		signOut: w.signOut,
		add:     w.addCluster,
	})
	m.tabs = widget.NewTabStrip()
	m.tabs.OnSelected, m.tabs.OnAdded = m.turn, w.newConnection
	m.tabs.OnClosed = func(i int) { m.closeTab(m.terminals[i-1]) }
	content := widget.Inset(12, 18, 14, 18, container.NewBorder(widget.Inset(0, 0, widget.SpaceM, 0, m.tabs), nil, nil, nil, m.stack))
	m.root = container.NewBorder(nil, m.status.root, m.side.root, nil, content)
	m.reveal(0)
	return m
}

// show draws what is known now.
func (m *mainScreen) show() {
	w := m.w
	now := w.deps.Now()
	cluster, _ := findCluster(w.sessions, w.cluster)
	m.side.show(m.clusterItems(), m.placeItems(), m.sessionItems())
	m.key.show(w.keys, w.sessions)
	m.activity.show(w.keys)
	m.resources.show(cluster)
	m.showOpened()
	m.status.show(statusOf(w.keys, cluster, now))
}

// tick brings the times up to date.
func (m *mainScreen) tick() {
	now := m.w.deps.Now()
	cluster, _ := findCluster(m.w.sessions, m.w.cluster)
	m.side.clusters.show(m.clusterItems())
	m.showOpened()
	m.status.show(statusOf(m.w.keys, cluster, now))
}

// sessionItems is what is open, in the side bar: terminals, then local proxies with their ports.
func (m *mainScreen) sessionItems() []clusterItem {
	var items []clusterItem
	for i, t := range m.terminals {
		items = append(items, clusterItem{ID: t.id, Item: widget.Item{
			Icon: assets.IconTerminal, Color: tabColor(t.state), Title: t.caption(), Active: m.active == i+1,
		}})
	}
	for _, row := range proxyRows(m.w.sessions, m.w.deps.Now()) {
		items = append(items, clusterItem{ID: row.key(), Item: widget.Item{Icon: row.Icon, Color: row.Color, Title: row.Title}})
	}
	return items
}

// tabColor is the colour of a terminal's icon.
func tabColor(s tabState) fyne.ThemeColorName {
	switch s {
	case tabOpen:
		return widget.ColorOK
	case tabConnecting:
		return widget.ColorWarn
	default:
		return widget.ColorFaint
	}
}

// placeOf is a row of the list as it is remembered.
func placeOf(cluster string, row resourceRow) Place {
	p := Place{Cluster: cluster, Server: row.ID, Name: row.Name}
	switch row.Kind {
	case databaseKind:
		p.Kind = string(session.ProxyDatabase)
	case appKind:
		p.Kind = string(session.ProxyApp)
	case kubeKind:
		p.Kind = string(session.ProxyKube)
	}
	return p
}

// pin pins a server to the tray, or takes the pin away.
func (m *mainScreen) pin(row resourceRow) {
	m.w.memory.pin(placeOf(m.w.cluster, row))
	m.resources.list.Refresh()
}

// connect opens a terminal tab on a server of the selected cluster, or a local proxy to anything else.
func (m *mainScreen) connect(row resourceRow, login string) {
	p := placeOf(m.w.cluster, row)
	switch row.Kind {
	case databaseKind:
		m.w.askDatabase(m.w.cluster, row, func(ref session.DatabaseRef) {
			p.Login, p.Database = ref.User, ref.Database
			m.w.openProxy(p, m.w.showConnections)
		})
	case appKind, kubeKind:
		m.w.openProxy(p, m.w.showConnections)
	default:
		p.Login = login
		m.open(p, row.ID, func() {})
	}
}

// open opens a terminal tab on a server; host is its ID or its name. arrived runs when the session is open or could not
// be opened.
func (m *mainScreen) open(p Place, host string, arrived func()) {
	cluster, _ := findCluster(m.w.sessions, p.Cluster)
	if !slices.Contains(cluster.Logins, p.Login) && len(cluster.Logins) > 0 {
		p.Login = cluster.Logins[0]
	}
	m.w.memory.visited(p)
	name := p.Name
	if p.Login != "" {
		name = p.Login + "@" + p.Name
	}
	m.add(terminalConfig{
		title:   p.Name,
		name:    name,
		cluster: p.Cluster,
		words:   serverWords(name),
		open: func(ctx context.Context, size session.Terminal) (Terminal, error) {
			return m.w.openShell(ctx, session.ShellRequest{Cluster: p.Cluster, Host: host, Login: p.Login, Terminal: &size})
		},
		arrived: sync.OnceFunc(arrived),
	})
}

// add opens a terminal tab and completes what all of them have in common.
func (m *mainScreen) add(cfg terminalConfig) {
	cfg.loop, cfg.changed, cfg.focus = m.w.loop, m.changed, m.focus
	cfg.shortcut, cfg.close = m.w.terminalShortcut, m.closeTab
	m.nextID++
	t := newTerminalTab(strconv.FormatUint(m.nextID, 10), cfg)
	m.terminals = append(m.terminals, t)
	m.stack.Add(t.root)
	m.turn(len(m.terminals))
	t.start()
}

// openShell adapts the session manager to what a tab wants.
func (w *Window) openShell(ctx context.Context, r session.ShellRequest) (Terminal, error) {
	s, err := w.deps.Sessions.OpenShell(ctx, r)
	if err != nil {
		return nil, err // not a nil *session.Shell in an interface
	}
	return s, nil
}

// turn shows a tab and gives it the keyboard.
func (m *mainScreen) turn(to int) {
	m.reveal(to)
	m.focus()
}

// reveal shows a tab. Hidden terminals do not paint.
func (m *mainScreen) reveal(to int) {
	m.active = to
	m.stack.Objects = []fyne.CanvasObject{m.resources.root}
	switch to {
	case connectionsPage:
		m.stack.Objects = []fyne.CanvasObject{m.opened.root}
	case keyScreenPage:
		m.stack.Objects = []fyne.CanvasObject{m.key.root}
	case activityPage:
		m.stack.Objects = []fyne.CanvasObject{m.activity.root}
	}
	m.key.setVisible(to == keyScreenPage)
	m.activity.setVisible(to == activityPage)
	for i, t := range m.terminals {
		if i+1 == to {
			m.stack.Objects = []fyne.CanvasObject{t.root}
			t.screen.Show()
		} else {
			t.screen.Hide()
		}
	}
	m.stack.Refresh()
	m.changed()
}

// focus puts the keyboard where the active tab wants it.
func (m *mainScreen) focus() {
	if len(m.w.modals.open) > 0 {
		return
	}
	if m.active > 0 {
		m.w.win.Canvas().Focus(m.terminals[m.active-1].screen)
		return
	}
	if m.active == connectionsPage {
		m.w.win.Canvas().Focus(m.opened.first())
		return
	}
	if m.active == activityPage {
		m.w.win.Canvas().Focus(m.activity.first())
		return
	}
	if m.active == keyScreenPage {
		m.w.win.Canvas().Focus(firstFocus(m.key.root))
		return
	}
	if m.resources.table.Visible() {
		m.w.win.Canvas().Focus(m.resources.list)
	}
}

// changed draws tabs and sessions again after a title or a state changed.
func (m *mainScreen) changed() {
	tabs := []widget.Tab{{Title: "Resources", Icon: assets.IconServer}}
	for _, t := range m.terminals {
		tab := widget.Tab{Title: t.cfg.title, Icon: assets.IconTerminal, Closable: true}
		if t.state != tabOpen {
			tab.Color = tabColor(t.state)
		}
		tabs = append(tabs, tab)
	}
	m.tabs.Set(tabs, m.active)
	m.side.show(m.clusterItems(), m.placeItems(), m.sessionItems())
	m.showOpened()
}

// openSession turns to the terminal that was picked in the side bar, or to the page of what is open.
func (m *mainScreen) openSession(id string) {
	if t := m.terminal(id); t != nil {
		m.turn(slices.Index(m.terminals, t) + 1)
	} else {
		m.turn(connectionsPage)
	}
}

// terminal is the terminal with that ID; nil when it is gone.
func (m *mainScreen) terminal(id string) *terminalTab {
	i := slices.IndexFunc(m.terminals, func(t *terminalTab) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return m.terminals[i]
}

// closeTab ends a terminal and turns to its neighbour.
func (m *mainScreen) closeTab(t *terminalTab) {
	i := slices.Index(m.terminals, t)
	if i < 0 {
		return
	}
	t.closeTab()
	m.terminals = slices.Delete(m.terminals, i, i+1)
	to := m.active
	if to > i {
		to--
	}
	m.turn(min(to, len(m.terminals)))
}

// openSessions is how many sessions would be lost by quitting: terminals, and local proxies that somebody uses.
func (m *mainScreen) openSessions() int {
	n := 0
	for _, p := range m.w.sessions.Proxies {
		if p.Clients > 0 {
			n++
		}
	}
	for _, t := range m.terminals {
		if t.state != tabEnded {
			n++
		}
	}
	return n
}
