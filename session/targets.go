package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// Database is a database that the user may see.
type Database struct {
	Name        string
	Protocol    string // "postgres", "mysql", ...
	Description string
	Labels      map[string]string
}

// App is an application that the user may see.
type App struct {
	Name        string
	Description string
	URI         string // where the cluster reaches it: "http://..." or "tcp://..."
	PublicAddr  string // by which browsers and the cluster know it
	Labels      map[string]string
}

// KubeCluster is a Kubernetes cluster that the user may see.
type KubeCluster struct {
	Name        string
	Description string
	Labels      map[string]string
}

// Databases lists the databases that the user may see, ordered by name, and publishes them. It may sign in again.
func (m *Manager) Databases(ctx context.Context, clusterID string) ([]Database, error) {
	return list(ctx, m, clusterID, "List databases", (*cluster).databaseList, func(ctx context.Context, _ profile, auth *teleport.Auth) ([]Database, error) {
		found, err := auth.ListDatabases(ctx)
		return distinct(found, databaseOf), err
	})
}

// Apps lists the applications that the user may see, ordered by name, and publishes them. It may sign in again.
func (m *Manager) Apps(ctx context.Context, clusterID string) ([]App, error) {
	return list(ctx, m, clusterID, "List applications", (*cluster).appList, func(ctx context.Context, _ profile, auth *teleport.Auth) ([]App, error) {
		found, err := auth.ListApps(ctx)
		return distinct(found, appOf), err
	})
}

// KubeClusters lists the Kubernetes clusters that the user may see, ordered by name, and publishes them. It may sign in
// again.
func (m *Manager) KubeClusters(ctx context.Context, clusterID string) ([]KubeCluster, error) {
	return list(ctx, m, clusterID, "List Kubernetes clusters", (*cluster).kubeList,
		func(ctx context.Context, p profile, auth *teleport.Auth) ([]KubeCluster, error) {
			return listKubes(ctx, p, auth)
		})
}

// listKubes asks in the way of the cluster's version (kube sheet, 4.4).
func listKubes(ctx context.Context, p profile, auth *teleport.Auth, keywords ...string) ([]KubeCluster, error) {
	if major := p.major(); major != 0 && major < kubeServersSince {
		found, err := auth.ListKubeClusters(ctx, keywords...)
		return distinct(found, kubeOf), err
	}
	found, err := auth.ListKubeServers(ctx, keywords...)
	return distinct(found, func(s *typespb.KubernetesServerV3) (string, KubeCluster) { return kubeOf(s.GetSpec().GetCluster()) }), err
}

// listing is one list of a cluster as snapshots show it. It is guarded by Manager.mu; its items never change.
type listing[T any] struct {
	items   []T
	loading int // calls that are listing
	problem *fault.Fault
}

// clear forgets what another sign-in has listed.
func (l *listing[T]) clear() { l.items, l.problem = nil, nil }

// settle takes a result over. A call that was given up is no problem to show.
func (l *listing[T]) settle(items []T, err error) {
	switch {
	case err == nil:
		l.items, l.problem = items, nil
	case !errors.Is(err, context.Canceled):
		l.problem = fault.From(err)
	}
}

func (c *cluster) databaseList() *listing[Database] { return &c.databases }
func (c *cluster) appList() *listing[App]           { return &c.apps }
func (c *cluster) kubeList() *listing[KubeCluster]  { return &c.kubes }

// list asks for one list and puts it into the snapshots, unless another sign-in has taken over since.
func list[T any](ctx context.Context, m *Manager, clusterID, what string, of func(*cluster) *listing[T],
	ask func(context.Context, profile, *teleport.Auth) ([]T, error)) (items []T, err error) {

	ctx, done := m.within(ctx)
	defer done()
	err = m.withSession(ctx, clusterID, func(p profile, link *link) (err error) {
		m.change(func() { of(m.clusters[clusterID]).loading++ })
		err = link.withAuth(ctx, what, func(auth *teleport.Auth) (err error) {
			items, err = ask(ctx, p, auth)
			return err
		})
		if err != nil {
			err = useFault(p, err)
		}
		m.change(func() {
			c := m.clusters[clusterID]
			of(c).loading--
			if c.link == link {
				of(c).settle(items, err)
			}
		})
		return err
	})
	return items, err
}

// distinct reads what agents serve, each once and ordered by name: clusters list it once for each agent.
func distinct[S, T any](served []S, read func(S) (name string, item T)) []T {
	byName := map[string]T{}
	for _, s := range served {
		if name, item := read(s); name != "" {
			byName[name] = item
		}
	}
	items := make([]T, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		items = append(items, byName[name])
	}
	return items
}

func databaseOf(s *typespb.DatabaseServerV3) (string, Database) {
	database := s.GetSpec().GetDatabase()
	about := database.GetMetadata()
	return about.GetName(), Database{
		Name: about.GetName(), Protocol: database.GetSpec().GetProtocol(), Description: about.GetDescription(),
		Labels: labelsOf(about, database.GetSpec().GetDynamicLabels()),
	}
}

func appOf(s *typespb.AppServerV3) (string, App) {
	app := s.GetSpec().GetApp()
	about := app.GetMetadata()
	return about.GetName(), App{
		Name: about.GetName(), URI: app.GetSpec().GetUri(), PublicAddr: app.GetSpec().GetPublicAddr(),
		Description: about.GetDescription(), Labels: labelsOf(about, app.GetSpec().GetDynamicLabels()),
	}
}

func kubeOf(k *typespb.KubernetesClusterV3) (string, KubeCluster) {
	about := k.GetMetadata()
	return about.GetName(), KubeCluster{
		Name: about.GetName(), Description: about.GetDescription(), Labels: labelsOf(about, k.GetSpec().GetDynamicLabels()),
	}
}

// labelsOf merges labels. Dynamic ones win over static ones of the same name, as on the cluster.
func labelsOf(about *typespb.Metadata, dynamic map[string]*typespb.CommandLabelV2) map[string]string {
	labels := maps.Clone(about.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	for name, label := range dynamic {
		labels[name] = label.GetResult()
	}
	return labels
}

// findTarget returns the one that is called name: among those listed before, else by asking again.
func findTarget[T any](m *Manager, clusterID, kind, name string, of func(*cluster) *listing[T], nameOf func(T) string,
	ask func() ([]T, error)) (T, error) {

	m.mu.Lock()
	c, err := m.findLocked(clusterID)
	var items []T
	var where string
	if err == nil {
		items, where = of(c).items, c.profile.name()
	}
	m.mu.Unlock()
	var none T
	if err != nil {
		return none, err
	}
	called := func(t T) bool { return nameOf(t) == name }
	if at := slices.IndexFunc(items, called); at >= 0 {
		return items[at], nil
	}
	if items, err = ask(); err != nil {
		return none, err
	}
	if at := slices.IndexFunc(items, called); at >= 0 {
		return items[at], nil
	}
	return none, fault.New(fmt.Sprintf("There is no %s %q on %s, or you may not see it.", kind, name, cmp.Or(where, clusterID)),
		"Check the name in the list.")
}
