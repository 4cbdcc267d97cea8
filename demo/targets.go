package demo

import (
	"context"
	"crypto/rsa"
	"errors"
)

// openTargets makes what is behind the proxy besides the node, and who issues certificates for it.
func (a *assembly) openTargets(ctx context.Context, owner *group) error {
	sessions := newAppSessions(a.config.Now)
	a.kube = a.newKubeClusters()
	a.issuer = a.newIssuer(sessions, a.kube, a.newFactors(a.public))
	a.dbs = a.newDatabases(ctx, owner)
	key, ok := a.host.key.(*rsa.PrivateKey)
	if !ok {
		return errors.New("the host's key cannot sign tokens for applications")
	}
	words := &tokens{key: key, cluster: a.config.ClusterName, now: a.config.Now}
	a.apps = &applications{
		all: seedApplications(words, a.public), sessions: sessions, tokens: words,
		host: a.host, guard: a.guard, audit: a.audit, proxy: a.public,
	}
	return nil
}

func (p *parts) newFactors(proxy string) *factors {
	now := p.config.Now
	return &factors{
		resources:  p.resources,
		devices:    p.devices,
		codes:      p.passwords.codes,
		party:      newRelyingParty(proxy, now),
		begins:     newLimiter(beginBurst, beginEvery, now),
		challenges: newLimiter(challengeBurst, challengeEvery, now),
		now:        now,
		log:        p.config.Log,
	}
}

func (p *parts) newIssuer(apps *appSessions, kube *kubeClusters, f *factors) *issuer {
	return &issuer{
		cluster:   p.config.ClusterName,
		cas:       p.cas,
		resources: p.resources,
		passwords: p.passwords,
		factors:   f,
		attested:  p.attested,
		apps:      apps,
		kube:      kube,
		roots:     p.config.AttestationRoots,
		audit:     p.audit,
		now:       p.config.Now,
		log:       p.config.Log,
	}
}

// newDatabases offers databases where a server can be started.
func (a *assembly) newDatabases(ctx context.Context, owner *group) *databases {
	d := &databases{ca: a.cas.db, host: a.host, guard: a.guard, audit: a.audit, log: a.config.Log}
	programs, err := findPostgres()
	var account serverAccount
	if err == nil {
		account, err = findServerAccount()
	}
	if err != nil {
		d.missing = err.Error()
		return d
	}
	d.all = seedDatabases(&postgres{programs: programs, account: account, ca: a.cas.db, log: a.config.Log, ctx: ctx, owner: owner})
	return d
}

// newKubeClusters offers Kubernetes clusters where an API server can be started.
func (a *assembly) newKubeClusters() *kubeClusters {
	k := &kubeClusters{server: a.config.Kubernetes, host: a.host, guard: a.guard, audit: a.audit, profile: a.profile}
	if k.server.Missing() == nil {
		k.all = seedKubeClusters()
	}
	return k
}
