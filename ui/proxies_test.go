package ui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// mixed is a cluster with everything, and some of it open.
func mixed() session.Snapshot {
	c := prod()
	c.Databases = []session.Database{
		{Name: "analytics", Protocol: "mysql", Labels: map[string]string{"env": "dev"}},
		{Name: "orders", Protocol: "postgres", Description: "what customers bought", Labels: map[string]string{"env": "prod"}},
	}
	c.Apps = []session.App{{Name: "grafana", URI: "http://10.0.0.9:3000", PublicAddr: "grafana.prod-eu.example.com"}}
	c.KubeClusters = []session.KubeCluster{{Name: "shop-eu", Description: "where the shop runs", Labels: map[string]string{"env": "prod"}}}
	return session.Snapshot{Clusters: []session.Cluster{c}, Proxies: []session.ProxyInfo{
		{ID: 1, Cluster: c.ID, Kind: session.ProxyDatabase, Name: "orders", Protocol: "postgres", User: "reader", Database: "orders",
			Address: "127.0.0.1:54021", Command: "psql 'host=127.0.0.1 port=54021 user=reader dbname=orders sslmode=disable'",
			Clients: 2, Sent: 1234, Received: 56_789_000, Expires: epoch.Add(7 * time.Hour)},
		{ID: 2, Cluster: c.ID, Kind: session.ProxyApp, Name: "grafana", Protocol: "http", Address: "127.0.0.1:54022",
			Command: "curl http://127.0.0.1:54022", URL: "http://127.0.0.1:54022"},
		{ID: 3, Cluster: c.ID, Kind: session.ProxyKube, Name: "shop-eu", Protocol: "kubernetes", Address: "127.0.0.1:54023",
			Kubeconfig: kubeconfig, Command: "KUBECONFIG=" + kubeconfig + " kubectl"},
	}}
}

// kubeconfig is as long as such paths are.
const kubeconfig = "/home/alice/.config/touchstone/clusters/teleport.prod-eu.example.com/kube/shop-eu-54023"

func openMixed(t *testing.T) *harness {
	t.Helper()
	return newHarness(t, mixed(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}}).open()
}

func TestProxiesTellTheirState(t *testing.T) {
	now := epoch
	for name, test := range map[string]struct {
		proxy         session.ProxyInfo
		state, detail string
		color         fyne.ThemeColorName
	}{
		"nobody has connected":   {session.ProxyInfo{Address: "a:1"}, "listening", "a:1", widget.ColorAccent},
		"one client":             {session.ProxyInfo{Address: "a:1", Clients: 1, Sent: 999, Received: 1500}, "1 client", "a:1 · 999 B sent · 1.5 kB received", widget.ColorOK},
		"a person is asked":      {session.ProxyInfo{Address: "a:1", Clients: 3, Asking: true}, "waiting for you", "a:1", widget.ColorWarn},
		"the last client failed": {session.ProxyInfo{Address: "a:1", Problem: fault.New("It is gone.", "Refresh.")}, "It is gone.", "a:1", widget.ColorDanger},
		"the certificate ended":  {session.ProxyInfo{Address: "a:1", Expires: epoch}, "listening", "a:1 · asks again for the next client", widget.ColorAccent},
		"the certificate lasts":  {session.ProxyInfo{Address: "a:1", Expires: epoch.Add(time.Hour)}, "listening", "a:1 · certificate for 60 min", widget.ColorAccent},
	} {
		t.Run(name, func(t *testing.T) {
			row := proxyRows(session.Snapshot{Proxies: []session.ProxyInfo{test.proxy}}, now)[0]
			if row.State != test.state || row.Detail != test.detail || row.Color != test.color {
				t.Errorf("got %q %q %s, want %q %q %s", row.State, row.Detail, row.Color, test.state, test.detail, test.color)
			}
		})
	}
}

func TestBytesHaveAtMostThreeDigitsBeforeThePoint(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 56_789_000: "56.8 MB", 2_000_000_000: "2.0 GB", 5e15: "5000.0 TB"} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestChipsNarrowTheListToOneKind(t *testing.T) {
	h := openMixed(t)
	h.shoot("kinds", h.w.win)
	h.tap("button", "Show databases")
	var names []string
	for _, row := range h.w.main.resources.rows {
		names = append(names, row.Name+" "+row.Type)
	}
	if diff := cmp.Diff([]string{"analytics MySQL", "orders PostgreSQL"}, names); diff != "" {
		t.Errorf("databases (-want +got):\n%s", diff)
	}
	h.shoot("databases", h.w.win)
	h.clusters.change(func(s *session.Snapshot) {
		c := s.Clusters[0]
		c.Databases, c.DatabasesProblem = nil, fault.New("The databases cannot be listed.", "Try again.")
		s.Clusters = []session.Cluster{c}
	})
	h.until("the problem is told where the databases were", h.shows("The databases cannot be listed."))
	h.tap("button", "Show all")
	if !h.shows("bastion-03")() {
		t.Error("a problem with databases hides the servers")
	}
}

