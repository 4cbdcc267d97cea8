//go:build !linux

package virtual

import "net"

// checkPeer relies on the permissions of socket and folder where the system has no SO_PEERCRED.
func checkPeer(*net.UnixConn, int) error { return nil }
