package demo

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// hello is what the router reads from a ClientHello.
type hello struct {
	serverName string
	protocols  []string // ALPN names in the client's order; "http/1.1" when there are none
}

// errPeeked ends the handshake that is only there to read the ClientHello.
var errPeeked = errors.New("the ClientHello was read")

// readHello reads a ClientHello without answering and returns it with every byte that it read, for replay. The
// parser is the one of the TLS library, stopped before it would write.
func readHello(r io.Reader) (hello, []byte, error) {
	var read bytes.Buffer
	var h hello
	peek := tls.Server(readOnlyConn{io.TeeReader(r, &read)}, &tls.Config{
		GetConfigForClient: func(info *tls.ClientHelloInfo) (*tls.Config, error) {
			h = hello{serverName: info.ServerName, protocols: info.SupportedProtos}
			return nil, errPeeked
		},
	})
	if err := peek.Handshake(); !errors.Is(err, errPeeked) {
		return hello{}, nil, fmt.Errorf("reading a ClientHello: %w", err)
	}
	if len(h.protocols) == 0 {
		h.protocols = []string{"http/1.1"}
	}
	return h, read.Bytes(), nil
}

// readOnlyConn gives tls.Server something to read; the alert that it would send goes nowhere.
type readOnlyConn struct{ io.Reader }

func (readOnlyConn) Write(b []byte) (int, error)      { return len(b), nil }
func (readOnlyConn) Close() error                     { return nil }
func (readOnlyConn) LocalAddr() net.Addr              { return nil }
func (readOnlyConn) RemoteAddr() net.Addr             { return nil }
func (readOnlyConn) SetDeadline(time.Time) error      { return nil }
func (readOnlyConn) SetReadDeadline(time.Time) error  { return nil }
func (readOnlyConn) SetWriteDeadline(time.Time) error { return nil }

// replayConn reads the bytes of the ClientHello again before the rest.
type replayConn struct {
	net.Conn
	first *bytes.Reader // used by the one goroutine that reads
}

func replay(c net.Conn, first []byte) net.Conn {
	return &replayConn{Conn: c, first: bytes.NewReader(first)}
}

// Read implements net.Conn.
func (c *replayConn) Read(b []byte) (int, error) {
	if c.first.Len() > 0 {
		return c.first.Read(b)
	}
	return c.Conn.Read(b)
}
