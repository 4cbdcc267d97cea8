package session

import (
	"context"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// StreamRequest asks for the bytes of a server's SSH port, for another SSH client.
type StreamRequest struct {
	Cluster string // Cluster.ID
	Host    string // a server's ID, its host name, or its host name and the cluster's: "web-1.example"
	Login   string // Unix login that the client will ask for; it must be one that the certificates allow
}

// Stream is the bytes of a server's SSH port, for another SSH client, and what that client needs to log in there.
type Stream struct {
	net.Conn
	m       *Manager
	cluster string // Cluster.ID
	link    *link
	release func() // lets go of the way to the server
	server  Server
	login   string
	cert    *ssh.Certificate // to log in with
}

// DialServer opens a byte stream to a server's SSH port. Nothing of SSH is spoken on it yet: the client at the other
// end proves who the user is, with the agent of ServeAgent, and checks the server by the lines of KnownHosts. It
// may sign in again, and have the person checked where the cluster wants that for every session: servers do not wait
// for long once they were dialled. Ending ctx ends the dialling, not the stream; closing the stream lets go of it.
func (m *Manager) DialServer(ctx context.Context, r StreamRequest) (stream *Stream, err error) {
	ctx, done := m.within(ctx)
	defer done()
	err = m.withLiveSession(ctx, r.Cluster, func(p profile, link *link) error {
		host := strings.TrimSuffix(r.Host, "."+p.name())
		server, login, err := m.target(ctx, r.Cluster, p, link, host, r.Login)
		if err != nil {
			return err
		}
		s := &Stream{m: m, cluster: r.Cluster, link: link, server: server, login: login, release: link.hold()}
		if err := s.dial(ctx); err != nil {
			s.release()
			return shellFault(p, login, server.Hostname, err)
		}
		stream = s
		return nil
	})
	return stream, err
}

func (s *Stream) dial(ctx context.Context) (err error) {
	what := sshPurpose(s.login, s.server)
	if s.cert, err = s.link.nodeCertificate(ctx, what, s.server.ID, s.login); err != nil {
		return err
	}
	s.Conn, err = dialServer(ctx, s.link, what, s.server)
	return err
}

// Close ends the stream. An SSH client that is being served is not affected.
func (s *Stream) Close() error {
	err := s.Conn.Close()
	s.release()
	if err != nil {
		return fmt.Errorf("closing the stream: %w", err)
	}
	return nil
}

// KnownHosts returns lines for OpenSSH's known_hosts file that trust the cluster's host authorities for its own names
// (certificates sheet, 7.4) and for names without a dot, which are the short names of servers. The file that they go
// to must serve no other hosts.
func (m *Manager) KnownHosts(clusterID string) ([]byte, error) {
	p, link, err := m.signedIn(clusterID)
	if err != nil {
		return nil, err
	}
	cluster := link.ring.Cluster
	if !validHost(cluster) {
		return nil, fault.New(fmt.Sprintf("OpenSSH cannot be told about the cluster %q: its name is no host name.", cluster),
			`Use "touchstone ssh" for its servers.`)
	}
	var lines strings.Builder
	for _, authority := range link.ring.hostSSH {
		key := authorizedKey(authority)
		fmt.Fprintf(&lines, "@cert-authority %s,%s,*.%s %s type=host\n", p.id(), cluster, cluster, key)
		fmt.Fprintf(&lines, "@cert-authority *,!*.* %s type=host\n", key)
	}
	return []byte(lines.String()), nil
}