func TestADatabaseIsOpenedAsWhomThePersonSays(t *testing.T) {
	h := openMixed(t)
	h.tap("button", "Show databases")
	h.tap("button", "Connect to orders")
	h.shoot("database-dialog", h.w.win)
	h.press(fyne.KeyReturn) // without a user nothing happens
	h.typeInto("field", "Database user", "reader")
	h.typeInto("field", "Database name", "orders")
	h.press(fyne.KeyReturn)
	h.said(h.clusters.asked, "open orders as reader in orders")
	h.until("the page of what is open comes", h.shows("certificate for 7 h"))
	h.shoot("connections", h.w.win)

	h.tap("button", "Copy command for orders as reader · prod-eu")
	if got, want := h.app.Clipboard().Content(), mixed().Proxies[0].Command; got != want {
		t.Errorf("copied %q, want %q", got, want)
	}
	h.tap("button", "Open grafana · prod-eu")
	if h.desk.browsed != "http://127.0.0.1:54022" {
		t.Errorf("the browser went to %q", h.desk.browsed)
	}
	h.tap("button", "Stop orders as reader · prod-eu")
	h.said(h.clusters.asked, "stop 1")
	h.clusters.change(func(s *session.Snapshot) { s.Proxies = nil })
	h.until("nothing is open", h.shows("Nothing is open"))
	h.shoot("connections-empty", h.w.win)

	h.w.main.turn(0)
	h.tap("button", "Connect to orders")
	if got := h.find("field", "Database user").(*widget.Field).Text; got != "reader" {
		t.Errorf("the user of the last time is not remembered: %q", got)
	}
}

func TestAKubernetesClusterIsOpenedAtOnceAndItsKubeconfigGoesAlong(t *testing.T) {
	h := openMixed(t)
	started := h.runs(newPipeShell(), nil)
	h.tap("button", "Show kubernetes")
	h.tap("button", "Pin shop-eu")
	h.tap("button", "Connect to shop-eu")
	h.said(h.clusters.asked, "open shop-eu")
	h.until("the page of what is open comes", h.shows("KUBECONFIG="+kubeconfig+" kubectl"))
	want := []Place{{Cluster: prod().ID, Kind: "kube", Server: "shop-eu", Name: "shop-eu"}}
	if diff := cmp.Diff(want, h.w.memory.now.Pins); diff != "" {
		t.Errorf("pins (-want +got):\n%s", diff)
	}
	h.tap("button", "Copy command for shop-eu · prod-eu")
	if got, want := h.app.Clipboard().Content(), "KUBECONFIG="+kubeconfig+" kubectl"; got != want {
		t.Errorf("copied %q, want %q", got, want)
	}
	h.tap("button", "Run command for shop-eu · prod-eu")
	if diff := cmp.Diff(Program{Env: []string{"KUBECONFIG=" + kubeconfig}}, wait(h, "a shell starts", started)); diff != "" {
		t.Errorf("what was run (-want +got):\n%s", diff)
	}
}

func TestOnlyToolsToWorkWithRunInATab(t *testing.T) {
	unknown := session.ProxyInfo{ID: 4, Kind: session.ProxyDatabase, Protocol: "oracle", Address: "127.0.0.1:54024", Command: "127.0.0.1:54024"}
	got := map[session.ProxyID]bool{}
	for _, row := range proxyRows(session.Snapshot{Proxies: append(mixed().Proxies, unknown)}, epoch) {
		got[row.Proxy] = row.Runs
	}
	if diff := cmp.Diff(map[session.ProxyID]bool{1: true, 2: false, 3: true, 4: false}, got); diff != "" {
		t.Errorf("what runs (-want +got):\n%s", diff)
	}
}

func TestARefusedProxyIsTold(t *testing.T) {
	h := openMixed(t)
	h.clusters.proxy = fault.New("Port 54022 is taken.", "Choose another one.")
	h.tap("button", "Show apps")
	h.tap("button", "Connect to grafana")
	h.said(h.clusters.asked, "open grafana")
	h.until("the problem is told", h.shows("Port 54022 is taken."))
}

func TestAPinnedDatabaseOpensFromTheTrayWithoutTheWindow(t *testing.T) {
	h := newHarness(t, mixed(), keystore.Snapshot{})
	h.desk.tray = true
	h.notebook.now = Remembered{StaysInTray: true, Pins: []Place{
		{Cluster: prod().ID, Kind: "db", Server: "orders", Name: "orders", Login: "reader", Database: "orders"},
		{Cluster: prod().ID, Kind: "db", Server: "analytics", Name: "analytics"},
	}}
	h.open()
	h.w.askToClose()
	h.desk.click(t, "reader@orders · prod-eu")
	h.said(h.clusters.asked, "open orders as reader in orders")
	h.until("it was opened", func() bool { return len(h.w.memory.now.Recents) == 1 })
	if !h.w.hidden {
		t.Error("the window came for nothing")
	}
	h.desk.click(t, "analytics · prod-eu")
	if h.w.hidden || !h.shows("Connect to analytics")() {
		t.Errorf("as whom to connect is not asked; on the screen: %q", h.texts())
	}
}
