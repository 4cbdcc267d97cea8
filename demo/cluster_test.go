package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// clock is a clock that tests move.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// world is a cluster under test with everything that its clients need.
type world struct {
	*Cluster
	ready  Description
	clock  *clock
	vendor *vendor
}

// seededKeys makes the RSA keys of a state folder once for all tests: they are most of the time that a first start
// takes.
var seededKeys = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "demo-keys")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	state := stateDir(dir)
	keys := map[string][]byte{}
	for _, name := range []string{"user-ca-key.pem", "host-ca-key.pem", "host-key.pem"} {
		if _, err := state.openKey(name, newRSAKey); err != nil {
			return nil, err
		}
		if keys[name], err = state.read(name); err != nil {
			return nil, err
		}
	}
	return keys, nil
})

// newState makes a state folder that only lacks what is quickly made.
func newState(t *testing.T) string {
	t.Helper()
	keys, err := seededKeys()
	if err != nil {
		t.Fatalf("making keys: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range keys {
		if err := stateDir(dir).write(name, data); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// start starts a cluster with a new state folder and closes it with the test.
func start(t *testing.T) *world {
	t.Helper()
	return startIn(t, newState(t), newVendor(t))
}

// startIn starts a cluster in a state folder that is there already.
func startIn(t *testing.T, state string, v *vendor, changes ...func(*Config)) *world {
	t.Helper()
	w := &world{clock: &clock{}, vendor: v}
	config := Config{
		State:            state,
		AttestationRoots: v.pool(),
		Now:              w.clock.now,
		Shell:            "/bin/sh",
	}
	for _, change := range changes {
		change(&config)
	}
	cluster, err := Start(t.Context(), config)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	w.Cluster, w.ready = cluster, cluster.Ready()
	return w
}

func (w *world) password(t *testing.T, user string) string {
	t.Helper()
	for _, u := range w.ready.Users {
		if u.Name == user {
			return u.Password
		}
	}
	t.Fatalf("there is no user %s", user)
	return ""
}

// webRoots is what --ca-file gives a client.
func (w *world) webRoots(t *testing.T) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(w.ready.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("the CA file holds no certificate")
	}
	return pool
}

// events reads the audit log.
func (w *world) events(t *testing.T) []Event {
	t.Helper()
	data, err := os.ReadFile(w.ready.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	var events []Event
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	for {
		var e Event
		err := decoder.Decode(&e)
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Fatalf("reading the audit log: %v", err)
		}
		events = append(events, e)
	}
}

// find returns the events of one name.
func (w *world) find(t *testing.T, name string) []Event {
	t.Helper()
	var found []Event
	for _, e := range w.events(t) {
		if e.Name == name {
			found = append(found, e)
		}
	}
	return found
}

// edit replaces text in a resource file, as a person with an editor would.
func (w *world) edit(t *testing.T, file, from, to string) {
	t.Helper()
	path := filepath.Join(w.ready.Resources, file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), from) {
		t.Fatalf("%s does not contain %q", file, from)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(data), from, to)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestACertificateOfTheWebAuthorityNamesLoopback(t *testing.T) {
	w := start(t)
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		conn, err := tls.Dial("tcp", w.ports.web.Addr().String(), &tls.Config{RootCAs: w.webRoots(t), ServerName: name})
		if err != nil {
			t.Errorf("as %s: %v", name, err)
			continue
		}
		_ = conn.Close()
	}
	if _, err := tls.Dial("tcp", w.ready.Proxy, &tls.Config{}); err == nil {
		t.Error("the system's roots trust the demo's certificate")
	}
}

func TestTheStateSurvivesARestart(t *testing.T) {
	state, v := newState(t), newVendor(t)
	first := startIn(t, state, v)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := startIn(t, state, v)
	a, _ := json.Marshal(first.ready)
	b, _ := json.Marshal(second.ready)
	if string(a) != string(b) {
		t.Errorf("after a restart the cluster is\n%s\nnot\n%s", b, a)
	}
}

func TestAPortThatIsTakenIsReplaced(t *testing.T) {
	state, v := newState(t), newVendor(t)
	first := startIn(t, state, v)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	thief, err := net.Listen("tcp", first.ports.web.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = thief.Close() }()
	if second := startIn(t, state, v); second.ready.Proxy == first.ready.Proxy {
		t.Errorf("two programs listen on %s", second.ready.Proxy)
	}
}

func TestOtherAccountsSeeNothing(t *testing.T) {
	w := start(t)
	w.login(t, "touch", w.vendor.card(t, 9)) // so that every kind of file is there
	count := 0
	err := filepath.WalkDir(w.ready.State, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v, want %v", path, got, want)
		}
		count++
		return nil
	})
	if err != nil || count < 15 {
		t.Errorf("walking the state folder: %d files, %v", count, err)
	}
	host, _, _ := net.SplitHostPort(w.ports.web.Addr().String())
	if !net.ParseIP(host).IsLoopback() {
		t.Errorf("the cluster listens on %s", host)
	}
}

func TestAStateFolderIsClosedToOthersOrRefused(t *testing.T) {
	t.Run("an empty one is closed", func(t *testing.T) {
		dir := t.TempDir() // 0755
		if _, err := openState(dir); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the folder has mode %v, %v", info.Mode(), err)
		}
	})
	t.Run("somebody's folder is left alone", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := openState(dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("openState = %v", err)
		}
	})
}

func TestStartRefusesWhatItCannotUse(t *testing.T) {
	tests := map[string]struct {
		config func(*Config)
		want   string
	}{
		"an address for everyone": {func(c *Config) { c.Addr = "0.0.0.0:0" }, "stays on loopback"},
		"an unknown version":      {func(c *Config) { c.VersionProfile = 13 }, "no version profile 13"},
		"an unknown layout":       {func(c *Config) { c.Listeners = "both" }, `no listeners "both"`},
		"no folder":               {func(c *Config) { c.State = "" }, "no folder was given"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := Config{State: newState(t)}
			test.config(&config)
			if _, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Start = %v, want %q", err, test.want)
			}
		})
	}
	t.Run("another name for the same cluster", func(t *testing.T) {
		w := start(t)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), Config{State: w.ready.State, ClusterName: "other"})
		if err == nil || !strings.Contains(err.Error(), `named "demo"`) {
			t.Errorf("Start = %v", err)
		}
	})
}

func TestABrokenResourceStopsTheStartAndIsNamed(t *testing.T) {
	w := start(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.edit(t, "touch.yaml", "node_labels:", "nod_labels:")
	_, err := Start(t.Context(), Config{State: w.ready.State})
	broken, ok := errors.AsType[*ResourceError](err)
	if !ok {
		t.Fatalf("Start = %v, want a ResourceError", err)
	}
	if filepath.Base(broken.File) != "touch.yaml" || !strings.Contains(err.Error(), "nod_labels") {
		t.Errorf("the error does not name file and field: %v", err)
	}
}

func TestTheClusterEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cluster, err := Start(ctx, Config{State: newState(t)})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	testkit.Eventually(t, "closed port", func() bool {
		conn, err := net.Dial("tcp", cluster.ports.web.Addr().String())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	if err := cluster.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := cluster.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}
