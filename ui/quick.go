package ui

import (
	"slices"

	"github.com/touchstone-app/touchstone/session"
)

// showTrayIcon brings the tray's icon up to date, at once.
func (w *Window) showTrayIcon() {
	state := trayStateOf(w.sessions, w.keys)
	if q := w.layer.question; q != nil && q.tap != nil {
		state = trayWaiting // no card tells that a security key waits
	}
	w.tray.showState(state)
}

// showTray brings icon and menu up to date. It is called once a second: a menu that is told every change would be open
// for none. A window whose tray has gone comes back, because nothing else leads to it.
func (w *Window) showTray() {
	w.showTrayIcon()
	w.tray.showLines(trayLines(w.trayFacts()), w.doFromTray)
	if w.hidden && !w.deps.Desktop.HasTray() {
		w.raise()
	}
}

func (w *Window) trayFacts() trayFacts {
	f := trayFacts{sessions: w.sessions, keys: w.keys, remembered: w.memory.now, now: w.deps.Now()}
	if q := w.layer.question; q != nil {
		f.question, _ = summary(q)
	}
	for _, t := range w.main.terminals {
		f.tabs = append(f.tabs, trayTab{t.id, t.caption(), t.state.String()})
	}
	for _, p := range w.sessions.Proxies {
		f.tabs = append(f.tabs, trayTab{"", proxyTitle(w.sessions, p), p.Address})
	}
	return f
}

// doFromTray does what a line of the tray's menu stands for.
func (w *Window) doFromTray(a trayAction) {
	switch a.Verb {
	case trayConnects:
		w.quickConnect(a.Place)
	case trayOpensTab:
		w.raise()
		w.main.openSession(a.Tab)
	case trayForgetsPIN:
		w.forgetPIN()
	case trayShows:
		w.raise()
	case trayQuits:
		w.askToQuit()
	}
}

// quickConnect opens a shell or a local proxy with one click. Only what must be asked comes forward before the terminal does: the window
// stays where it is until the session is open or has failed.
func (w *Window) quickConnect(p Place) {
	c, found := findCluster(w.sessions, p.Cluster)
	if !found || w.wizard != nil {
		w.raise()
		return
	}
	w.selectCluster(p.Cluster)
	if c.State != session.SignedOut { // where the certificates have ended, the session manager asks for the next
		w.openPlace(p)
		return
	}
	w.raise()
	w.openLogin(c, func() { w.openPlace(p) })
}

func (w *Window) openPlace(p Place) {
	c, _ := findCluster(w.sessions, p.Cluster)
	switch {
	case p.Kind == "":
		w.main.open(p, serverOf(c, p), w.raise)
	case p.Kind == string(session.ProxyDatabase) && p.Login == "":
		w.raise()
		w.main.connect(resourceRow{Kind: databaseKind, ID: p.Server, Name: p.Name}, "")
	default:
		w.openProxy(p, func() {}) // its line in the menu tells the address
	}
}

// serverOf finds a remembered server in the list that is known now: by its ID, or by its name when it was set up anew.
func serverOf(c session.Cluster, p Place) (host string) {
	if len(c.Servers) == 0 || slices.ContainsFunc(c.Servers, func(s session.Server) bool { return s.ID == p.Server }) {
		return p.Server
	}
	return p.Name
}
