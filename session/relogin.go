package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
)

// SignInRequest says who signs in where, and how.
type SignInRequest struct {
	Cluster  string        // Cluster.ID
	User     string        // empty for the one who signed in last
	Password *secret.Bytes // taken over and wiped; nil asks the Prompter
	Slot     keystore.Slot // zero leaves the choice to environment, profile, cluster and policy
	SlotFrom SlotSource    // who chose Slot; empty for SlotFromPerson
	Factor   Factor        // what the person insists on
}

// SignIn is SignInWith for callers that insist on nothing.
func (m *Manager) SignIn(ctx context.Context, clusterID, user string, password *secret.Bytes, slot keystore.Slot) error {
	return m.SignInWith(ctx, SignInRequest{Cluster: clusterID, User: user, Password: password, Slot: slot})
}

// SignInWith runs the whole ceremony, the second round included. Callers that want the same sign-in at the same time
// share one ceremony; it is cancelled when the last of them gives up.
func (m *Manager) SignInWith(ctx context.Context, r SignInRequest) error {
	l, err := m.begin(r)
	if err != nil {
		r.Password.Wipe()
		return err
	}
	return m.await(ctx, l)
}

// await waits for the end of a ceremony, as one of its waiters.
func (m *Manager) await(ctx context.Context, l *ceremony) error {
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		m.leave(l)
		return context.Cause(ctx)
	}
}

// begin starts a ceremony, or joins the one that runs.
func (m *Manager) begin(r SignInRequest) (*ceremony, error) {
	if err := m.checkEnvironment(r.Slot); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.findLocked(r.Cluster)
	if err != nil {
		return nil, err
	}
	r.User = cmp.Or(r.User, c.profile.User)
	if r.User == "" {
		return nil, fault.New(fmt.Sprintf("No user name was given for %s.", c.profile.name()), "Sign in with your user name.")
	}
	if running := c.ceremony; running != nil {
		return running, running.joinLocked(r.User, r.Password, r.Slot)
	}
	return m.startLocked(c, r, ""), nil
}

// startLocked starts a ceremony; reason is for the password prompt.
func (m *Manager) startLocked(c *cluster, r SignInRequest, reason string) *ceremony {
	ctx, cancel := context.WithCancel(m.life)
	l := &ceremony{
		m: m, id: c.id, user: r.User, slot: r.Slot, slotFrom: cmp.Or(r.SlotFrom, SlotFromPerson), factor: r.Factor,
		password: r.Password, reason: reason, profile: c.profile,
		progress: SignIn{Steps: []Step{StepReach, StepPassword, StepDone}, Current: StepReach},
		waiters:  1, cancel: cancel, done: make(chan struct{}),
	}
	if r.User != c.profile.User {
		l.profile.Policy, l.profile.Slot, l.profile.SlotFrom = "", "", "" // what was demanded of another user says nothing
	}
	c.ceremony = l
	m.running.Go(func() { l.run(ctx) })
	m.publishLocked()
	return l
}

// joinLocked adds a waiter who wants the same; somebody else must wait until the cluster is free.
func (l *ceremony) joinLocked(user string, password *secret.Bytes, slot keystore.Slot) error {
	if user != l.user || slot != l.slot {
		return fault.New(fmt.Sprintf("%s is being signed in to as %s.", l.profile.name(), l.user), "Finish or cancel that first.")
	}
	password.Wipe()
	l.waiters++
	return nil
}

// leave takes a waiter away. The last one ends the ceremony and waits until it has.
func (m *Manager) leave(l *ceremony) {
	m.mu.Lock()
	l.waiters--
	last := l.waiters == 0
	m.mu.Unlock()
	if last {
		l.cancel()
		<-l.done
	}
}

// finish takes a ceremony's result over and publishes it. A ceremony that was given up is no problem to show.
func (m *Manager) finish(l *ceremony, ring *keyring, err error) {
	var before *link
	m.change(func() {
		c := m.clusters[l.id]
		c.ceremony = nil
		switch {
		case err == nil:
			c.profile, c.problem = l.profile, nil
			c.servers, c.serversProblem = nil, nil
			before = m.adoptLocked(c, ring)
		case !errors.Is(err, context.Canceled):
			c.problem = fault.From(err)
		}
	})
	before.retire()
}

// SignOut removes the certificates, and a software key with them, and ends what is open on them. The profile stays.
func (m *Manager) SignOut(ctx context.Context, clusterID string) error {
	m.mu.Lock()
	c, err := m.findLocked(clusterID)
	if err == nil && c.ceremony != nil {
		err = fault.New(fmt.Sprintf("%s is being signed in to.", c.profile.name()), "Finish or cancel that first.")
	}
	m.mu.Unlock()
	if err != nil {
		return err
	}
	if err := m.store.removeLogin(clusterID); err != nil {
		return err
	}
	m.stopProxies(clusterID) // what they say goodbye with is still open
	var before *link
	m.change(func() {
		before = m.adoptLocked(c, nil)
		c.servers, c.serversProblem, c.problem = nil, nil, nil
	})
	before.close()
	return nil
}
