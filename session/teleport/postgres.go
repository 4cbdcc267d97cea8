package teleport

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// Codes of the requests that come before the startup message (PostgreSQL documentation, "Message Formats").
const (
	postgresSSLRequest = 80877103
	postgresGSSRequest = 80877104
	postgresRequest    = 8 // bytes of either: length and code
)

// askPostgresTLS asks a PostgreSQL listener for TLS. It answers one byte, "S", before the handshake.
func askPostgresTLS(conn net.Conn) error {
	request := binary.BigEndian.AppendUint32(nil, postgresRequest)
	request = binary.BigEndian.AppendUint32(request, postgresSSLRequest)
	if _, err := conn.Write(request); err != nil {
		return fmt.Errorf("asking for TLS: %w", err)
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return fmt.Errorf("asking for TLS: %w", err)
	}
	if answer[0] != 'S' {
		return fmt.Errorf("asking for TLS: %w", ErrNoRoute)
	}
	return nil
}

// postgresConn is a connection on a PostgreSQL listener that has TLS already. Tools ask for encryption as well; the
// listener would take that for a second request and hang up, so it is denied here. One goroutine may read and others
// write.
type postgresConn struct {
	net.Conn
	denials chan struct{} // for the reader to tell, one for each request
	begun   func()        // closes start
	start   chan struct{} // closed once the tool has asked for all that it asks before it starts

	mu   sync.Mutex
	head []byte // of what the tool sends, until start; guarded by mu
}

// mayAsk is the number of requests that a tool may make: one of each kind.
const mayAsk = 2

func newPostgresConn(conn net.Conn) *postgresConn {
	c := &postgresConn{Conn: conn, denials: make(chan struct{}, mayAsk), start: make(chan struct{})}
	c.begun = sync.OnceFunc(func() { close(c.start) })
	return c
}

// Read returns a denial, or what the listener sent: it says nothing before the tool has started.
func (c *postgresConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	select {
	case <-c.denials:
		p[0] = 'N'
		return 1, nil
	case <-c.start:
	}
	select {
	case <-c.denials:
		p[0] = 'N'
		return 1, nil
	default:
		return c.Conn.Read(p)
	}
}

// Write passes p on, but for requests at the beginning.
func (c *postgresConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started() {
		return c.Conn.Write(p)
	}
	c.head = append(c.head, p...)
	for len(c.head) >= postgresRequest && c.deny() {
		c.head = c.head[postgresRequest:]
	}
	if len(c.head) < postgresRequest {
		return len(p), nil
	}
	c.begun()
	_, err := c.Conn.Write(c.head)
	c.head = nil
	return len(p), err
}

// deny reports whether the head begins with a request, and denies it.
func (c *postgresConn) deny() bool {
	length, code := binary.BigEndian.Uint32(c.head), binary.BigEndian.Uint32(c.head[4:])
	if length != postgresRequest || code != postgresSSLRequest && code != postgresGSSRequest {
		return false
	}
	select {
	case c.denials <- struct{}{}:
		return true
	default:
		return false // too many: the listener may judge
	}
}

func (c *postgresConn) started() bool {
	select {
	case <-c.start:
		return true
	default:
		return false
	}
}

// CloseWrite passes on what is left and ends our direction.
func (c *postgresConn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun()
	if _, err := c.Conn.Write(c.head); err != nil {
		return err
	}
	c.head = nil
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Conn.Close()
}

// Close ends the connection and whoever reads.
func (c *postgresConn) Close() error {
	c.begun()
	return c.Conn.Close()
}
