package session

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/internal/wire"
)

// layouts are clusters whose services have ports of their own.
var layouts = map[string]demo.Config{
	"version 12": {VersionProfile: 12},
	"version 15": {VersionProfile: 15, Listeners: demo.ListenersSeparate},
}

func TestServicesAreReachedOnPortsOfTheirOwn(t *testing.T) {
	for name, config := range layouts {
		t.Run(name, func(t *testing.T) {
			w := newWorldLike(t, config)
			id, web := w.through("touch", "")
			before := len(w.card.signatures())
			node := w.node(id)
			if out, status := run(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "echo in; exit 3"}); out != "in\n" || status != 3 {
				t.Errorf("the command printed %q and returned %d", out, status)
			}
			// The key is awoken twice; it signs for the connection to the proxy once, then for the auth server and the node.
			if signed := w.card.signatures()[before:]; len(signed) != 5 {
				t.Errorf("the key signed for %v", signed)
			}
			if out, err := psql(w.database(id, "reader"), "select count(*) from orders"); out != "3" || err != nil {
				t.Errorf("psql says %q, %v", out, err)
			}
			for _, name := range []string{wire.ALPNAuthPrefix, wire.ALPNProxySSH, wire.ALPNProxySSHGRPC} {
				if web.connections(name) != 0 {
					t.Errorf("the web port was asked for %s", name)
				}
			}
		})
	}
}

func TestADatabasePortIsUsedWhereTheWebPortDoesNotRoute(t *testing.T) {
	w := newWorldLike(t, demo.Config{VersionProfile: 12})
	id, web := w.through("off", alpnPostgres)
	p := w.database(id, "reader")
	if out, err := psql(p, "select count(*) from orders"); out != "3" || err != nil {
		t.Errorf("psql says %q, %v", out, err)
	}
	p.Command = "psql postgres://reader@" + p.Address + "/orders" // asks for TLS
	if out, err := psql(p, "select count(*) from orders"); out != "3" || err != nil {
		t.Errorf("psql that asks for TLS says %q, %v", out, err)
	}
	if got := web.connections(alpnPostgres); got != 2 {
		t.Errorf("the web port was asked %d times", got)
	}
	w.reprofile(id, func(p *profile) { p.Services.Postgres = "" })
	if out, err := psql(w.database(id, "writer"), "select 1"); err == nil || !strings.Contains(out, "The proxy of demo does not offer what was asked for") {
		t.Errorf("without a port psql says %q", out)
	}
}

func TestAStricterPolicyIsMetInEveryLayout(t *testing.T) {
	for name, config := range layouts {
		t.Run(name, func(t *testing.T) {
			w := newWorldLike(t, config)
			id := w.signIn("off")
			w.node(id) // the connections are open
			w.demand("off", "false", wire.PolicyTouch)
			_, err := w.Servers(t.Context(), id)
			wantFault(t, err, "demo demands a hardware key with touch, which your certificates do not have")
			w.reprofile(id, func(*profile) {}) // and from the first connection on
			_, err = w.Servers(t.Context(), id)
			wantFault(t, err, "demo demands a hardware key with touch, which your certificates do not have")
		})
	}
}

func TestAPortWhereNothingListensIsNamed(t *testing.T) {
	for name, config := range layouts {
		t.Run(name, func(t *testing.T) {
			w := newWorldLike(t, config)
			id := w.signIn("off")
			node := w.node(id)
			dead := listen(t)
			w.reprofile(id, func(p *profile) { p.Services.SSH = dead.Addr().String() })
			_ = dead.Close()
			_, err := w.Servers(t.Context(), id)
			wantFault(t, err, "Nothing listens at "+dead.Addr().String())
			_, err = w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: node.ID})
			wantFault(t, err, "Nothing listens at "+dead.Addr().String())
		})
	}
}

