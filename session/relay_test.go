package session

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
)

// relay stands between a manager and a proxy: it can cut what is open, and refuse an ALPN name as an older proxy does.
type relay struct {
	listener net.Listener
	to       string
	running  sync.WaitGroup

	mu     sync.Mutex
	refuse string            // an ALPN name; guarded by mu
	open   map[net.Conn]bool // guarded by mu
	count  map[string]int    // connections by ALPN name; guarded by mu
}

func newRelay(t testing.TB, to string) *relay {
	t.Helper()
	r := &relay{listener: listen(t), to: to, open: map[net.Conn]bool{}, count: map[string]int{}}
	r.running.Go(r.accept)
	t.Cleanup(func() {
		_ = r.listener.Close()
		r.cut()
		r.running.Wait()
	})
	return r
}

func (r *relay) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.running.Go(func() { r.serve(conn) })
	}
}

// serve looks at the ClientHello, which names the ALPN protocols in plain text, and passes everything on.
func (r *relay) serve(in net.Conn) {
	defer in.Close()
	hello := make([]byte, 4096)
	n, err := in.Read(hello)
	if err != nil || !r.admit(in, hello[:n]) {
		return
	}
	out, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer out.Close()
	r.mu.Lock()
	r.open[in], r.open[out] = true, true
	r.mu.Unlock()
	r.running.Go(func() {
		_, _ = io.Copy(in, out)
		_ = in.Close()
	})
	_, _ = io.Copy(out, io.MultiReader(bytes.NewReader(hello[:n]), in))
}

// alpnPostgres is what a client offers first for PostgreSQL.
var alpnPostgres = wire.DatabaseALPN("postgres") + wire.ALPNPing

func (r *relay) admit(in net.Conn, hello []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range []string{wire.ALPNProxySSHGRPC, wire.ALPNAuthPrefix, wire.ALPNProxySSH, alpnPostgres} {
		if bytes.Contains(hello, append([]byte{byte(len(name))}, name...)) || name == wire.ALPNAuthPrefix && bytes.Contains(hello, []byte(name)) {
			r.count[name]++
			return name != r.refuse
		}
	}
	return true
}

// cut ends everything that is open.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.open {
		_ = conn.Close()
	}
	clear(r.open)
}

func (r *relay) connections(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[name]
}

// through signs a user in and leads everything behind the web port through a relay.
func (w *world) through(user, refuse string) (id string, r *relay) {
	w.t.Helper()
	id = w.signIn(user)
	r = newRelay(w.t, w.ready.Proxy)
	r.refuse = refuse
	w.reprofile(id, func(p *profile) { p.Proxy = r.listener.Addr().String() })
	return id, r
}

// reprofile changes what is known of a cluster and starts with new connections.
func (w *world) reprofile(id string, f func(*profile)) {
	var before *link
	w.change(func() {
		c := w.clusters[id]
		f(&c.profile)
		before = w.adoptLocked(c, c.keyring)
	})
	before.close()
}

func TestAProxyWithoutTheTransportServiceIsReachedBySSH(t *testing.T) {
	tests := []struct {
		name, version, refuse string
		grpc                  int // tries of the newer way
	}{
		{"because it is known to be older", "12.0.0", "", 0},
		{"because it does not know the name", "15.0.0", wire.ALPNProxySSHGRPC, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			id, r := w.through("off", test.refuse)
			w.reprofile(id, func(p *profile) { p.Version = test.version })
			node := w.node(id)
			for range 2 { // the second on the same connection
				if out, status := run(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "echo old; exit 4"}); out != "old\n" || status != 4 {
					t.Errorf("the command printed %q and returned %d", out, status)
				}
			}
			_, err := w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: "00000000-0000-4000-8000-000000000000"})
			wantFault(t, err, "could not reach 00000000")
			if got := r.connections(wire.ALPNProxySSHGRPC); got != test.grpc {
				t.Errorf("the newer way was tried %d times, want %d", got, test.grpc)
			}
			if got := r.connections(wire.ALPNProxySSH); got != 1 {
				t.Errorf("the older way was opened %d times, want once", got)
			}
			w.demand("off", "false", wire.PolicyTouch)
			_, err = w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: node.ID})
			wantFault(t, err, "demo demands a hardware key with touch, which your certificates do not have")
		})
	}
}

func TestABrokenConnectionIsOpenedAgain(t *testing.T) {
	for _, version := range []string{"15.0.0", "12.0.0"} {
		t.Run("version "+version, func(t *testing.T) {
			w := newWorld(t)
			id, r := w.through("off", "")
			w.reprofile(id, func(p *profile) { p.Version = version })
			node := w.node(id)
			s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "cat"})
			r.cut()
			_, err := s.Wait()
			wantFault(t, err, "The connection to "+node.Hostname+" was lost")
			if _, err := w.Servers(t.Context(), id); err != nil {
				t.Errorf("listing afterwards: %v", err)
			}
			if out, _ := run(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "echo back"}); out != "back\n" {
				t.Errorf("a shell afterwards printed %q", out)
			}
			_ = r.listener.Close()
			r.cut()
			_, err = w.Servers(t.Context(), id)
			wantFault(t, err, "Nothing listens at "+r.listener.Addr().String())
			_, err = w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: node.ID})
			wantFault(t, err, "Nothing listens at "+r.listener.Addr().String())
		})
	}
}

func TestALoginThatTheServerRefusesIsNamed(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	node, login := w.node(id), show(t, w.Manager, id).Logins[0]
	w.edit("off", `"{{internal.logins}}"`, `"somebody-else"`)
	_, err := w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: node.ID})
	wantFault(t, err, fmt.Sprintf("Access to %s@%s was denied", login, node.Hostname), "ask whoever looks after the cluster")
}

func TestSigningInAgainKeepsOpenShells(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	node := w.node(id)
	s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "cat"})
	if err := w.SignIn(t.Context(), id, "", w.password("off"), 0); err != nil {
		t.Fatalf("signing in again: %v", err)
	}
	if _, err := io.WriteString(s.Stdin(), "still here"); err != nil {
		t.Fatalf("writing: %v", err)
	}
	_ = s.Stdin().Close()
	if out, err := io.ReadAll(s.Stdout()); string(out) != "still here" || err != nil {
		t.Errorf("the shell of before printed %q, %v", out, err)
	}
	if status, err := s.Wait(); status != 0 || err != nil {
		t.Errorf("the shell of before ended with %d, %v", status, err)
	}
}

func TestTheTouchComesBeforeTheConnection(t *testing.T) {
	w := newWorld(t)
	id, r := w.through("touch", "")
	var open []int // connections behind the web port at the time of each signature
	w.card.onSign = func(context.Context, keystore.Purpose) error {
		open = append(open, r.connections(wire.ALPNAuthPrefix)+r.connections(wire.ALPNProxySSHGRPC))
		return nil
	}
	node := w.node(id)
	if out, _ := run(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "echo in"}); out != "in\n" {
		t.Errorf("the command printed %q", out)
	}
	if want := []int{0, 1, 1, 2, 2}; !slices.Equal(open, want) {
		t.Errorf("at the signatures %v connections were open, want %v", open, want)
	}
}
