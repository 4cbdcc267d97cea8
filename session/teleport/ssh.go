package teleport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// keepalivePause is the time between two keepalives, and how long an answer may take. It is far below the idle
// limits of clusters (ssh sheet, 4.4) and of most firewalls.
const keepalivePause = 60 * time.Second

// SessionRequest says what to run on a server, and as whom.
type SessionRequest struct {
	// Address is what the proxy was asked for, "<uuid>:0"; the server's certificate must be for its host part.
	Address  string
	Login    string
	Command  string    // empty for an interactive shell
	Terminal *Terminal // nil for none
	Lang     string    // LANG on the server; empty for the server's own
}

// Session is one SSH session on a server. Its streams may be used from different goroutines.
type Session struct {
	Stdin          io.WriteCloser
	Stdout, Stderr io.Reader

	client  *ssh.Client
	channel *ssh.Session
	ctx     context.Context // ends with Close; for the keepalive only
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// OpenSession does the SSH handshake with a server over conn, opens a session and starts the command or the shell.
// It takes conn over, on failure too. Ending ctx ends the opening, not the session.
func (c *Client) OpenSession(ctx context.Context, conn net.Conn, id Identity, r SessionRequest) (*Session, error) {
	client, err := c.handshake(ctx, conn, id, r.Login, r.Address)
	if err != nil {
		return nil, err
	}
	// Checks that come after authentication are answered on the first channel: open it at once (ssh sheet, section 3).
	detach := context.AfterFunc(ctx, func() { _ = client.Close() })
	s, err := newSession(client, r)
	if !detach() {
		err = errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		_ = client.Close()
		return nil, cause(ctx, err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(s.keepAlive)
	return s, nil
}

// handshake makes an SSH connection on conn. A failure is sorted by who refused: the key, we, or the server.
func (c *Client) handshake(ctx context.Context, conn net.Conn, id Identity, login, address string) (*ssh.Client, error) {
	var client *ssh.Client
	host := &hostCheck{authorities: id.HostSSH, now: id.Now}
	err := attend(ctx, conn, id.Signer, c.patience.Handshake, func(key *attendedSigner) error {
		config, err := id.sshConfig(key, login, host)
		if err != nil {
			return err
		}
		inner, channels, requests, err := ssh.NewClientConn(conn, address, config)
		if err == nil {
			client = ssh.NewClient(inner, channels, requests)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("SSH handshake with %s: %w", address, sortHandshake(err, host))
	}
	return client, nil
}

// sortHandshake gives the failure of a handshake its type. Once the host was accepted, only the server's refusal of
// our certificate is left, unless the connection or the key failed.
func sortHandshake(err error, host *hostCheck) error {
	var network net.Error
	var signing *SigningError
	switch {
	case host.err != nil:
		return host.err
	case errors.As(err, &signing), errors.As(err, &network), errors.Is(err, ErrSilent), errors.Is(err, ErrConnectionLost),
		errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed):
		return errors.Join(ErrConnectionLost, err)
	case host.passed:
		return errors.Join(ErrLoginRefused, err)
	default:
		return err
	}
}

// newSession opens the channel, sends the requests in the order that servers expect (ssh sheet, 4.5) and starts.
func newSession(client *ssh.Client, r SessionRequest) (*Session, error) {
	channel, err := client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", rejection(err))
	}
	s := &Session{client: client, channel: channel}
	if err := s.pipes(); err != nil {
		return nil, err
	}
	if r.Lang != "" {
		_ = channel.Setenv("LANG", r.Lang) // servers may refuse variables; that is no reason to stop (ssh sheet, 4.5)
	}
	if t := r.Terminal; t != nil {
		if err := channel.RequestPty(t.Type, t.Rows, t.Cols, ssh.TerminalModes{}); err != nil {
			return nil, fmt.Errorf("asking for a terminal: %w", err)
		}
	}
	if r.Command == "" {
		err = channel.Shell()
	} else {
		err = channel.Start(r.Command)
	}
	if err != nil {
		return nil, fmt.Errorf("starting the command: %w", err)
	}
	return s, nil
}

func (s *Session) pipes() (err error) {
	if s.Stdin, err = s.channel.StdinPipe(); err != nil {
		return fmt.Errorf("opening standard input: %w", err)
	}
	if s.Stdout, err = s.channel.StdoutPipe(); err != nil {
		return fmt.Errorf("opening standard output: %w", err)
	}
	if s.Stderr, err = s.channel.StderrPipe(); err != nil {
		return fmt.Errorf("opening standard error: %w", err)
	}
	return nil
}

// rejection gives the words of a refused channel their type; nil stays nil.
func rejection(err error) error {
	if err == nil {
		return nil
	}
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		return errors.Join(ErrConnectionLost, err)
	}
	return answer(ClassDenied, "SSH "+refused.Reason.String(), refused.Message)
}

// Resize tells the server the terminal's new size in character cells.
func (s *Session) Resize(cols, rows int) error {
	if err := s.channel.WindowChange(rows, cols); err != nil {
		return fmt.Errorf("telling the terminal's size: %w", err)
	}
	return nil
}

// Wait returns the exit status, 128 and the signal's number for a killed command. Without one, the connection was
// lost (ssh sheet, section 6). Call it once.
func (s *Session) Wait() (status int, err error) {
	err = s.channel.Wait()
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return exit.ExitStatus(), nil
	}
	if err != nil {
		return 0, errors.Join(ErrConnectionLost, err)
	}
	return 0, nil
}

// Close ends the session and its connection and waits for both. Closing twice is allowed.
func (s *Session) Close() error {
	s.cancel()
	_ = s.client.Close() // an ended connection has nothing more to say
	s.running.Wait()
	return nil
}

// keepAlive asks the server for a sign of life now and then; without an answer the connection is closed, so that
// Wait returns instead of hanging on a network that went away.
func (s *Session) keepAlive() {
	ended := make(chan struct{})
	s.running.Go(func() { _ = s.client.Wait(); close(ended) })
	tick := time.NewTicker(keepalivePause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if !s.alive(ended) {
				_ = s.client.Close()
				return
			}
		case <-ended:
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// alive sends one keepalive and reports whether any answer came; a refusal is one.
func (s *Session) alive(ended <-chan struct{}) bool {
	answered := make(chan struct{})
	s.running.Go(func() {
		_, _, err := s.client.SendRequest("keepalive@openssh.com", true, nil)
		if err == nil {
			close(answered)
		}
	})
	select {
	case <-answered:
		return true
	case <-time.After(keepalivePause):
		return false
	case <-ended:
		return false
	case <-s.ctx.Done():
		return true
	}
}
