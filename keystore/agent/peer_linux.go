package agent

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel who opened the other end.
func peerOf(conn *net.UnixConn) (peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return peer{}, fmt.Errorf("asking who connects: %w", err)
	}
	var found *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { found, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err == nil {
		err = failed
	}
	if err != nil {
		return peer{}, fmt.Errorf("asking who connects: %w", err)
	}
	return peer{account: int(found.Uid), process: int(found.Pid)}, nil
}

// programOf is the name of the program that a process runs, or "". The process may have ended and its ID have been
// given to another: the name is shown to people, nothing is decided by it.
func programOf(process int) string {
	path, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(process), "exe"))
	if err != nil {
		return ""
	}
	return path
}
