package app

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/touchstone-app/touchstone/session"
)

// runProxySSH is a ProxyCommand of OpenSSH: it joins standard input and output to a server's SSH port through the
// proxy. OpenSSH itself checks the server and signs in; what it needs for that, known_hosts and an agent, is there
// before it sees the server's first byte, because it looks for both only later.
func runProxySSH(ctx context.Context, env *environment, o *options, args []string) error {
	if len(args) != 1 {
		return &usageError{"proxy ssh needs one LOGIN@HOST:PORT.", `"touchstone proxy ssh --help" shows how it is used.`}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // OpenSSH's way of ending a ProxyCommand
	defer stop()
	request := streamRequest(args[0])
	return withSessions(besideOpenSSH(env), o, func(r *rooms) error {
		c, err := pickCluster(r.sessions.Snapshot(), o.cluster)
		if err != nil {
			return err
		}
		request.Cluster = c.ID
		return proxySSH(ctx, env, r, request)
	})
}

// streamRequest reads LOGIN@HOST:PORT. The port is OpenSSH's; servers of a cluster have but one SSH server.
func streamRequest(target string) session.StreamRequest {
	login, host := splitTarget(target)
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 {
		host = host[:colon]
	}
	return session.StreamRequest{Login: login, Host: host}
}

// besideOpenSSH is env with the terminal in the place of standard input, which is OpenSSH's. Without a terminal nobody
// can answer.
func besideOpenSSH(env *environment) *environment {
	beside := *env
	for _, path := range []string{"/dev/tty", os.DevNull} {
		if terminal, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
			beside.stdin = terminal // until the process ends, as standard input is
			break
		}
	}
	return &beside
}

func proxySSH(ctx context.Context, env *environment, r *rooms, request session.StreamRequest) error {
	stream, err := r.sessions.DialServer(ctx, request)
	if err != nil {
		return err
	}
	defer stream.Close()
	files, err := prepareOpenSSH(r, request.Cluster)
	if err != nil {
		return err
	}
	agent, err := listenAgent(files.agent, func(ctx context.Context, asking net.Conn) {
		if err := stream.ServeAgent(ctx, asking); err != nil {
			r.log.logger.Warn("an SSH client was not served", "error", err)
		}
	})
	if err != nil {
		return err
	}
	defer agent.Close()
	return join(ctx, env, stream)
}

// prepareOpenSSH writes the known_hosts file and says where it and the agent are.
func prepareOpenSSH(r *rooms, clusterID string) (openSSHFiles, error) {
	lines, err := r.sessions.KnownHosts(clusterID)
	if err != nil {
		return openSSHFiles{}, err
	}
	files, err := openSSHFilesOf(r.home, clusterID)
	if err != nil {
		return openSSHFiles{}, err
	}
	return files, files.writeKnownHosts(lines)
}

// join copies between standard input and output and conn until one side ends or ctx does. Standard input is left to
// its goroutine: a blocked read of it cannot be taken back, and the process ends soon.
func join(ctx context.Context, env *environment, conn net.Conn) error {
	detach := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer detach()
	ended := make(chan error, 2)
	go func() { _, err := io.Copy(conn, env.stdin); ended <- err }()
	go func() { _, err := io.Copy(env.stdout, conn); ended <- err }()
	err := <-ended
	if ctx.Err() != nil || errors.Is(err, syscall.EPIPE) {
		return nil // OpenSSH has all it wanted
	}
	return err
}
