package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// Terminal is the pseudo terminal that an interactive session asks for.
type Terminal = teleport.Terminal

// ShellRequest asks for an SSH session.
type ShellRequest struct {
	Cluster string // Cluster.ID
	Host    string // a server's ID, or its host name
	Login   string // Unix login; empty for the first one the certificates allow
	Command string // empty for an interactive shell
	// Terminal is nil for a command without a terminal.
	Terminal *Terminal
}

// Shell is an open SSH session. Its streams may be used from different goroutines; Close ends it.
type Shell struct {
	m       *Manager
	remote  *teleport.Session
	release func() // lets go of the way to the server
	over    chan struct{}

	info   ShellInfo // guarded by Manager.mu, but for its ID, which never changes
	err    error     // guarded by Manager.mu
	closed bool      // by us; guarded by Manager.mu
}

// OpenShell opens an SSH session on a server and starts the command, or a shell. It may sign in again. Ending ctx ends
// the opening only.
func (m *Manager) OpenShell(ctx context.Context, r ShellRequest) (shell *Shell, err error) {
	ctx, done := m.within(ctx)
	defer done()
	err = m.withLiveSession(ctx, r.Cluster, func(p profile, link *link) error {
		server, login, err := m.target(ctx, r.Cluster, p, link, r.Host, r.Login)
		if err != nil {
			return err
		}
		r.Login = login
		release := link.hold()
		remote, err := m.dialShell(ctx, link, r, server)
		if err != nil {
			release()
			return shellFault(p, login, server.Hostname, err)
		}
		shell, err = m.register(r, server, remote, release)
		return err
	})
	return shell, err
}

// target finds the server that a person means, and the Unix login to use there.
func (m *Manager) target(ctx context.Context, clusterID string, p profile, link *link, host, login string) (Server, string, error) {
	login, err := chooseLogin(p, link.ring, login)
	if err != nil {
		return Server{}, "", err
	}
	server, err := m.resolve(ctx, clusterID, p, link, host)
	if err != nil {
		return Server{}, "", useFault(p, err)
	}
	return server, login, nil
}

// chooseLogin checks a Unix login against the certificates: servers refuse others without saying why.
func chooseLogin(p profile, ring *keyring, login string) (string, error) {
	switch {
	case len(ring.Logins) == 0:
		return "", fault.New(fmt.Sprintf("Your roles on %s allow no login on servers.", p.name()),
			"Ask whoever looks after the cluster for access.")
	case login == "":
		return ring.Logins[0], nil
	case !slices.Contains(ring.Logins, login):
		return "", fault.New(fmt.Sprintf("Your certificates for %s do not allow the login %q.", p.name(), login),
			fmt.Sprintf("Use one of these: %s.", strings.Join(ring.Logins, ", ")))
	default:
		return login, nil
	}
}

// dialShell goes through the proxy to the server and opens the session. A server that refuses the login is tried once
// more where the cluster turns out to want a check by now.
func (m *Manager) dialShell(ctx context.Context, link *link, r ShellRequest, server Server) (*teleport.Session, error) {
	what := sshPurpose(r.Login, server)
	cert, err := link.nodeCertificate(ctx, what, server.ID, r.Login)
	if err != nil {
		return nil, err
	}
	session, err := m.dialShellWith(ctx, link, r, server, cert)
	if !errors.Is(err, teleport.ErrLoginRefused) || cert != link.ring.ssh {
		return session, err
	}
	checked, again := link.nodeCertificate(ctx, what, server.ID, r.Login)
	if again != nil {
		return nil, again
	}
	if checked == cert {
		return nil, err
	}
	return m.dialShellWith(ctx, link, r, server, checked)
}

// sshPurpose says what a key is used for.
func sshPurpose(login string, server Server) string {
	return fmt.Sprintf("SSH to %s@%s", login, server.Hostname)
}

