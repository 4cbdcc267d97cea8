package session

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/session/localproxy"
)

// noticeLateChecks makes a route stale when its target wants a check after all, although the cluster wanted none when
// the certificate was issued: a role has changed since. The tool reads the target's own words then; its next try comes
// to the check. It is for routes on which every tool has a connection of its own.
func noticeLateChecks(r localproxy.Route) localproxy.Route {
	var wanted atomic.Bool
	dial := r.Dial
	r.Dial = func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		return &watchedConn{Conn: conn, wanted: &wanted}, nil
	}
	r.Stale = wanted.Load
	return r
}

// watchedConn is a connection whose first bytes are looked at. One goroutine may read and others write.
type watchedConn struct {
	net.Conn
	wanted *atomic.Bool // set when a check is
	begun  bool         // for the reader only
}

// Read reads.
func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.begun {
		c.begun = true
		if bytes.Contains(p[:n], []byte(wire.SessionMFA)) {
			c.wanted.Store(true)
		}
	}
	return n, err
}

// CloseWrite ends our direction where the connection can, else both.
func (c *watchedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
