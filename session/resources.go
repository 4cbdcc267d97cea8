package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// RefreshServers asks for the server list again and returns once it is there; the list is in the next snapshot.
func (m *Manager) RefreshServers(ctx context.Context, clusterID string) error {
	_, err := m.Servers(ctx, clusterID)
	return err
}

// Servers lists the SSH servers that the user may see, ordered by host name, and publishes them. It may sign in again.
func (m *Manager) Servers(ctx context.Context, clusterID string) (servers []Server, err error) {
	ctx, done := m.within(ctx)
	defer done()
	err = m.withSession(ctx, clusterID, func(p profile, link *link) (err error) {
		m.loading(clusterID, +1)
		defer m.loading(clusterID, -1)
		if servers, err = listServers(ctx, link); err != nil {
			err = useFault(p, err)
		}
		m.publishServers(clusterID, link, servers, err)
		return err
	})
	return servers, err
}

// listServers asks the cluster for the servers that match all keywords.
func listServers(ctx context.Context, link *link, keywords ...string) ([]Server, error) {
	var servers []Server
	err := link.withAuth(ctx, "List servers", func(auth *teleport.Auth) error {
		found, err := auth.ListServers(ctx, keywords...)
		servers = serversOf(found)
		return err
	})
	return servers, err
}

func (m *Manager) loading(clusterID string, by int) {
	m.change(func() { m.clusters[clusterID].loading += by })
}

// publishServers puts a list into the snapshots, unless another sign-in has taken over since it was asked for.
func (m *Manager) publishServers(clusterID string, from *link, servers []Server, err error) {
	m.change(func() {
		c := m.clusters[clusterID]
		if c.link != from {
			return
		}
		switch {
		case err == nil:
			c.servers, c.serversProblem = servers, nil
		case !errors.Is(err, context.Canceled):
			c.serversProblem = fault.From(err)
		}
	})
}

// serversOf reads what the cluster lists.
func serversOf(found []*typespb.ServerV2) []Server {
	servers := make([]Server, 0, len(found))
	for _, s := range found {
		servers = append(servers, serverOf(s))
	}
	slices.SortStableFunc(servers, func(a, b Server) int {
		return strings.Compare(a.Hostname+"\x00"+a.ID, b.Hostname+"\x00"+b.ID)
	})
	return servers
}

// serverOf reads one server. Dynamic labels win over static ones of the same name, as on the cluster.
func serverOf(s *typespb.ServerV2) Server {
	labels := maps.Clone(s.GetMetadata().GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	for name, label := range s.GetSpec().GetCmdLabels() {
		labels[name] = label.GetResult()
	}
	server := Server{ID: s.GetMetadata().GetName(), Hostname: s.GetSpec().GetHostname(), Labels: labels}
	if !s.GetSpec().GetUseTunnel() {
		server.Address = s.GetSpec().GetAddr()
	}
	return server
}

// resolve finds the server that a person means by its ID or host name: among those already listed, else by asking.
func (m *Manager) resolve(ctx context.Context, clusterID string, p profile, link *link, host string) (Server, error) {
	m.mu.Lock()
	known := m.clusters[clusterID].servers
	m.mu.Unlock()
	if server, err := pick(p, known, host); err == nil {
		return server, nil
	}
	if isUUID(host) {
		return Server{ID: host, Hostname: host}, nil // the proxy finds it by this alone; no need to ask first
	}
	servers, err := listServers(ctx, link, host)
	if err != nil {
		return Server{}, err
	}
	return pick(p, servers, host)
}

// pick finds the one server with that ID or host name.
func pick(p profile, servers []Server, host string) (Server, error) {
	var matches []Server
	for _, s := range servers {
		if s.ID == host {
			return s, nil
		}
		if s.Hostname == host {
			matches = append(matches, s)
		}
	}
	switch len(matches) {
	case 0:
		return Server{}, fault.New(fmt.Sprintf("There is no server %q on %s, or you may not see it.", host, p.name()),
			"Check the name in the list of servers.")
	case 1:
		return matches[0], nil
	default:
		return Server{}, fault.New(fmt.Sprintf("%d servers on %s are called %q.", len(matches), p.name(), host),
			"Name the one you mean by its ID from the list of servers.")
	}
}

// isUUID reports whether text has the form of a server's ID (RFC 9562, section 4).
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, r := range text {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}

// learn remembers what a refusal says about the cluster's demands, so that the next sign-in starts with a key that
// meets them.
func (m *Manager) learn(clusterID string, err error) {
	policy, ok := unmetPolicy(err)
	if !ok || !knownPolicy(policy) {
		return
	}
	m.mu.Lock()
	c := m.clusters[clusterID]
	c.profile.Policy = raise(policy, c.profile.Policy)
	p := c.profile
	m.mu.Unlock()
	if err := m.store.saveProfile(p); err != nil {
		m.config.Log.Warn("the policy could not be remembered", "cluster", clusterID, "error", err)
	}
}