// dialShellWith opens the session with a certificate.
func (m *Manager) dialShellWith(ctx context.Context, link *link, r ShellRequest, server Server, cert *ssh.Certificate) (*teleport.Session, error) {
	what := sshPurpose(r.Login, server)
	conn, err := dialServer(ctx, link, what, server)
	if err != nil {
		return nil, err
	}
	id := link.identity(ctx, what)
	id.SSH = cert
	return link.client.OpenSession(ctx, conn, id, teleport.SessionRequest{
		Address: serverAddress(server), Login: r.Login, Command: r.Command, Terminal: r.Terminal, Lang: m.config.Lang,
	})
}

// dialServer opens a byte stream to a server's SSH port, once the key is awake.
func dialServer(ctx context.Context, link *link, what string, server Server) (conn net.Conn, err error) {
	if err := link.warmUp(ctx, what); err != nil {
		return nil, err
	}
	err = link.withNodes(ctx, what, func(nodes teleport.NodeDialer) (err error) {
		conn, err = nodes.DialNode(ctx, serverAddress(server))
		return err
	})
	return conn, err
}

// serverAddress is what the proxy is asked for: any port, and the ID, which is never ambiguous (ssh sheet, section 2).
func serverAddress(server Server) string { return net.JoinHostPort(server.ID, "0") }

// register publishes an open shell and begins to wait for its end.
func (m *Manager) register(r ShellRequest, server Server, remote *teleport.Session, release func()) (*Shell, error) {
	s := &Shell{m: m, remote: remote, release: release, over: make(chan struct{})}
	if !m.admit(s, ShellInfo{Cluster: r.Cluster, Login: r.Login, Host: server.Hostname}) {
		_ = remote.Close() // nobody has seen it yet
		release()
		return nil, errClosed
	}
	return s, nil
}

// admit takes a shell into the snapshots and watches it, unless the manager was closed meanwhile.
func (m *Manager) admit(s *Shell, info ShellInfo) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.last++
	info.ID = m.last
	s.info = info
	m.shells[info.ID] = s
	m.publishLocked()
	m.running.Go(s.watch)
	return true
}

// watch waits for the end of the session and publishes it. An end that we made ourselves is no problem to show.
func (s *Shell) watch() {
	defer close(s.over)
	status, err := s.remote.Wait()
	s.m.change(func() {
		s.info.Ended, s.info.Status = true, status
		switch {
		case err != nil && s.closed:
			s.err = fmt.Errorf("the session was closed: %w", context.Canceled)
		case err != nil:
			s.err = lostFault(s.info.Host, err)
			s.info.Problem = fault.From(s.err)
		}
	})
}

func (s *Shell) infoLocked() ShellInfo { return s.info }

// ID is the shell's number in snapshots.
func (s *Shell) ID() uint64 { return s.info.ID }

// Stdin is the standard input of the command; closing it passes on the end of input.
func (s *Shell) Stdin() io.WriteCloser { return s.remote.Stdin }

// Stdout is the standard output of the command, or what its terminal shows. Read it to the end: a full window stops
// the command.
func (s *Shell) Stdout() io.Reader { return s.remote.Stdout }

// Stderr is the standard error of the command; with a terminal, messages of the cluster. It must be read as well.
func (s *Shell) Stderr() io.Reader { return s.remote.Stderr }

// Resize tells the server the terminal's new size in character cells.
func (s *Shell) Resize(cols, rows int) error { return s.remote.Resize(cols, rows) }

// Wait returns once the command has ended: its exit status, a fault when the connection was lost before one came, or
// context.Canceled when Close came first. Any number of callers may wait.
func (s *Shell) Wait() (status int, err error) {
	<-s.over
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	return s.info.Status, s.err
}

// Close ends the session, waits until nothing of it is left, and takes it out of the snapshots. Closing twice is
// allowed.
func (s *Shell) Close() error {
	s.m.mu.Lock()
	s.closed = true
	s.m.mu.Unlock()
	err := s.remote.Close()
	<-s.over
	s.release()
	s.m.change(func() { delete(s.m.shells, s.info.ID) })
	return err
}
