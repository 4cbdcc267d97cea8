package session

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session/localproxy"
)

// ProxyID is the number of an open local proxy. Zero is none.
type ProxyID uint64

// ProxyKind is what a local proxy leads to.
type ProxyKind string

// The kinds of local proxies.
const (
	ProxyDatabase ProxyKind = "db"
	ProxyApp      ProxyKind = "app"
	ProxyKube     ProxyKind = "kube"
)

// ProxyInfo is one open local proxy.
type ProxyInfo struct {
	ID       ProxyID
	Cluster  string // Cluster.ID
	Kind     ProxyKind
	Name     string // of the database, application or Kubernetes cluster
	Protocol string // of the database; "http" for an application, "kubernetes" for a Kubernetes cluster
	User     string // in the database
	Database string // within the server
	Address  string // "127.0.0.1:port"
	Command  string // to run or to copy, quoted for a shell
	URL      string // for a browser; only applications have one
	// Kubeconfig is the path of the file that tools of Kubernetes need; empty for everything else.
	Kubeconfig string

	Clients  int   // connections
	Sent     int64 // bytes from clients
	Received int64 // bytes to clients
	// Expires is the end of the certificate; zero before the first connection.
	Expires time.Time
	Asking  bool         // a certificate is being issued; a person may have been asked
	Problem *fault.Fault // of the last connection
}

// target names what a proxy leads to; its port is remembered under it.
func (i *ProxyInfo) target() string {
	if i.Kind != ProxyDatabase {
		return fmt.Sprintf("%s/%s", i.Kind, i.Name)
	}
	return fmt.Sprintf("%s/%s/%s/%s", i.Kind, i.Name, i.User, i.Database)
}

// gateway is an open local proxy and its place in the snapshots.
type gateway struct {
	m     *Manager
	proxy *localproxy.Proxy
	info  ProxyInfo // guarded by Manager.mu, but for its ID and target
	end   func()    // called when nothing of the proxy runs any more; may be nil
	stop  chan struct{}
	over  chan struct{} // closed when watch has returned
}

// opening is what a local proxy is made of.
type opening struct {
	port    int // zero for the one of the last time, or any
	source  localproxy.CertSource
	refusal localproxy.Refusal
	kube    *localproxy.Kube // nil for everything else
	end     func()           // called when nothing of the proxy runs any more; may be nil
	info    ProxyInfo
}

// openProxy opens a local proxy, or returns the one with the same target.
func (m *Manager) openProxy(o opening) (ProxyID, error) {
	if open := m.sameProxy(o.info, o.port); open != 0 {
		return open, nil
	}
	remembered := m.rememberedPort(o.info)
	proxy, err := localproxy.Listen(localproxy.Config{
		Port: cmp.Or(o.port, remembered), Source: o.source, Refusal: o.refusal, Kube: o.kube, Now: m.config.Now})
	if err != nil {
		return 0, err
	}
	if err := m.furnish(&o, proxy); err != nil {
		_ = proxy.Close() // it has no client yet
		return 0, err
	}
	if proxy.Port() != remembered {
		m.rememberPort(o.info, proxy.Port())
	}
	return m.admitProxy(&gateway{m: m, proxy: proxy, info: o.info, end: o.end, stop: make(chan struct{}), over: make(chan struct{})})
}

// furnish says how an open proxy is used, and writes down what tools need for it.
func (m *Manager) furnish(o *opening, proxy *localproxy.Proxy) error {
	info := &o.info
	info.Address = proxy.Address()
	switch info.Kind {
	case ProxyApp:
		info.URL = localproxy.AppURL(proxy.Port())
	case ProxyKube:
		content, err := proxy.Kubeconfig()
		if err != nil {
			return err
		}
		info.Kubeconfig = m.store.kubeconfigPath(info.Cluster, info.Name, proxy.Port())
		if err := m.store.saveKubeconfig(info.Kubeconfig, content); err != nil {
			return err
		}
		o.end = func() { m.removeKubeconfig(info.Kubeconfig) }
	}
	info.Command = localproxy.Command(localproxy.Target{
		Protocol: info.Protocol, Port: proxy.Port(), User: info.User, Database: info.Database, Kubeconfig: info.Kubeconfig})
	return nil
}

// sameProxy returns the open proxy with the target and, where one is wanted, the port.
func (m *Manager) sameProxy(info ProxyInfo, port int) ProxyID {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, g := range m.gateways {
		if g.info.Cluster == info.Cluster && g.info.target() == info.target() && (port == 0 || port == g.proxy.Port()) {
			return id
		}
	}
	return 0
}

