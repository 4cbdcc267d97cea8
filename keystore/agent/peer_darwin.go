package agent

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who opened the other end.
func peerOf(conn *net.UnixConn) (peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return peer{}, fmt.Errorf("asking who connects: %w", err)
	}
	var found *unix.Xucred
	var failed error
	err = raw.Control(func(fd uintptr) { found, failed = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED) })
	if err == nil {
		err = failed
	}
	if err != nil {
		return peer{}, fmt.Errorf("asking who connects: %w", err)
	}
	return peer{account: int(found.Uid)}, nil
}

// programOf is not known here: what the caller says of itself is shown.
func programOf(int) string { return "" }
