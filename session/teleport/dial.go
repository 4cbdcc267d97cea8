package teleport

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// authALPN selects the auth server of a cluster (transport sheet, 5.1). The routing name must come first.
func authALPN(cluster string) []string {
	return []string{wire.ALPNAuthPrefix + hex.EncodeToString([]byte(cluster)) + wire.ClusterDomain, wire.ALPNHTTP2}
}

// dialTLS opens a TLS session with a service of the cluster at one of the proxy's addresses. alpn selects the service.
func (c *Client) dialTLS(ctx context.Context, id Identity, address string, alpn []string) (*endConn, error) {
	raw, err := c.patience.dialTCP(ctx, address)
	if err != nil {
		return nil, err
	}
	session, err := c.startTLS(ctx, id, raw, alpn)
	if err != nil {
		return nil, fmt.Errorf("TLS handshake with %s for %s: %w", address, alpn[0], err)
	}
	return session, nil
}

// startTLS opens a TLS session on a connection, which it takes over.
func (c *Client) startTLS(ctx context.Context, id Identity, raw net.Conn, alpn []string) (*endConn, error) {
	var conn *tls.Conn
	err := attend(ctx, raw, id.Signer, c.patience.Handshake, func(key *attendedSigner) error {
		conn = tls.Client(raw, id.tlsConfig(key, alpn))
		return sortTLS(id.serverName(), conn.Handshake(), key)
	})
	if err != nil {
		return nil, err
	}
	return &endConn{Conn: conn}, nil
}

// sortTLS gives the failure of a handshake with the proxy its type. A peer that ends it before our key signed
// has nothing under that ALPN name (transport sheet, section 11).
func sortTLS(host string, err error, key *attendedSigner) error {
	var unverified *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError // the port of an old proxy speaks SSH only
	switch {
	case errors.As(err, &unverified):
		return &UntrustedHostError{Host: host, Err: unverified.Err}
	case isRemoteAlert(err) && key.asked():
		return errors.Join(ErrCertificateRefused, err)
	case isRemoteAlert(err), errors.As(err, &noTLS), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return errors.Join(ErrNoRoute, err)
	default:
		return err
	}
}

// isRemoteAlert reports whether err is an alert that the peer sent. crypto/tls marks it by the operation's name.
func isRemoteAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// endConn remembers how a TLS session ended. In TLS 1.3 the client's handshake is over before the peer has looked at
// our certificate: its refusal comes with the first read, and gRPC would keep no more than the text.
type endConn struct {
	net.Conn
	mu  sync.Mutex
	end error // nil while the session lives; guarded by mu
}

// Read reads, and keeps the error that ends the session.
func (c *endConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if isRemoteAlert(err) {
			c.end = errors.Join(ErrCertificateRefused, err)
		} else if c.end == nil {
			c.end = errors.Join(ErrConnectionLost, err)
		}
	}
	return n, err
}

// ended returns why the session ended, or nil.
func (c *endConn) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}