// admitProxy takes a proxy into the snapshots, unless the manager was closed meanwhile.
func (m *Manager) admitProxy(g *gateway) (ProxyID, error) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		_ = g.finish() // it has no client yet
		return 0, errClosed
	}
	defer m.mu.Unlock()
	m.lastProxy++
	g.info.ID = m.lastProxy
	m.gateways[g.info.ID] = g
	m.publishLocked()
	m.running.Go(g.watch)
	return g.info.ID, nil
}

// StopProxy ends a local proxy with everything on it and returns when it is gone. Stopping one that is gone is no
// error.
func (m *Manager) StopProxy(id ProxyID) error {
	m.mu.Lock()
	g := m.gateways[id]
	delete(m.gateways, id)
	m.mu.Unlock()
	if g == nil {
		return nil
	}
	err := g.close()
	m.change(func() {})
	return err
}

// stopProxies ends the proxies of one cluster, or all of them where clusterID is empty.
func (m *Manager) stopProxies(clusterID string) {
	m.mu.Lock()
	var ids []ProxyID
	for id, g := range m.gateways {
		if clusterID == "" || g.info.Cluster == clusterID {
			ids = append(ids, id)
		}
	}
	m.mu.Unlock()
	for _, id := range ids {
		_ = m.StopProxy(id) // closing a listener and connections that nobody uses any more
	}
}

func (g *gateway) close() error {
	close(g.stop)
	<-g.over
	return g.finish()
}

// finish ends the proxy and what belongs to it.
func (g *gateway) finish() error {
	err := g.proxy.Close()
	if g.end != nil {
		g.end()
	}
	return err
}

// countPause is how long bytes that pass may stay out of the snapshots.
const countPause = 250 * time.Millisecond

// watch keeps the snapshots up to date until the proxy is stopped.
func (g *gateway) watch() {
	defer close(g.over)
	ticks := time.NewTicker(countPause)
	defer ticks.Stop()
	for {
		changed := g.proxy.Changed()
		state := g.proxy.State()
		g.show(state)
		counting := ticks.C
		if state.Clients == 0 {
			counting = nil // nothing passes
		}
		select {
		case <-changed:
		case <-counting:
		case <-g.stop:
			return
		}
	}
}

// show publishes a state that is news.
func (g *gateway) show(s localproxy.State) {
	g.m.mu.Lock()
	defer g.m.mu.Unlock()
	next := g.info
	next.Clients, next.Sent, next.Received = s.Clients, s.Sent, s.Received
	next.Expires, next.Asking, next.Problem = s.Expires, s.Asking, fault.From(s.Problem)
	if old := g.info.Problem; old != nil && next.Problem != nil && old.Error() == next.Problem.Error() {
		next.Problem = old
	}
	if next != g.info {
		g.info = next
		g.m.publishLocked()
	}
}

// proxiesLocked is the open proxies as snapshots show them, in the order of their opening.
func (m *Manager) proxiesLocked() []ProxyInfo {
	var all []ProxyInfo
	for _, id := range slices.Sorted(maps.Keys(m.gateways)) {
		all = append(all, m.gateways[id].info)
	}
	return all
}

// Tools keep addresses in their settings, so every target has a port of its own that stays:
//
//	clusters/<host of the proxy>/ports.json  ports by target
const portsFile = "ports.json"

// storedPorts is the content of ports.json.
type storedPorts struct {
	Format int            `json:"format"`
	Ports  map[string]int `json:"ports"`
}

// rememberedPort is the port of the last time; zero for none. A file that cannot be read costs nothing else.
func (m *Manager) rememberedPort(info ProxyInfo) int {
	var stored storedPorts
	err := read(filepath.Join(m.store.dir(info.Cluster), portsFile), &stored)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.config.Log.Warn("the remembered ports cannot be read", "cluster", info.Cluster, "error", err)
	}
	return stored.Ports[info.target()]
}

func (m *Manager) rememberPort(info ProxyInfo, port int) {
	path := filepath.Join(m.store.dir(info.Cluster), portsFile)
	var stored storedPorts
	err := read(path, &stored)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if stored.Ports == nil {
			stored.Ports = map[string]int{}
		}
		stored.Format, stored.Ports[info.target()] = format, port
		err = m.store.write(path, stored)
	}
	if err != nil {
		m.config.Log.Warn("the port could not be remembered", "cluster", info.Cluster, "error", err)
	}
}
