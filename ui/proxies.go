package ui

import (
	"context"

	"github.com/touchstone-app/touchstone/session"
)

// connectionsPage is mainScreen.active while the page of what is open is shown, which has no tab.
const connectionsPage = -1

// showOpened brings the page of what is open up to date.
func (m *mainScreen) showOpened() {
	if m.active != connectionsPage {
		return
	}
	now := m.w.deps.Now()
	var rows []connectionRow
	for _, t := range m.terminals {
		rows = append(rows, terminalRow(t, m.w.sessions, now))
	}
	m.opened.show(append(rows, proxyRows(m.w.sessions, now)...))
}

func (m *mainScreen) connectionActions() connectionActions {
	w := m.w
	return connectionActions{
		show: m.openSession,
		closeTab: func(id string) {
			if t := m.terminal(id); t != nil {
				m.closeTab(t)
			}
		},
		stopProxy: func(id session.ProxyID) {
			w.loop.run(func(context.Context) error { return w.deps.Sessions.StopProxy(id) }, w.report)
		},
		copy:   func(text string) { w.deps.App.Clipboard().SetContent(text) },
		run:    w.runProxyTool,
		browse: func(url string) { w.report(w.deps.Desktop.OpenURL(url)) },
	}
}

// openProxy opens a local proxy to anything but a server. opened runs when it listens.
func (w *Window) openProxy(p Place, opened func()) {
	w.memory.visited(p)
	w.loop.run(func(ctx context.Context) (err error) {
		switch session.ProxyKind(p.Kind) {
		case session.ProxyApp:
			_, err = w.deps.Sessions.OpenApp(ctx, session.AppRef{Cluster: p.Cluster, Name: p.Name})
		case session.ProxyKube:
			_, err = w.deps.Sessions.OpenKube(ctx, session.KubeRef{Cluster: p.Cluster, Name: p.Name})
		default:
			_, err = w.deps.Sessions.OpenDatabase(ctx, session.DatabaseRef{Cluster: p.Cluster, Name: p.Name, User: p.Login, Database: p.Database})
		}
		return err
	}, func(err error) {
		if err != nil {
			w.raise()
			w.report(err)
			return
		}
		w.sessions = w.deps.Sessions.Snapshot()
		w.show()
		opened()
	})
}
