package ui

import (
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// connectionRow is one open thing: a terminal, which has a Tab, or a local proxy, which has a Proxy.
type connectionRow struct {
	Tab     string
	Proxy   session.ProxyID
	Icon    assets.Icon
	Color   fyne.ThemeColorName // of the state
	Title   string              // "orders as reader · prod-eu"
	State   string
	Detail  string // address, clients, bytes, time left
	Command string // to copy; empty for terminals
	Runs    bool   // the command is a tool to work with
	URL     string // for a browser; empty for most
}

// key tells whether two rows are of the same thing.
func (r connectionRow) key() string { return fmt.Sprintf("%s %d", r.Tab, r.Proxy) }

// proxyRows is the local proxies of a snapshot.
func proxyRows(s session.Snapshot, now time.Time) []connectionRow {
	rows := make([]connectionRow, 0, len(s.Proxies))
	for _, p := range s.Proxies {
		row := connectionRow{Proxy: p.ID, Icon: assets.IconDatabase, Title: proxyTitle(s, p), Command: p.Command, URL: p.URL}
		switch p.Kind {
		case session.ProxyApp:
			row.Icon = assets.IconWindow
		case session.ProxyKube:
			row.Icon = assets.IconCube
		}
		row.Runs = p.Kind != session.ProxyApp && p.Command != p.Address // the bare address where no tool is known
		row.State, row.Color = proxyState(p)
		row.Detail = proxyDetail(p, now)
		rows = append(rows, row)
	}
	return rows
}

// proxyTitle says what a proxy leads to, as whom and where.
func proxyTitle(s session.Snapshot, p session.ProxyInfo) string {
	title := p.Name
	if p.User != "" {
		title += " as " + p.User
	}
	if c, found := findCluster(s, p.Cluster); found {
		title += " · " + c.Name
	}
	return title
}

// proxyState is the one thing about a proxy that matters most.
func proxyState(p session.ProxyInfo) (string, fyne.ThemeColorName) {
	switch {
	case p.Asking:
		return "waiting for you", widget.ColorWarn
	case p.Problem != nil:
		return p.Problem.What, widget.ColorDanger
	case p.Clients == 1:
		return "1 client", widget.ColorOK
	case p.Clients > 1:
		return fmt.Sprintf("%d clients", p.Clients), widget.ColorOK
	default:
		return "listening", widget.ColorAccent
	}
}

func proxyDetail(p session.ProxyInfo, now time.Time) string {
	parts := []string{p.Address}
	if p.Sent+p.Received > 0 {
		parts = append(parts, bytesText(p.Sent)+" sent", bytesText(p.Received)+" received")
	}
	if !p.Expires.IsZero() {
		parts = append(parts, expiryText(p.Expires.Sub(now)))
	}
	return strings.Join(parts, " · ")
}

// expiryText is how long a certificate is still good. A local proxy whose certificate has ended asks for the next one.
func expiryText(left time.Duration) string {
	if left <= 0 {
		return "asks again for the next client"
	}
	return "certificate for " + durationText(left)
}

// bytesText is a number of bytes in the unit that leaves at most three digits before the point.
func bytesText(n int64) string {
	const step = 1000
	if n < step {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n)/step, 0
	for ; size >= step && unit < 3; unit++ {
		size /= step
	}
	return fmt.Sprintf("%.1f %s", size, [...]string{"kB", "MB", "GB", "TB"}[unit])
}

// terminalRow is a terminal on the page of what is open.
func terminalRow(t *terminalTab, s session.Snapshot, now time.Time) connectionRow {
	row := connectionRow{Tab: t.id, Icon: assets.IconTerminal, Title: t.caption(), State: t.state.String(), Color: tabColor(t.state)}
	if c, found := findCluster(s, t.cfg.cluster); found {
		row.Title += " · " + c.Name
		row.Detail, _ = clusterState(c, now)
	} else if t.cfg.cluster == "" {
		row.Detail = "on this computer"
	}
	return row
}
