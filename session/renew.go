package session

import (
	"context"
	"errors"
	"fmt"
)

// withSession runs do with a cluster's present sign-in. Where it turns out that the cluster demands a stricter key than
// the certificates are for, the user signs in again and do runs once more; its second error is final (login sheet,
// 8.2). Those who meet the same at the same time share one sign-in.
func (m *Manager) withSession(ctx context.Context, clusterID string, do func(profile, *link) error) error {
	p, link, err := m.signedIn(clusterID)
	if err != nil {
		return err
	}
	err = do(p, link)
	m.learn(clusterID, err)
	policy, unmet := unmetPolicy(err)
	if !unmet || !knownPolicy(policy) || satisfies(link.ring.Policy, policy) {
		return err
	}
	reason := fmt.Sprintf("%s now demands %s.", p.name(), demandText(policy))
	if renewal := m.renew(ctx, clusterID, link, reason); errors.Is(renewal, ErrNobodyAnswers) {
		return err
	} else if renewal != nil {
		return renewal
	}
	if p, link, err = m.signedIn(clusterID); err != nil {
		return err
	}
	err = do(p, link)
	m.learn(clusterID, err)
	return err
}

// withLiveSession is withSession for what a person has asked for and waits for: a sign-in that has ended is renewed first.
// The list of servers is no such thing: the window refreshes it by itself.
func (m *Manager) withLiveSession(ctx context.Context, clusterID string, do func(profile, *link) error) error {
	ctx, done := m.within(ctx)
	defer done()
	if ended, name := m.ended(clusterID); ended != nil {
		err := m.renew(ctx, clusterID, ended, fmt.Sprintf("Your certificates for %s have ended.", name))
		if err != nil && !errors.Is(err, ErrNobodyAnswers) { // withSession says what to do then
			return err
		}
	}
	return m.withSession(ctx, clusterID, do)
}

// ended returns the connections of a sign-in whose certificates have ended, or nil.
func (m *Manager) ended(clusterID string) (*link, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.findLocked(clusterID)
	if err != nil || c.keyring == nil || !c.keyring.expired(m.config.Now()) {
		return nil, ""
	}
	return c.link, c.profile.name()
}

// renew signs the user of a refused sign-in in again, unless that has been done since.
func (m *Manager) renew(ctx context.Context, clusterID string, refused *link, reason string) error {
	l, err := m.beginAgain(clusterID, refused, reason)
	if err != nil || l == nil {
		return err
	}
	return m.await(ctx, l)
}

// beginAgain starts a ceremony or joins the one that runs; nil when the refused sign-in has been replaced.
func (m *Manager) beginAgain(clusterID string, refused *link, reason string) (*ceremony, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.findLocked(clusterID)
	if err != nil || c.link != refused {
		return nil, err
	}
	user := refused.ring.User
	if running := c.ceremony; running != nil {
		return running, running.joinLocked(user, nil, running.slot)
	}
	return m.startLocked(c, SignInRequest{User: user}, reason), nil
}
