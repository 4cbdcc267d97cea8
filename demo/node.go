package demo

import (
	"context"
	"net"

	"golang.org/x/crypto/ssh"
)

// node is an SSH server whose shells run as whoever started the demo. It is reached through the proxy only.
type node struct {
	sshServer
	host   *host
	labels map[string]string
	owner  account
	proxy  string // host:port of the proxy, as clients reach it
	ctx    context.Context
}

// account is who started the demo. The node cannot run anything as somebody else.
type account struct {
	name, home string
	shell      string
	env        []string
}

// authorizeLogin is the access decision of the node.
func (n *node) authorizeLogin(granted *access, login string) error {
	return granted.openNode(n.labels, login)
}

// serve handles one connection until it ends, with everything that runs in it.
func (n *node) serve(c net.Conn) {
	conn := n.accept(c)
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	defer conn.open.Wait() // all ends with the connection, and the loop below only then
	conn.open.Go(func() {
		for request := range conn.requests {
			n.global(request)
		}
	})
	for channel := range conn.channels {
		if channel.ChannelType() != "session" {
			_ = channel.Reject(ssh.UnknownChannelType, "unknown channel type")
			continue
		}
		conn.open.Go(func() { n.session(conn, channel) })
	}
}

// global answers a request of the connection. Newer nodes choose the ids of sessions themselves (SSH sheet, 4.3).
func (n *node) global(request *ssh.Request) {
	if request.Type == "session-id-query@goteleport.com" && request.WantReply && n.profile.assignsSessions() {
		_ = request.Reply(true, nil)
		return
	}
	n.answerGlobal(request)
}
