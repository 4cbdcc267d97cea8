package teleport

import (
	"net"
	"time"
)

// inner completes net.Conn, which the SSH library wants, for streams inside other connections. They have no address
// of their own and no deadlines: whoever waits for one closes it.
type inner struct{}

// LocalAddr is no address.
func (inner) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr is no address.
func (inner) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline does nothing.
func (inner) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (inner) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (inner) SetWriteDeadline(time.Time) error { return nil }