func TestABrokenConnectionToAnSSHPortIsOpenedAgain(t *testing.T) {
	for name, config := range layouts {
		t.Run(name, func(t *testing.T) {
			w := newWorldLike(t, config)
			id := w.signIn("off")
			var ssh *relay
			w.reprofile(id, func(p *profile) {
				ssh = newRelay(t, p.Services.SSH)
				p.Services.SSH = ssh.listener.Addr().String()
			})
			node := w.node(id)
			s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "cat"})
			ssh.cut()
			_, err := s.Wait()
			wantFault(t, err, "The connection to "+node.Hostname+" was lost")
			if list, err := w.Servers(t.Context(), id); err != nil || !slices.ContainsFunc(list, func(s Server) bool { return s.ID == node.ID }) {
				t.Errorf("listing afterwards: %v, %v", list, err)
			}
			if out, _ := run(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "echo back"}); out != "back\n" {
				t.Errorf("a shell afterwards printed %q", out)
			}
		})
	}
}

func TestALayoutThatChangesIsFollowed(t *testing.T) {
	w := newWorldLike(t, demo.Config{VersionProfile: 12})
	id := w.signIn("off")
	w.node(id)
	w.reprofile(id, func(p *profile) { p.Services.SSH = "127.0.0.1:1" }) // where it was once
	if _, err := w.AddCluster(t.Context(), w.ready.Proxy, w.ready.CAFile); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Servers(t.Context(), id); err != nil {
		t.Errorf("after the cluster was added again: %v", err)
	}
}

func TestAnotherClusterOnTheSSHPortProvesNothing(t *testing.T) {
	for name, config := range layouts {
		t.Run(name, func(t *testing.T) {
			w := newWorldLike(t, config)
			id := w.signIn("off")
			config.State = t.TempDir() // with authorities of its own
			other := &world{t: t, home: t.TempDir(), clock: &clock{}}
			other.ready = startDemo(t, config).Ready()
			other.Manager = other.open(newFakeCard(t))
			theirs := other.profile(other.add()).Services
			w.reprofile(id, func(p *profile) { p.Services.SSH = theirs.SSH })
			_, err := w.Servers(t.Context(), id)
			wantFault(t, err, "did not prove that it belongs to demo", "Nothing was sent to it")
		})
	}
}

func TestAnotherClusterOnTheDatabasePortProvesNothing(t *testing.T) {
	w := newWorldLike(t, demo.Config{VersionProfile: 12})
	id, _ := w.through("off", alpnPostgres)
	other := &world{t: t, home: t.TempDir(), clock: &clock{}}
	other.ready = startDemo(t, demo.Config{VersionProfile: 12, State: t.TempDir()}).Ready()
	other.Manager = other.open(newFakeCard(t))
	theirs := other.profile(other.add()).Services
	w.reprofile(id, func(p *profile) { p.Services.Postgres = theirs.Postgres })
	if out, err := psql(w.database(id, "reader"), "select 1"); err == nil || !strings.Contains(out, "did not prove that it belongs to demo") {
		t.Errorf("psql says %q, %v", out, err)
	}
}

// profile is what is known of a cluster.
func (w *world) profile(id string) (p profile) {
	w.change(func() { p = w.clusters[id].profile })
	return p
}

func TestSigningInAgainKeepsShellsOnAnSSHPort(t *testing.T) {
	for name, config := range layouts {
		t.Run(name, func(t *testing.T) {
			w := newWorldLike(t, config)
			id := w.signIn("off")
			s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).ID, Command: "cat"})
			if err := w.SignIn(t.Context(), id, "", w.password("off"), 0); err != nil {
				t.Fatalf("signing in again: %v", err)
			}
			w.node(id) // over a connection of its own
			if _, err := io.WriteString(s.Stdin(), "still here"); err != nil {
				t.Fatalf("writing: %v", err)
			}
			_ = s.Stdin().Close()
			if out, err := io.ReadAll(s.Stdout()); string(out) != "still here" || err != nil {
				t.Errorf("the shell of before printed %q, %v", out, err)
			}
		})
	}
}

func TestAnSSHPortWithoutGRPCIsSpokenToInSSH(t *testing.T) {
	w := newWorldLike(t, demo.Config{VersionProfile: 12})
	id := w.signIn("off")
	w.reprofile(id, func(p *profile) { p.Version = "15.0.0" }) // what ping says may be of another proxy than the one reached
	if out, status := run(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).ID, Command: "echo in"}); out != "in\n" || status != 0 {
		t.Errorf("the command printed %q and returned %d", out, status)
	}
}
