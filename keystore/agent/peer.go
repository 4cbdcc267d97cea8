package agent

import (
	"errors"
	"net"
	"os"
)

// peer is who is at the other end of a socket. It is the address that gRPC tells of a connection.
type peer struct {
	account int // user ID; -1 where the system does not tell
	process int // its ID, 0 where the system does not tell
}

// Network is that of the socket.
func (p peer) Network() string { return "unix" }

// String is empty: nothing about the peer can be dialled.
func (p peer) String() string { return "" }

// errStranger says that another account is at the other end.
var errStranger = errors.New("another account is at the other end of the key agent's socket")

// identify tells who is at the other end of a connection, and refuses other accounts. The modes of folder and socket
// keep them out already; this is the second lock, for a folder that was opened by mistake. Where the system does not
// tell, the modes must be enough.
func identify(conn *net.UnixConn) (peer, error) {
	who, err := peerOf(conn)
	if err != nil {
		return peer{}, err
	}
	if who.account >= 0 && who.account != os.Geteuid() {
		return peer{}, errStranger
	}
	return who, nil
}

// knownConn is a connection whose peer was identified.
type knownConn struct {
	net.Conn
	peer peer
}

// RemoteAddr is the peer, so that gRPC's handlers are told who calls.
func (c knownConn) RemoteAddr() net.Addr { return c.peer }

// ownListener accepts connections of this account and hangs up on others.
type ownListener struct{ *net.UnixListener }

// Accept waits for the next connection of this account.
func (l ownListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if who, err := identify(conn); err == nil {
			return knownConn{conn, who}, nil
		}
		_ = conn.Close() // whoever it is learns nothing
	}
}
