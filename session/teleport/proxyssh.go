package teleport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// proxySSH reaches servers through the proxy's own SSH server (transport sheet, section 7).
type proxySSH struct {
	client   *ssh.Client
	cluster  string
	patience time.Duration  // for one call
	running  sync.WaitGroup // helpers of streams; they end with the connection
}

func (c *Client) dialProxySSH(ctx context.Context, id Identity) (NodeDialer, error) {
	conn, err := c.dialSSHPort(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reaching the proxy of %s: %w", id.Cluster, err)
	}
	// Any principal will do: the proxy applies no server's rules to it.
	client, err := c.handshake(ctx, conn, id, firstPrincipal(id.SSH), c.sshAddress())
	if err != nil {
		return nil, fmt.Errorf("reaching the proxy of %s: %w", id.Cluster, err)
	}
	p := &proxySSH{client: client, cluster: id.Cluster, patience: c.patience.Call}
	p.running.Go(func() { _ = client.Wait() }) // the first of the helpers, so that Close can wait for all
	return p, nil
}

// dialSSHPort opens a connection for SSH: plain where it has a port of its own, else in TLS.
func (c *Client) dialSSHPort(ctx context.Context, id Identity) (net.Conn, error) {
	if c.services.Separate() {
		return c.patience.dialTCP(ctx, c.services.SSH)
	}
	return c.dialTLS(ctx, id, c.address, []string{wire.ALPNProxySSH})
}

func firstPrincipal(cert *ssh.Certificate) string {
	if len(cert.ValidPrincipals) == 0 {
		return wire.JoinPrincipal
	}
	return cert.ValidPrincipals[0]
}

// Close ends the connection and every stream on it.
func (p *proxySSH) Close() error {
	_ = p.client.Close() // an ended connection has nothing more to say
	p.running.Wait()
	return nil
}

// DialNode opens a session on the proxy whose subsystem is the stream.
func (p *proxySSH) DialNode(ctx context.Context, address string) (net.Conn, error) {
	return p.dial(ctx, fmt.Sprintf("proxy:%s@default@%s", address, p.cluster), address)
}

// DialCluster opens a session on the proxy whose subsystem is the stream.
func (p *proxySSH) DialCluster(ctx context.Context) (net.Conn, error) {
	return p.dial(ctx, "proxy:@"+p.cluster, "the auth server of "+p.cluster)
}

func (p *proxySSH) dial(ctx context.Context, subsystem, what string) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.patience, ErrSilent)
	defer cancel()
	channel, err := p.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening a session on the proxy: %w", err)
	}
	conn := &channelConn{Channel: channel}
	detach := context.AfterFunc(ctx, func() { _ = conn.Close() })
	err = p.request(channel, subsystem)
	if !detach() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("reaching %s: %w", what, err)
	}
	// Unread words would fill the channel's window and stop the stream.
	p.running.Go(func() { _, _ = io.Copy(io.Discard, channel.Stderr()) })
	return conn, nil
}

// open opens a session channel. The SSH library knows no context: a channel that comes too late is closed.
func (p *proxySSH) open(ctx context.Context) (ssh.Channel, error) {
	type result struct {
		channel ssh.Channel
		err     error
	}
	opened := make(chan result)
	p.running.Go(func() {
		channel, requests, err := p.client.OpenChannel("session", nil)
		if err == nil {
			p.running.Go(func() { ssh.DiscardRequests(requests) })
		}
		select {
		case opened <- result{channel, err}:
		case <-ctx.Done():
			if err == nil {
				_ = channel.Close()
			}
		}
	})
	select {
	case r := <-opened:
		return r.channel, rejection(r.err)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// request asks for the stream. A refusal's words are on the channel's standard error.
func (p *proxySSH) request(channel ssh.Channel, name string) error {
	ok, err := channel.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{name}))
	if err != nil {
		return errors.Join(ErrConnectionLost, err)
	}
	if ok {
		return nil
	}
	// The words may come after the refusal, and the proxy need not end the channel.
	end := time.AfterFunc(time.Second, func() { _ = channel.Close() })
	defer end.Stop()
	words, _ := io.ReadAll(io.LimitReader(channel.Stderr(), 4096))                        // what came before an error is worth showing
	return answer(ClassNotFound, "SSH", strings.Join(strings.Fields(string(words)), " ")) // some are laid out in lines
}

// channelConn is an SSH channel as a connection.
type channelConn struct {
	inner
	ssh.Channel
}
