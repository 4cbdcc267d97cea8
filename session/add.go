package session

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// AddCluster reaches the proxy at address ("host", "host:port" or an https URL) and remembers it. caFile may be empty;
// else it names a PEM file whose certificates are trusted for this proxy besides the system's, now and later.
// Adding a known cluster again updates what is remembered and keeps its certificates.
func (m *Manager) AddCluster(ctx context.Context, address, caFile string) (clusterID string, err error) {
	ctx, done := m.within(ctx)
	defer done()
	addresses, err := parseAddress(address)
	if err != nil {
		return "", fault.Wrap(err, fmt.Sprintf("%q is not the address of a proxy.", address), "Type it as host:port, for example teleport.example.com:443.")
	}
	trusted, err := m.recall(profile{Proxy: addresses[0]}.id(), caFile)
	if err != nil {
		return "", err
	}
	found, err := m.reach(ctx, trusted, addresses)
	if err != nil {
		return "", err
	}
	return found.id(), m.remember(found)
}

// recall returns what is already known of a cluster, with the authority in caFile if one is named.
func (m *Manager) recall(id, caFile string) (profile, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var p profile
	if c := m.clusters[id]; c != nil {
		if c.broken != nil {
			return profile{}, c.broken
		}
		p = c.profile
	}
	if caFile == "" {
		return p, nil
	}
	authorities, err := readAuthorities(caFile)
	if err != nil {
		return profile{}, fault.Wrap(err, fmt.Sprintf("The file %s holds no certificate that could be trusted.", caFile),
			"Give the file that holds the authority's certificate in PEM.")
	}
	p.ProxyCA = authorities
	return p, nil
}

// readAuthorities reads the certificates of a PEM file and leaves everything else in it behind: a private key that
// lies in the same file has no business in a profile.
func readAuthorities(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var certificates []byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return "", err
		}
		certificates = append(certificates, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
	}
	if certificates == nil {
		return "", errors.New("no PEM certificate")
	}
	return string(certificates), nil
}

// reach finds out which address answers and what the cluster says of itself.
func (m *Manager) reach(ctx context.Context, p profile, addresses []string) (profile, error) {
	address, ping, err := m.race(ctx, p, addresses)
	if err != nil {
		return profile{}, reachFault(addresses[0], err)
	}
	p.Proxy = address
	p.learn(ping)
	// The address that the cluster announces for its web port replaces the typed one (login sheet, 3.4), if it can be
	// reached from here and is the same cluster.
	public := publicAddress(ping.Proxy.SSH.PublicAddr)
	if public == "" || public == address {
		return p, nil
	}
	if again, err := m.ping(ctx, p, public); err == nil && again.ClusterName == p.Cluster {
		p.Proxy = public
		p.learn(again)
	}
	return p, nil
}

// raceLead is the head start that each address has over the next (login sheet, section 2).
const raceLead = 250 * time.Millisecond

// race asks all addresses and returns the first that answers as a proxy. When none does, the first address' error is
// the one to show.
func (m *Manager) race(ctx context.Context, p profile, addresses []string) (string, *wire.Ping, error) {
	type result struct {
		place int
		ping  *wire.Ping
		err   error
	}
	results := make(chan result, len(addresses))
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the losers
	for place, address := range addresses {
		running.Go(func() {
			ping, err := m.pingLater(ctx, p, address, time.Duration(place)*raceLead)
			results <- result{place, ping, err}
		})
	}
	first := result{place: len(addresses)}
	for range addresses {
		switch r := <-results; {
		case r.err == nil:
			return addresses[r.place], r.ping, nil
		case r.place < first.place:
			first = r
		}
	}
	return "", nil, first.err
}

// pingLater asks one address what it is, after its delay.
func (m *Manager) pingLater(ctx context.Context, p profile, address string, delay time.Duration) (*wire.Ping, error) {
	start := time.NewTimer(delay)
	defer start.Stop()
	select {
	case <-start.C:
		return m.ping(ctx, p, address)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// ping asks one address what it is.
func (m *Manager) ping(ctx context.Context, p profile, address string) (*wire.Ping, error) {
	client, err := m.client(p, address)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ping, err := client.Ping(ctx)
	if err != nil {
		return nil, err
	}
	if ping.ClusterName == "" {
		return nil, fmt.Errorf("asking %s who it is: %w", address, errNoCluster)
	}
	return ping, nil
}

// client makes a protocol client that trusts what the profile says.
func (m *Manager) client(p profile, address string) (*teleport.Client, error) {
	roots, err := p.roots()
	if err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("The remembered authority of %s cannot be read.", address),
			"Add the cluster again with --ca-file.")
	}
	return teleport.New(teleport.Config{
		Address: address, Roots: roots, Version: m.config.Version, Now: m.config.Now, Patience: m.patience,
	}), nil
}

// remember stores and publishes what was found out about a cluster. Under the address that the cluster announces it
// may be known already: what is known of its user stays.
func (m *Manager) remember(found profile) error {
	known, err := m.recall(found.id(), "")
	if err != nil {
		return err
	}
	known.Proxy, known.Cluster, known.Version, known.Services = found.Proxy, found.Cluster, found.Version, found.Services
	known.ProxyCA = cmp.Or(found.ProxyCA, known.ProxyCA)
	if err := m.store.saveProfile(known); err != nil {
		return err
	}
	m.publishProfile(known)
	return nil
}

// publishProfile puts a profile into the snapshots. Connections to an address of before are closed.
func (m *Manager) publishProfile(p profile) {
	var before *link
	m.change(func() {
		c := m.clusters[p.id()]
		if c == nil {
			c = &cluster{id: p.id()}
			m.clusters[c.id] = c
		}
		moved := c.profile.Proxy != p.Proxy || c.profile.Services != p.Services
		c.profile, c.problem = p, nil
		if moved {
			before = m.adoptLocked(c, c.keyring)
		}
	})
	before.close()
}

// within joins a caller's context with the manager's life.
func (m *Manager) within(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if m.life.Err() != nil {
		cancel(errClosed)
	}
	detach := context.AfterFunc(m.life, func() { cancel(errClosed) })
	return ctx, func() { detach(); cancel(nil) }
}
