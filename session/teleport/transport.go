package teleport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/transportpb"
)

// NodeDialer gives byte streams to what is behind the proxy. Opening it costs a signature; keep it and share it. It
// may be used from many goroutines.
type NodeDialer interface {
	// DialNode returns a stream to the server that the proxy finds under address, "<uuid>:0". Ending ctx ends the
	// dialling, not the stream.
	DialNode(ctx context.Context, address string) (net.Conn, error)
	// DialCluster returns a stream to the auth server, for DialAuthOn. Ending ctx ends the dialling, not the stream.
	DialCluster(ctx context.Context) (net.Conn, error)
	// Close ends the connection and every stream on it.
	Close() error
}

// grpcSince is the first major version whose proxies have the transport service.
const grpcSince = 13

// DialNodes connects to the proxy for SSH, in the newer way where the cluster's major version may know it, else in
// the older one (transport sheet, section 10).
func (c *Client) DialNodes(ctx context.Context, id Identity, major int) (NodeDialer, error) {
	if major < grpcSince {
		return c.dialProxySSH(ctx, id)
	}
	transport, err := c.dialTransport(ctx, id)
	if !tooOld(err) {
		return transport, err
	}
	return c.dialProxySSH(ctx, id)
}

// tooOld reports whether a proxy showed that it lacks the transport service: the router drops an ALPN name that it
// does not know (transport sheet, section 11), and a server that knows the name may not know the service.
func tooOld(err error) bool {
	var refused *AnswerError
	return errors.Is(err, ErrNoRoute) || errors.As(err, &refused) && refused.Class == ClassUnimplemented
}

// transport reaches servers through the proxy's transport service (transport sheet, section 6).
type transport struct {
	rpc      *rpcConn
	client   transportpb.TransportServiceClient
	cluster  string
	patience time.Duration // for one call
}

// dialTransport connects and asks for the cluster's details, which proves that the service is there.
func (c *Client) dialTransport(ctx context.Context, id Identity) (NodeDialer, error) {
	alpn := []string{wire.ALPNProxySSHGRPC, wire.ALPNHTTP2}
	rpc, err := c.dialRPC(ctx, id, c.sshAddress(), alpn, transportPings)
	if err != nil {
		return nil, fmt.Errorf("reaching the proxy of %s: %w", id.Cluster, err)
	}
	t := &transport{rpc: rpc, client: transportpb.NewTransportServiceClient(rpc), cluster: id.Cluster, patience: c.patience.Call}
	if err := t.probe(ctx); err != nil {
		_ = rpc.Close()
		return nil, fmt.Errorf("reaching the proxy of %s: %w", id.Cluster, err)
	}
	return t, nil
}

func (t *transport) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	_, err := t.client.GetClusterDetails(ctx, &transportpb.GetClusterDetailsRequest{})
	return t.rpc.sort(ctx, err)
}

// Close ends the connection and every stream on it.
func (t *transport) Close() error { return t.rpc.Close() }

// DialNode opens a stream. The first answer comes once the proxy has reached the server.
func (t *transport) DialNode(ctx context.Context, address string) (net.Conn, error) {
	conn, err := t.dial(ctx, func(life context.Context) (*streamConn, error) { return t.openNode(life, address) })
	if err != nil {
		return nil, fmt.Errorf("reaching %s: %w", address, err)
	}
	return conn, nil
}

// DialCluster opens a stream. The proxy answers nothing but what the auth server does.
func (t *transport) DialCluster(ctx context.Context) (net.Conn, error) {
	conn, err := t.dial(ctx, t.openCluster)
	if err != nil {
		return nil, fmt.Errorf("reaching the auth server of %s: %w", t.cluster, err)
	}
	return conn, nil
}

// dial opens a stream whose context is the stream's life: it must not end with the dialling (transport sheet, section
// 6).
func (t *transport) dial(ctx context.Context, open func(context.Context) (*streamConn, error)) (net.Conn, error) {
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	silent := time.AfterFunc(t.patience, func() { end(ErrSilent) })
	conn, err := open(life)
	silent.Stop()
	if !detach() || context.Cause(life) != nil {
		err = context.Cause(life)
	}
	if err != nil {
		end(err)
		return nil, err
	}
	conn.end = end
	return conn, nil
}

func (t *transport) openNode(ctx context.Context, address string) (*streamConn, error) {
	stream, err := t.client.ProxySSH(ctx)
	if err != nil {
		return nil, t.rpc.sort(ctx, err)
	}
	target := &transportpb.TargetHost{HostPort: address, Cluster: t.cluster}
	if err := stream.Send(&transportpb.ProxySSHRequest{DialTarget: target}); err != nil && !errors.Is(err, io.EOF) {
		return nil, t.rpc.sort(ctx, err)
	}
	if _, err := stream.Recv(); err != nil { // after io.EOF from Send, Recv knows why
		return nil, t.rpc.sort(ctx, err)
	}
	return &streamConn{
		// Frames for agents are not ours to answer: no agent was offered.
		receive: func() ([]byte, error) {
			message, err := stream.Recv()
			return message.GetSsh().GetPayload(), streamEnd(err)
		},
		send: func(payload []byte) error {
			frame := &transportpb.ProxySSHRequest_Ssh{Ssh: &transportpb.Frame{Payload: payload}}
			return streamEnd(stream.Send(&transportpb.ProxySSHRequest{Frame: frame}))
		},
	}, nil
}

func (t *transport) openCluster(ctx context.Context) (*streamConn, error) {
	stream, err := t.client.ProxyCluster(ctx)
	if err != nil {
		return nil, t.rpc.sort(ctx, err)
	}
	if err := stream.Send(&transportpb.ProxyClusterRequest{Cluster: t.cluster}); err != nil && !errors.Is(err, io.EOF) {
		return nil, t.rpc.sort(ctx, err)
	}
	return &streamConn{
		receive: func() ([]byte, error) {
			message, err := stream.Recv()
			if err != nil && !errors.Is(err, io.EOF) {
				err = t.rpc.sort(ctx, err) // a refusal comes here
			}
			return message.GetFrame().GetPayload(), err
		},
		send: func(payload []byte) error {
			frame := &transportpb.Frame{Payload: payload}
			return streamEnd(stream.Send(&transportpb.ProxyClusterRequest{Frame: frame}))
		},
	}, nil
}

// maxFrame is the most that a sender puts into one frame (transport sheet, section 6).
const maxFrame = 16 << 10

// streamConn is a transport stream as a connection. One goroutine may read and others write.
type streamConn struct {
	inner
	receive func() ([]byte, error) // the payload of the next frame
	send    func([]byte) error     // one frame
	end     context.CancelCauseFunc
	rest    []byte // of the last frame; for the reader only

	writing sync.Mutex // one frame at a time
}

// Read returns what the other side sent.
func (c *streamConn) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		payload, err := c.receive()
		if err != nil {
			return 0, err
		}
		c.rest = payload
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write sends p in frames.
func (c *streamConn) Write(p []byte) (written int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for len(p) > 0 {
		n := min(len(p), maxFrame)
		if err := c.send(p[:n]); err != nil {
			return written, err
		}
		written += n
		p = p[n:]
	}
	return written, nil
}

// streamEnd marks the end of a stream, unless it is the ordinary one, for those who only know connections.
func streamEnd(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return errors.Join(ErrConnectionLost, err)
}

// Close ends the stream.
func (c *streamConn) Close() error {
	c.end(net.ErrClosed)
	return nil
}
