package demo

import (
	"context"
	"crypto/tls"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// guard decides, on every connection and call, whether a certificate still gives access. The definitions of its
// roles are those of this moment (login sheet, 8.3).
type guard struct {
	resources *resources
	audit     *audit
}

// admit checks the user, then the key policy (enforcement sheet, 7.2), and writes down a refusal.
func (g *guard) admit(id identity, service string) (*access, error) {
	granted, err := g.check(id)
	if err == nil {
		return granted, nil
	}
	event := Event{Name: EventConnectionRefused, Service: service, User: id.user, Reason: err.Error(), Policy: string(id.policy)}
	if granted != nil {
		event.RequiredPolicy = string(granted.requiredPolicy())
	}
	g.audit.record(event)
	return nil, err
}

// check may return an access together with an error: then only the key is too weak.
func (g *guard) check(id identity) (*access, error) {
	catalog := g.resources.catalog()
	if catalog.users[id.user] == nil {
		return nil, refuse(accessDenied, "access denied")
	}
	granted, err := newAccess(catalog, id)
	if err != nil {
		return nil, err
	}
	return granted, granted.checkPolicy(id.policy)
}

// caller returns the identity behind a gRPC call. Without a client certificate there is none; a certificate that is
// restricted to a use is refused, since no API is one.
func caller(ctx context.Context) (identity, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return identity{}, refuse(accessDenied, "access denied")
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return identity{}, refuse(accessDenied, "access denied")
	}
	id, err := identityFromTLS(info.State.PeerCertificates[0])
	if err != nil || len(id.usage) > 0 {
		return identity{}, refuse(accessDenied, "access denied: invalid client certificate")
	}
	return id, nil
}

// accessKey is where the interceptors leave the *access of a call.
type accessKey struct{}

func accessOf(ctx context.Context) *access {
	granted, _ := ctx.Value(accessKey{}).(*access)
	return granted
}

// grpcOptions are those of every gRPC server of the cluster.
func grpcOptions(g *guard, service string, config *tls.Config) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(credentials.NewTLS(config)),
		grpc.ConnectionTimeout(helloTimeout),
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(g.unary(service)),
		grpc.StreamInterceptor(g.stream(service)),
	}
}

// unary is the interceptor of a gRPC service. Ping answers anyone, as it does in a real cluster: it tells nothing
// that the web API would not.
func (g *guard) unary(service string) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		ctx, err := g.enter(ctx, service)
		if err != nil && !(info.FullMethod == authpb.AuthService_Ping_FullMethodName && anonymous(ctx)) {
			return nil, grpcError(err)
		}
		response, err := next(ctx, request)
		if err != nil {
			return nil, grpcError(err)
		}
		return response, nil
	}
}

func (g *guard) stream(service string) grpc.StreamServerInterceptor {
	return func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, err := g.enter(stream.Context(), service)
		if err != nil {
			return grpcError(err)
		}
		if err := next(server, &guardedStream{stream, ctx}); err != nil {
			return grpcError(err)
		}
		return nil
	}
}

func (g *guard) enter(ctx context.Context, service string) (context.Context, error) {
	id, err := caller(ctx)
	if err != nil {
		return ctx, err
	}
	granted, err := g.admit(id, service)
	if err != nil {
		return ctx, err
	}
	return context.WithValue(ctx, accessKey{}, granted), nil
}

// anonymous reports whether a call came without any client certificate.
func anonymous(ctx context.Context) bool {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return true
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	return ok && len(info.State.PeerCertificates) == 0
}

// guardedStream carries the access of its call.
type guardedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *guardedStream) Context() context.Context { return s.ctx }
