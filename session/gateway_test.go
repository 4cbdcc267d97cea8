package session

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore"
)

// knowing answers every password prompt, and counts them.
type knowing struct {
	password func() *secret.Bytes
	mu       sync.Mutex
	asked    int
}

// AskPassword implements Prompter.
func (k *knowing) AskPassword(context.Context, PasswordPrompt) (*secret.Bytes, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	return k.password(), nil
}

// AskOTP implements Prompter. The demo's users here have no codes.
func (k *knowing) AskOTP(context.Context, OTPPrompt) (*secret.Bytes, error) {
	return nil, ErrNobodyAnswers
}

// newMovableWorld has one clock for the manager and the cluster, and a person who knows the user's password.
func newMovableWorld(t testing.TB, user string) (*world, *knowing) {
	t.Helper()
	w := &world{t: t, card: newFakeCard(t), home: t.TempDir(), clock: &clock{}}
	w.cluster = startDemo(t, demo.Config{State: t.TempDir(), AttestationRoots: w.card.roots(), Now: w.clock.now})
	w.ready = w.cluster.Ready()
	person := &knowing{password: func() *secret.Bytes { return w.password(user) }}
	m, err := newManager(Config{Home: w.home, Prompter: person, Now: w.clock.now, Version: "test", Log: slogTo(t), Progress: w.hear}, w.card)
	if err != nil {
		t.Fatalf("opening the sessions: %v", err)
	}
	t.Cleanup(func() { _ = m.Close() })
	w.Manager = m
	return w, person
}

// database opens the demo's database as one of its users.
func (w *world) database(id, user string) ProxyInfo {
	w.t.Helper()
	proxy, err := w.OpenDatabase(w.t.Context(), DatabaseRef{Cluster: id, Name: "orders", User: user, Database: "orders"})
	if err != nil {
		w.t.Fatalf("opening the database: %v", err)
	}
	return w.proxy(proxy)
}

// proxy returns an open proxy as the latest snapshot has it.
func (w *world) proxy(id ProxyID) ProxyInfo {
	w.t.Helper()
	for _, p := range w.Snapshot().Proxies {
		if p.ID == id {
			return p
		}
	}
	w.t.Fatalf("the snapshot has no proxy %d", id)
	return ProxyInfo{}
}

// psql runs the command of a proxy with a statement.
func psql(p ProxyInfo, statement string) (string, error) {
	out, err := exec.Command("sh", "-c", p.Command+` -At -c "$0"`, statement).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestPsqlReachesADatabaseThroughTheKey(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("touch")
	p := w.database(id, "reader")
	if p.Kind != ProxyDatabase || p.Protocol != "postgres" || p.Clients != 0 || !p.Expires.IsZero() ||
		p.Command != fmt.Sprintf("psql 'postgres://reader@%s/orders?sslmode=disable'", p.Address) {
		t.Errorf("the proxy is %+v", p)
	}
	if out, err := psql(p, "select count(*) from orders"); out != "3" || err != nil {
		t.Fatalf("psql says %q, %v", out, err)
	}
	testkit.Eventually(t, "counted bytes", func() bool {
		shown := w.proxy(p.ID)
		return shown.Clients == 0 && shown.Sent > 0 && shown.Received > 0
	})
	if shown := w.proxy(p.ID); !shown.Expires.Equal(show(t, w.Manager, id).Expires) || shown.Problem != nil || shown.Asking {
		t.Errorf("the proxy is %+v", shown)
	}
	signed := w.card.signatures()
	if last := signed[len(signed)-1]; last.What != "Connect to database orders as reader" {
		t.Errorf("the key last signed for %q", last.What)
	}
	if events := w.events(demo.EventDBSessionStart); len(events) != 1 || !events[0].Success {
		t.Errorf("the audit log has %+v", events)
	}
}

func TestTwentyConnectionsAfterTheEndCostOneSignIn(t *testing.T) {
	w, person := newMovableWorld(t, "touch")
	id := w.signIn("touch")
	p := w.database(id, "reader")
	if out, err := psql(p, "select 1"); err != nil {
		t.Fatalf("psql says %q, %v", out, err)
	}
	w.clock.advance(13 * time.Hour)
	logins := len(w.events(demo.EventLogin))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if out, err := psql(p, "select 40+2"); out != "42" || err != nil {
				t.Errorf("psql says %q, %v", out, err)
			}
		})
	}
	all.Wait()
	if person.asked != 1 {
		t.Errorf("the password was asked for %d times, want once", person.asked)
	}
	if more := len(w.events(demo.EventLogin)) - logins; more != 1 {
		t.Errorf("the user signed in %d times, want once", more)
	}
}

func TestADatabaseIsRefused(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	for name, test := range map[string]struct {
		ref  DatabaseRef
		want []string
	}{
		"that is not there":         {DatabaseRef{Cluster: id, Name: "missing", User: "reader", Database: "orders"}, []string{`no database "missing" on demo`}},
		"without a user":            {DatabaseRef{Cluster: id, Name: "orders", Database: "orders"}, []string{"No user", "--db-user"}},
		"without a name":            {DatabaseRef{Cluster: id, Name: "orders", User: "reader"}, []string{"several databases", "--db-name"}},
		"on a cluster not known":    {DatabaseRef{Cluster: "nowhere", Name: "orders", User: "reader", Database: "orders"}, []string{`no cluster "nowhere"`}},
		"on a port that is no port": {DatabaseRef{Cluster: id, Name: "orders", User: "reader", Database: "orders", Port: 70000}, []string{"Port 70000 cannot be opened"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.OpenDatabase(t.Context(), test.ref)
			wantFault(t, err, test.want...)
		})
	}
	forbidden := w.database(id, "postgres")
	if out, err := psql(forbidden, "select 1"); err == nil || !strings.Contains(out, "access to db denied") {
		t.Errorf("a user who is not allowed: %q, %v", out, err)
	}
}

