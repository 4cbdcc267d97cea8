package session

import (
	"time"
)

// stateLocked says where a cluster's session stands. It follows from what is there, so no two facts can contradict
// each other.
func (m *Manager) stateLocked(c *cluster) State {
	switch {
	case c.ceremony != nil:
		return SigningIn
	case c.keyring == nil:
		return SignedOut
	case c.keyring.expired(m.config.Now()):
		return Expired
	default:
		return SignedIn
	}
}

// describeLocked is a cluster as snapshots show it.
func (m *Manager) describeLocked(c *cluster) Cluster {
	d := Cluster{
		ID:             c.id,
		Name:           c.id,
		Proxy:          c.profile.Proxy,
		User:           c.profile.User,
		State:          m.stateLocked(c),
		Problem:        c.problem,
		Servers:        c.servers,
		ServersLoading: c.loading > 0,
		ServersProblem: c.serversProblem,

		Databases: c.databases.items, DatabasesLoading: c.databases.loading > 0, DatabasesProblem: c.databases.problem,
		Apps: c.apps.items, AppsLoading: c.apps.loading > 0, AppsProblem: c.apps.problem,
		KubeClusters: c.kubes.items, KubeClustersLoading: c.kubes.loading > 0, KubeClustersProblem: c.kubes.problem,
	}
	if c.broken == nil {
		d.Name = c.profile.name()
	}
	if c.ceremony != nil {
		progress := c.ceremony.progress
		d.SignIn = &progress
	}
	if ring := c.keyring; ring != nil {
		d.User, d.Expires, d.Policy = ring.User, ring.Expires, ring.Policy
		d.Roles, d.Logins = ring.Roles, ring.Logins
		d.Serial, d.Slot = ring.key.Serial(), ring.key.Slot().String()
		d.SlotFrom = c.profile.SlotFrom
	}
	return d
}

// expiryPause is the longest that an ended session goes unnoticed after the computer slept: timers stand still then,
// the wall clock does not.
const expiryPause = time.Minute

// watchExpiry publishes a snapshot whenever a session has ended.
func (m *Manager) watchExpiry() {
	for {
		m.mu.Lock()
		changed := m.changed
		wait := m.nextExpiryLocked()
		m.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			m.expire()
		case <-changed:
		case <-m.life.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// nextExpiryLocked is how long to wait before looking at the clock again.
func (m *Manager) nextExpiryLocked() time.Duration {
	wait, now := expiryPause, m.config.Now()
	for _, c := range m.clusters {
		if c.keyring != nil && !c.keyring.expired(now) && !c.keyring.Expires.IsZero() {
			wait = min(wait, c.keyring.Expires.Sub(now))
		}
	}
	return wait
}

// expire publishes the end of sessions, once. Their open connections are left: whether they may go on is the
// cluster's decision (ssh sheet, 4.4).
func (m *Manager) expire() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, shown := range m.snapshot.Clusters {
		if c := m.clusters[shown.ID]; c != nil && shown.State == SignedIn && m.stateLocked(c) == Expired {
			m.publishLocked()
			return
		}
	}
}
