package session

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/demo/demotest"
	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

// world is a demo cluster, a card that it trusts, and a manager that knows both.
type world struct {
	*Manager
	t       testing.TB
	card    *fakeCard
	cluster *demo.Cluster
	ready   demo.Description
	home    string
	clock   *clock

	mu       sync.Mutex
	progress []SignIn // as reported, guarded by mu
}

// clock is real time that a test can move.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldLike(t, demo.Config{})
}

// newWorldLike is a world whose cluster has more to its configuration.
func newWorldLike(t testing.TB, config demo.Config) *world {
	t.Helper()
	w := &world{t: t, card: newFakeCard(t), home: t.TempDir(), clock: &clock{}}
	config.State, config.AttestationRoots = demotest.State(t), w.card.roots()
	w.cluster = startDemo(t, config)
	w.ready = w.cluster.Ready()
	w.Manager = w.open(w.card)
	return w
}

func startDemo(t testing.TB, config demo.Config) *demo.Cluster {
	t.Helper()
	config.Log = slogTo(t)
	cluster, err := demo.Start(context.Background(), config)
	if err != nil {
		t.Fatalf("starting the demo cluster: %v", err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Errorf("closing the demo cluster: %v", err)
		}
	})
	return cluster
}

// open makes a manager on the world's home, as a new process would.
func (w *world) open(keys keySource) *Manager {
	w.t.Helper()
	m, err := newManager(Config{Home: w.home, Now: w.clock.now, Version: "test", Log: slogTo(w.t), Progress: w.hear}, keys)
	if err != nil {
		w.t.Fatalf("opening the sessions: %v", err)
	}
	w.t.Cleanup(func() { _ = m.Close() })
	return m
}

func (w *world) hear(_ string, s SignIn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress = append(w.progress, s)
}

// add adds the demo cluster and returns its ID.
func (w *world) add() string {
	w.t.Helper()
	id, err := w.AddCluster(w.t.Context(), w.ready.Proxy, w.ready.CAFile)
	if err != nil {
		w.t.Fatalf("adding the cluster: %v", err)
	}
	return id
}

func (w *world) password(user string) *secret.Bytes {
	w.t.Helper()
	i := slices.IndexFunc(w.ready.Users, func(u demo.UserDescription) bool { return u.Name == user })
	if i < 0 {
		w.t.Fatalf("the demo has no user %q", user)
	}
	return secret.New([]byte(w.ready.Users[i].Password))
}

// signIn adds the cluster and signs a user in.
func (w *world) signIn(user string) (id string) {
	w.t.Helper()
	id = w.add()
	if err := w.SignIn(w.t.Context(), id, user, w.password(user), 0); err != nil {
		w.t.Fatalf("signing in as %s: %v", user, err)
	}
	return id
}

// show returns the cluster as the latest snapshot has it.
func show(t testing.TB, m *Manager, id string) Cluster {
	t.Helper()
	for _, c := range m.Snapshot().Clusters {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("the snapshot has no cluster %q", id)
	return Cluster{}
}

// events reads the cluster's audit log.
func (w *world) events(name string) []demo.Event {
	w.t.Helper()
	data, err := os.ReadFile(w.ready.AuditLog)
	if err != nil {
		w.t.Fatalf("reading the audit log: %v", err)
	}
	var events []demo.Event
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var e demo.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			w.t.Fatalf("reading the audit log: %v", err)
		}
		if e.Name == name {
			events = append(events, e)
		}
	}
	return events
}

// wantFault checks that err is a fault whose sentences contain the parts.
func wantFault(t testing.TB, err error, parts ...string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok {
		t.Fatalf("got the error %v, want a fault", err)
	}
	for _, part := range parts {
		if !strings.Contains(f.What+" "+f.Do, part) {
			t.Errorf("got the fault %q, want %q in it", f.What+" "+f.Do, part)
		}
	}
	for _, sentence := range []string{f.What, f.Do} {
		if !strings.HasSuffix(sentence, ".") || strings.TrimSpace(sentence) != sentence {
			t.Errorf("%q is not a sentence", sentence)
		}
	}
}

var eventually = testkit.Eventually
