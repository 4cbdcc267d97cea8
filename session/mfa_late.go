package session

import (
	"bytes"
	"net"
	"sync/atomic"
)

// wantedText is how targets refuse a session that was not checked (gRPC sheet, section 7).
var wantedText = []byte("access to resource requires MFA")

// wantedCheck notices that a target wants a check after all, although the cluster wanted none when the certificate was
// issued: a role has changed since. The tool reads the target's own words then; its next try comes to the check.
type wantedCheck struct{ noticed atomic.Bool }

// watch looks at the first bytes that come on a connection.
func (w *wantedCheck) watch(conn net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: conn, check: w}, nil
}

// watchedConn is a connection whose first bytes are looked at. One goroutine may read and others write.
type watchedConn struct {
	net.Conn
	check *wantedCheck
	begun bool // for the reader only
}

// Read reads.
func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.begun {
		c.begun = true
		if bytes.Contains(p[:n], wantedText) {
			c.check.noticed.Store(true)
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
