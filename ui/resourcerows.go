package ui

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// resourceKind is what a resource is.
type resourceKind int

const (
	anyKind resourceKind = iota
	serverKind
	databaseKind
	appKind
	kubeKind
)

// kinds is all kinds in the order of their chips.
var kinds = []resourceKind{anyKind, serverKind, databaseKind, appKind, kubeKind}

// plural is what a chip calls a kind.
func (k resourceKind) plural() string {
	return [...]string{"All", "Servers", "Databases", "Apps", "Kubernetes"}[k]
}

// icon is a kind's icon and its colour.
func (k resourceKind) icon() (assets.Icon, fyne.ThemeColorName) {
	switch k {
	case databaseKind:
		return assets.IconDatabase, widget.ColorOK
	case appKind:
		return assets.IconWindow, widget.ColorGold
	case kubeKind:
		return assets.IconCube, widget.ColorAccent
	default:
		return assets.IconServer, widget.ColorAccent
	}
}

// resourceRow is one line of the list.
type resourceRow struct {
	Kind    resourceKind
	ID      string // a server's; the name of anything else
	Name    string
	Type    string // "SSH server", "PostgreSQL", ...
	Address string
	Labels  []string // "key=value", ordered
	Asks    bool     // whom to be must be said before

	folded       string   // name, type and address as the search sees them
	foldedLabels []string // labels as the search sees them
}

// resourceRows is everything of a cluster as rows, ordered by name. It is made once per list, so that a search only
// compares.
func resourceRows(c session.Cluster) []resourceRow {
	rows := make([]resourceRow, 0, countOf(c, anyKind))
	for _, s := range c.Servers {
		rows = append(rows, resourceRow{Kind: serverKind, ID: s.ID, Name: s.Hostname, Type: "SSH server",
			Address: cmp.Or(s.Address, "through a tunnel")}.with(s.Labels))
	}
	for _, d := range c.Databases {
		rows = append(rows, resourceRow{Kind: databaseKind, ID: d.Name, Name: d.Name, Type: protocolText(d.Protocol),
			Address: d.Description, Asks: true}.with(d.Labels))
	}
	for _, a := range c.Apps {
		rows = append(rows, resourceRow{Kind: appKind, ID: a.Name, Name: a.Name, Type: "Application",
			Address: a.PublicAddr}.with(a.Labels))
	}
	for _, k := range c.KubeClusters {
		rows = append(rows, resourceRow{Kind: kubeKind, ID: k.Name, Name: k.Name, Type: "Kubernetes",
			Address: k.Description}.with(k.Labels))
	}
	slices.SortStableFunc(rows, func(a, b resourceRow) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// with completes a row with its labels and what the search sees.
func (r resourceRow) with(labels map[string]string) resourceRow {
	r.folded = strings.ToLower(r.Name + " " + r.Type + " " + r.Address)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		label := key + "=" + labels[key]
		r.Labels = append(r.Labels, label)
		r.foldedLabels = append(r.foldedLabels, strings.ToLower(label))
	}
	return r
}

// protocolText is a database protocol as people write it.
func protocolText(protocol string) string {
	switch protocol {
	case "postgres":
		return "PostgreSQL"
	case "mysql":
		return "MySQL"
	case "mongodb":
		return "MongoDB"
	case "redis":
		return "Redis"
	default:
		return cmp.Or(protocol, "Database")
	}
}

// matching is the rows of a kind that a query finds, in the same order. Where all are wanted it is rows itself.
func matching(rows []resourceRow, k resourceKind, q query) []resourceRow {
	if k == anyKind && len(q) == 0 {
		return rows
	}
	var found []resourceRow
	for _, row := range rows {
		if (k == anyKind || row.Kind == k) && q.matches(row) {
			found = append(found, row)
		}
	}
	return found
}

// countOf is how many resources of a kind a cluster has.
func countOf(c session.Cluster, k resourceKind) int {
	switch k {
	case serverKind:
		return len(c.Servers)
	case databaseKind:
		return len(c.Databases)
	case appKind:
		return len(c.Apps)
	case kubeKind:
		return len(c.KubeClusters)
	default:
		return len(c.Servers) + len(c.Databases) + len(c.Apps) + len(c.KubeClusters)
	}
}