func TestAStricterPolicyIsMetBeforeTheNextConnection(t *testing.T) {
	w, _ := newMovableWorld(t, "off")
	id := w.signIn("off")
	p := w.database(id, "reader")
	if out, err := psql(p, "select 1"); err != nil {
		t.Fatalf("psql says %q, %v", out, err)
	}
	w.demand("off", "false", "hardware_key_touch")
	if out, err := psql(p, "select 1"); err == nil || !strings.Contains(out, "closed the connection to orders without a reason. Try again") {
		t.Errorf("the connection with the weak key: %q, %v", out, err)
	}
	if out, err := psql(p, "select 1"); out != "1" || err != nil {
		t.Errorf("the next one: %q, %v", out, err)
	}
	if policy := show(t, w.Manager, id).Policy; policy != "hardware_key_touch" {
		t.Errorf("the certificates are for %s", policy)
	}
}

func TestPsqlIsToldWhyTheKeyDidNotSign(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("touch")
	var untouched atomic.Bool
	w.card.onSign = func(context.Context, keystore.Purpose) error {
		if untouched.Load() {
			return fault.New("The key was not touched.", "Touch it when it blinks.")
		}
		return nil
	}
	p := w.database(id, "reader")
	untouched.Store(true)
	if out, err := psql(p, "select 1"); err == nil || !strings.Contains(out, "The key was not touched. Touch it when it blinks.") {
		t.Errorf("psql says %q, %v", out, err)
	}
	testkit.Eventually(t, "problem", func() bool { return w.proxy(p.ID).Problem != nil })
	untouched.Store(false)
	if out, err := psql(p, "select 1"); err != nil {
		t.Errorf("the next try: %q, %v", out, err)
	}
	testkit.Eventually(t, "end of the problem", func() bool { return w.proxy(p.ID).Problem == nil })
}

func TestNothingIsSentToAProxyThatProvesNothing(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	w.clusters[id].link.profile.ProxyCA = "" // its certificate is from an authority that nobody named
	p := w.database(id, "reader")
	if out, err := psql(p, "select 1"); err == nil || !strings.Contains(out, "did not prove that it belongs to demo. Nothing was sent to it.") {
		t.Errorf("psql says %q, %v", out, err)
	}
	if started := w.events(demo.EventDBSessionStart); len(started) != 0 {
		t.Errorf("the audit log has %+v", started)
	}
}

func TestAPortStaysAndIsOpenOnce(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	p := w.database(id, "reader")
	if again := w.database(id, "reader"); again.ID != p.ID {
		t.Errorf("the same database was opened twice: %+v", again)
	}
	if other := w.database(id, "writer"); other.Address == p.Address {
		t.Error("two users share a port")
	}
	for range 2 {
		if err := w.StopProxy(p.ID); err != nil {
			t.Fatalf("stopping: %v", err)
		}
	}
	if again := w.database(id, "reader"); again.Address != p.Address || again.ID == p.ID {
		t.Errorf("it came back as %+v, want the address %s", again, p.Address)
	}
	if err := w.SignOut(t.Context(), id); err != nil {
		t.Fatalf("signing out: %v", err)
	}
	if left := w.Snapshot().Proxies; len(left) != 0 {
		t.Errorf("after signing out there are %+v", left)
	}
}

func TestTargetsAreListed(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	databases, err := w.Databases(t.Context(), id)
	if err != nil || len(databases) != 2 || databases[1].Name != "orders" || databases[1].Labels["env"] != "dev" {
		t.Errorf("databases: %+v, %v", databases, err)
	}
	apps, err := w.Apps(t.Context(), id)
	if err != nil || len(apps) != 1 || apps[0].Name != "whoami" {
		t.Errorf("applications: %+v, %v", apps, err)
	}
	if c := show(t, w.Manager, id); len(c.Databases) != 2 || len(c.Apps) != 1 || c.DatabasesLoading || c.AppsLoading {
		t.Errorf("the snapshot shows %+v", c)
	}
}

func TestAnApplicationIsReachedThroughTheKey(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("touch")
	open, err := w.OpenApp(t.Context(), AppRef{Cluster: id, Name: "whoami"})
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	p := w.proxy(open)
	if p.Command != "curl "+p.URL {
		t.Errorf("the command is %q", p.Command)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for range 2 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatalf("asking: %v", err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK || !strings.Contains(string(body), "You are touch") {
			t.Errorf("the answer is %s: %s", response.Status, body)
		}
	}
	transport.CloseIdleConnections()
	if err := w.StopProxy(open); err != nil {
		t.Fatalf("stopping: %v", err)
	}
	if ended := w.events(demo.EventAppSessionEnd); len(ended) != 1 {
		t.Errorf("the sessions that ended: %+v", ended)
	}
	_, err = w.OpenApp(t.Context(), AppRef{Cluster: id, Name: "missing"})
	wantFault(t, err, `no application "missing" on demo`)
}
