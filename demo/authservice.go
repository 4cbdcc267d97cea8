package demo

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// authService is the part of the auth server's API that this cluster has; grpc-go answers Unimplemented for the rest.
type authService struct {
	authpb.UnimplementedAuthServiceServer
	profile   profile
	cluster   string
	addr      string                    // of the proxy, as clients reach it
	inventory map[string]func() []entry // by resource type
	issuer    *issuer
	apps      *applications
}

// newAuthServer makes the gRPC server behind the ALPN name teleport-auth@.
func newAuthServer(s *authService, g *guard, config *tls.Config) *grpc.Server {
	server := grpc.NewServer(append(grpcOptions(g, "auth", config),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 2 * time.Minute}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Minute, PermitWithoutStream: true}),
	)...)
	authpb.RegisterAuthServiceServer(server, s)
	return server
}

// Ping says which server answers.
func (s *authService) Ping(ctx context.Context, _ *authpb.PingRequest) (*authpb.PingResponse, error) {
	response := &authpb.PingResponse{ClusterName: s.cluster, ServerVersion: s.profile.serverVersion(), ProxyPublicAddr: s.addr}
	if p, ok := peer.FromContext(ctx); ok {
		response.RemoteAddr = p.Addr.String()
	}
	return response, nil
}

// GetCurrentUser returns the caller as the certificate names them.
func (s *authService) GetCurrentUser(ctx context.Context, _ *emptypb.Empty) (*typespb.UserV2, error) {
	id := accessOf(ctx).identity
	return &typespb.UserV2{
		Kind:     "user",
		Version:  "v2",
		Metadata: &typespb.Metadata{Name: id.user, Namespace: "default"},
		Spec:     &typespb.UserSpecV2{Roles: id.roles},
	}, nil
}

// ListResources returns one page of what the caller may see (gRPC sheet, 6.1).
func (s *authService) ListResources(ctx context.Context, r *authpb.ListResourcesRequest) (*authpb.ListResourcesResponse, error) {
	if err := checkList(r); err != nil {
		return nil, err
	}
	var entries []entry
	if inventory := s.inventory[r.ResourceType]; inventory != nil {
		entries = inventory()
	}
	return list(entries, accessOf(ctx), r), nil
}

// CreateAppSession makes the session that a certificate for an application needs, as up to version 16.
func (s *authService) CreateAppSession(ctx context.Context, r *authpb.CreateAppSessionRequest) (*authpb.CreateAppSessionResponse, error) {
	granted := accessOf(ctx)
	if user := granted.identity.user; r.Username != user {
		return nil, refuse(accessDenied, "access denied: user %q cannot open sessions for %q", user, r.Username)
	}
	if r.ClusterName != s.cluster {
		return nil, refuse(notFound, "cluster %q is not found", r.ClusterName)
	}
	var device mfaDevice
	if r.MfaResponse != nil && s.profile >= version15 {
		var err error
		if device, err = s.issuer.checkSession(granted.identity.user, r.MfaResponse); err != nil {
			return nil, err
		}
	}
	id, err := s.apps.open(granted, r.PublicAddr, device)
	if err != nil {
		return nil, err
	}
	return &authpb.CreateAppSessionResponse{Session: &typespb.WebSessionV2{
		Kind: "web_session", SubKind: "app_session", Version: "v2",
		Metadata: &typespb.Metadata{Name: id, Namespace: "default"},
		Spec:     &typespb.WebSessionSpecV2{User: granted.identity.user, Expires: timestamppb.New(granted.identity.expires)},
	}}, nil
}

// DeleteAppSession ends such a session.
func (s *authService) DeleteAppSession(ctx context.Context, r *authpb.DeleteAppSessionRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.apps.close(accessOf(ctx).identity.user, r.SessionId)
}
