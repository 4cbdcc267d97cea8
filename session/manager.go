package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// Config is what a Manager is built from.
type Config struct {
	Home     string // the folder of profiles and certificates; made where it is missing
	Keys     Keys
	Prompter Prompter
	Now      func() time.Time // time.Now when nil
	Version  string           // Touchstone's own
	PIVSlot  string           // the slot that the environment names (SlotVariable), or empty
	Lang     string           // LANG for sessions on servers; empty for the servers' own
	Log      *slog.Logger     // nothing is logged when nil
	// Progress hears of every step of every sign-in, in order, while snapshots may skip some; may be nil. It must
	// return soon and must not call the Manager.
	Progress func(clusterID string, s SignIn)
}

// Manager owns clusters, their sessions and everything open on them. All methods may be called from many goroutines.
type Manager struct {
	config Config
	store  store
	keys   keySource
	// patience is zero, for the protocol's own, but in tests of peers that hang.
	patience teleport.Patience

	life    context.Context // ends with Close; every ceremony and connection hangs on it
	end     context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex          // guards what follows; never held across network, card, disk or person
	clusters map[string]*cluster // by ID
	shells   map[uint64]*Shell
	last     uint64 // ID of the latest shell
	gateways map[ProxyID]*gateway
	// lastProxy is the ID of the latest local proxy.
	lastProxy ProxyID
	snapshot  Snapshot
	changed   chan struct{} // closed and replaced with every snapshot
	closed    bool
	sent      []sentCode // one-time codes of the last minutes
}

// cluster is one profile and what is open on it. Its fields are guarded by Manager.mu; what they point to never
// changes, except for link, which guards itself.
type cluster struct {
	id       string
	profile  profile
	broken   *fault.Fault // the profile cannot be read
	keyring  *keyring
	link     *link // connections that the keyring opened; nil without a keyring
	ceremony *ceremony
	problem  *fault.Fault

	servers        []Server
	loading        int // calls that are listing servers
	serversProblem *fault.Fault

	databases listing[Database]
	apps      listing[App]
	kubes     listing[KubeCluster]
}

// New reads the profiles and certificates under Home. Files that cannot be read become problems of their clusters.
func New(config Config) (*Manager, error) {
	return newManager(config, storeKeys{config.Keys})
}

func newManager(config Config, keys keySource) (*Manager, error) {
	if config.Home == "" {
		return nil, errors.New("opening the sessions: no home")
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{
		config:   config,
		store:    store{home: config.Home, keys: keys},
		keys:     keys,
		clusters: map[string]*cluster{},
		shells:   map[uint64]*Shell{},
		gateways: map[ProxyID]*gateway{},
		changed:  make(chan struct{}),
	}
	if err := m.load(); err != nil {
		return nil, err
	}
	m.life, m.end = context.WithCancel(context.Background())
	m.publishLocked()
	m.running.Go(m.watchExpiry)
	return m, nil
}

// load reads the store. Nobody else knows the manager yet.
func (m *Manager) load() error {
	profiles, err := m.store.profiles()
	if err != nil {
		return err
	}
	for _, r := range profiles {
		c := &cluster{id: r.id, profile: r.profile, broken: r.problem, problem: r.problem}
		m.clusters[c.id] = c
		if c.broken != nil {
			continue
		}
		ring, err := m.store.login(c.id)
		if err != nil {
			m.config.Log.Warn("certificates cannot be used", "cluster", c.id, "error", err)
			c.problem = fault.From(err)
			continue
		}
		m.adoptLocked(c, ring)
	}
	return nil
}

// adoptLocked makes ring the cluster's present sign-in, nil for none, and returns the connections of the one before.
func (m *Manager) adoptLocked(c *cluster, ring *keyring) (before *link) {
	before = c.link
	c.keyring, c.link = ring, nil
	c.databases.clear()
	c.apps.clear()
	c.kubes.clear()
	if ring != nil {
		c.link = newLink(m, c.profile, ring)
	}
	return before
}

// Close ends every ceremony, session and connection and waits for them. Closing twice is allowed.
func (m *Manager) Close() error {
	m.mu.Lock()
	m.closed = true
	shells := slices.Collect(maps.Values(m.shells))
	var links []*link
	for _, c := range m.clusters {
		links = append(links, c.link)
	}
	m.mu.Unlock()
	m.end()
	m.stopProxies("")
	for _, shell := range shells {
		_ = shell.Close()
	}
	for _, l := range links {
		l.close()
	}
	m.running.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sent {
		s.code.Wipe()
	}
	m.sent = nil
	return nil
}

// errClosed ends calls that come after Close.
var errClosed = fmt.Errorf("the sessions are closed: %w", context.Canceled)

// find returns a cluster that can be used.
func (m *Manager) findLocked(id string) (*cluster, error) {
	if m.closed {
		return nil, errClosed
	}
	c := m.clusters[id]
	if c == nil {
		return nil, fault.New(fmt.Sprintf("There is no cluster %q.", id), "Add it first, by the address of its proxy.")
	}
	if c.broken != nil {
		return nil, c.broken
	}
	return c, nil
}

// signedIn returns a cluster's profile and connections, or says why there are none.
func (m *Manager) signedIn(id string) (profile, *link, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.findLocked(id)
	if err != nil {
		return profile{}, nil, err
	}
	switch m.stateLocked(c) {
	case Expired:
		return profile{}, nil, fault.New(fmt.Sprintf("Your certificates for %s have ended.", c.profile.name()), "Sign in again.")
	case SignedIn:
		return c.profile, c.link, nil
	}
	if c.keyring != nil { // a sign-in runs while the certificates of the one before are still good
		return c.profile, c.link, nil
	}
	return profile{}, nil, fault.New(fmt.Sprintf("You are not signed in to %s.", c.profile.name()), "Sign in first.")
}

// Snapshot returns the latest snapshot.
func (m *Manager) Snapshot() Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.snapshot
}

// Wait blocks until a snapshot newer than version after exists, or ctx ends.
func (m *Manager) Wait(ctx context.Context, after uint64) (Snapshot, error) {
	for {
		m.mu.Lock()
		snapshot, changed := m.snapshot, m.changed
		m.mu.Unlock()
		if snapshot.Version > after {
			return snapshot, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Snapshot{}, context.Cause(ctx)
		case <-m.life.Done():
			return Snapshot{}, errClosed
		}
	}
}

// change runs f with the lock held and publishes what it changed.
func (m *Manager) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	m.publishLocked()
}

// publishLocked makes a new snapshot of everything and wakes who waits for one.
func (m *Manager) publishLocked() {
	next := Snapshot{Version: m.snapshot.Version + 1}
	for _, c := range m.clusters {
		next.Clusters = append(next.Clusters, m.describeLocked(c))
	}
	slices.SortFunc(next.Clusters, func(a, b Cluster) int {
		return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID)
	})
	for _, id := range slices.Sorted(maps.Keys(m.shells)) {
		next.Shells = append(next.Shells, m.shells[id].infoLocked())
	}
	next.Proxies = m.proxiesLocked()
	m.snapshot = next
	close(m.changed)
	m.changed = make(chan struct{})
}
