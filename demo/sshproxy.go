package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshProxy is the SSH server of the proxy: a way to nodes for clients without gRPC (transport sheet, section 7).
// Any principal of a valid certificate will do.
type sshProxy struct {
	sshServer
	switchboard *switchboard
}

// serve handles one connection until it ends.
func (p *sshProxy) serve(c net.Conn) {
	conn := p.accept(c)
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	defer conn.open.Wait() // all ends with the connection, and the loop below only then
	conn.open.Go(func() {
		for request := range conn.requests {
			p.answerGlobal(request)
		}
	})
	for channel := range conn.channels {
		switch channel.ChannelType() {
		case "session":
			conn.open.Go(func() { p.session(conn, channel) })
		case "direct-tcpip":
			conn.open.Go(func() { p.direct(conn, channel) })
		default:
			_ = channel.Reject(ssh.UnknownChannelType, "unknown channel type: "+channel.ChannelType())
		}
	}
}

// session waits for the subsystem request that says what the channel is for. Variables and agent forwarding, which
// come first from some clients, are accepted and not used.
func (p *sshProxy) session(conn *sshConn, offer ssh.NewChannel) {
	channel, requests, err := offer.Accept()
	if err != nil {
		return
	}
	defer func() { _ = channel.Close() }()
	for request := range requests {
		switch request.Type {
		case "env", "auth-agent-req@openssh.com":
			_ = request.Reply(true, nil)
		case "subsystem":
			conn.open.Go(func() { ssh.DiscardRequests(requests) })
			p.subsystem(conn, channel, request)
			return
		default:
			fail(channel, request, fmt.Errorf("(proxy) proxy doesn't support request type '%s'", request.Type))
		}
	}
}

// fail tells an error on the channel's stderr and in the reply. It ends a line, so that nothing is written behind it.
func fail(channel ssh.Channel, request *ssh.Request, err error) {
	text := err.Error() + "\n"
	_, _ = io.WriteString(channel.Stderr(), text)
	_ = request.Reply(false, []byte(text))
}

// subsystem serves one request.
func (p *sshProxy) subsystem(conn *sshConn, channel ssh.Channel, request *ssh.Request) {
	var payload struct{ Name string }
	if err := ssh.Unmarshal(request.Payload, &payload); err != nil {
		_ = request.Reply(false, nil)
		return
	}
	if payload.Name == "proxysites" {
		_ = request.Reply(true, nil)
		p.sites(channel)
		return
	}
	t, err := parseSubsystem(payload.Name)
	var stream net.Conn
	if err == nil {
		stream, err = p.connect(conn, t)
	}
	if err != nil {
		fail(channel, request, err)
		return
	}
	_ = request.Reply(true, nil)
	join(channel, stream)
}

// connect opens a stream. Other clusters have a text of their own here.
func (p *sshProxy) connect(conn *sshConn, t target) (net.Conn, error) {
	if t.cluster != "" && t.cluster != p.switchboard.cluster {
		return nil, fmt.Errorf("invalid format for proxy request: unknown cluster %q", t.cluster)
	}
	return p.switchboard.connect(conn.access, t, conn.RemoteAddr())
}

// site is one cluster in the list of clusters.
type site struct {
	Name          string    `json:"name"`
	LastConnected time.Time `json:"lastconnected"`
	Status        string    `json:"status"`
}

func (p *sshProxy) sites(channel ssh.Channel) {
	list := []site{{Name: p.switchboard.cluster, LastConnected: p.now().UTC(), Status: "online"}}
	_ = json.NewEncoder(channel).Encode(list) // the client is gone: nobody to tell
	exit(channel, 0)
}

// direct serves "ssh -J": the same streams by host and port (RFC 4254, 7.2). The channel is there before the stream; the
// reason of a failure stays with the proxy.
func (p *sshProxy) direct(conn *sshConn, offer ssh.NewChannel) {
	var payload struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(offer.ExtraData(), &payload); err != nil || payload.Host == "" {
		_ = offer.Reject(ssh.ConnectionFailed, "invalid target")
		return
	}
	channel, requests, err := offer.Accept()
	if err != nil {
		return
	}
	conn.open.Go(func() { ssh.DiscardRequests(requests) })
	stream, err := p.connect(conn, target{host: payload.Host, port: int(payload.Port)})
	if err != nil {
		_, _ = io.WriteString(channel.Stderr(), "Unable to start proxy subsystem.")
		_ = channel.Close()
		return
	}
	join(channel, stream)
}

// join copies both ways. The stream carries SSH, whose ends close only when they have nothing more to say: its end is
// the end of both, after its last bytes were passed on.
func join(channel ssh.Channel, stream net.Conn) {
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = io.Copy(stream, channel)
		_ = stream.Close()
	})
	_, _ = io.Copy(channel, stream)
	_ = stream.Close()
	_ = channel.CloseWrite()
	_ = channel.Close()
	copying.Wait()
}

// exit sends the status of a command that ended (RFC 4254, 6.10).
func exit(channel ssh.Channel, status int) {
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
}
