package virtual

import (
	"fmt"
	"net"
	"syscall"
)

// checkPeer refuses connections of accounts other than owner. The permissions of socket and folder already do; this is the second
// lock, for a socket path that was chosen badly.
func checkPeer(conn *net.UnixConn, owner int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("asking who connects: %w", err)
	}
	var peer *syscall.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return fmt.Errorf("asking who connects: %w", err)
	}
	if failed != nil {
		return fmt.Errorf("asking who connects: %w", failed)
	}
	if int(peer.Uid) != owner {
		return fmt.Errorf("account %d connects, only account %d may", peer.Uid, owner)
	}
	return nil
}
