package teleport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

// rpcConn is a gRPC connection on one TLS session. When the session ends the connection stays broken: connecting
// again needs a signature, and nobody would know why the key asks for a touch. The caller dials anew when it wants.
type rpcConn struct {
	*grpc.ClientConn
	session *endConn
}

// What the servers allow, with a little to spare: auth servers one ping a minute (transport sheet, 5.1), the transport
// service one in five, gRPC's default (section 6).
var (
	authPings      = keepalive.ClientParameters{Time: 75 * time.Second, Timeout: 30 * time.Second}
	transportPings = keepalive.ClientParameters{Time: 310 * time.Second, Timeout: 30 * time.Second}
)

// dialRPC opens a TLS session and speaks gRPC on it. alpn selects the service.
func (c *Client) dialRPC(ctx context.Context, id Identity, address string, alpn []string, pings keepalive.ClientParameters) (*rpcConn, error) {
	session, err := c.dialTLS(ctx, id, address, alpn)
	if err != nil {
		return nil, err
	}
	return c.speakRPC(session, id.serverName(), pings)
}

// speakRPC speaks gRPC on an open session, which it takes over.
func (c *Client) speakRPC(session *endConn, name string, pings keepalive.ClientParameters) (*rpcConn, error) {
	client, err := grpc.NewClient("passthrough:///"+name,
		grpc.WithContextDialer(once(session)),
		grpc.WithTransportCredentials(insecure.NewCredentials()), // session is TLS already
		grpc.WithUserAgent(c.userAgent),
		grpc.WithIdleTimeout(0),
		grpc.WithDisableServiceConfig(),
		grpc.WithKeepaliveParams(pings),
	)
	if err != nil {
		_ = session.Close()
		return nil, fmt.Errorf("speaking gRPC: %w", err)
	}
	return &rpcConn{ClientConn: client, session: session}, nil
}

// errSpent ends gRPC's attempts to connect again.
var errSpent = errors.New("the connection has ended")

// once hands out conn a single time.
func once(conn net.Conn) func(context.Context, string) (net.Conn, error) {
	conns := make(chan net.Conn, 1)
	conns <- conn
	return func(context.Context, string) (net.Conn, error) {
		select {
		case conn := <-conns:
			return conn, nil
		default:
			return nil, errSpent
		}
	}
}

// Close ends the connection and its streams. Closing twice is allowed.
func (r *rpcConn) Close() error {
	_ = r.ClientConn.Close() // a second closing says so; that is all it can say
	_ = r.session.Close()    // gRPC may not have taken it over yet
	return nil
}

// sort gives the failure of a call its type.
func (r *rpcConn) sort(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Cause(ctx)
	}
	if end := r.session.ended(); end != nil {
		return errors.Join(end, err)
	}
	s := status.Convert(err)
	if s.Code() == codes.DeadlineExceeded {
		return errors.Join(ErrSilent, err)
	}
	return answer(classOfCode(s.Code()), s.Code().String(), s.Message())
}

func classOfCode(code codes.Code) Class {
	switch code {
	case codes.InvalidArgument:
		return ClassBadRequest
	case codes.PermissionDenied, codes.Unauthenticated:
		return ClassDenied
	case codes.NotFound:
		return ClassNotFound
	case codes.ResourceExhausted:
		return ClassLimited
	case codes.Unimplemented:
		return ClassUnimplemented
	case codes.Unavailable:
		return ClassUnavailable
	default:
		return ClassOther
	}
}
