package demo

import (
	"cmp"
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/emptypb"
)

// authService is the part of the auth server's API that this cluster has; grpc-go answers Unimplemented for the rest.
type authService struct {
	authpb.UnimplementedAuthServiceServer
	cluster string
	addr    string // of the proxy, as clients reach it
	nodes   func() []*typespb.ServerV2
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
	response := &authpb.PingResponse{ClusterName: s.cluster, ServerVersion: serverVersion, ProxyPublicAddr: s.addr}
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

// paged are the kinds that can be listed. This cluster has nodes only; lists of the others are empty.
var paged = []string{wire.KindNode, "db_server", "db_service", "app_server", "kube_cluster", "kube_server",
	"windows_desktop", "windows_desktop_service", "user_group"}

// sortKeys are the fields that nodes can be sorted by (gRPC sheet, 6.1).
var sortKeys = map[string]func(*typespb.ServerV2) string{
	"":         func(n *typespb.ServerV2) string { return n.Metadata.Name },
	"name":     func(n *typespb.ServerV2) string { return n.Metadata.Name },
	"hostname": func(n *typespb.ServerV2) string { return n.Spec.Hostname },
	"address":  func(n *typespb.ServerV2) string { return n.Spec.Addr },
}

// ListResources returns one page of what the caller may see (gRPC sheet, 6.1).
func (s *authService) ListResources(ctx context.Context, r *authpb.ListResourcesRequest) (*authpb.ListResourcesResponse, error) {
	switch {
	case r.Limit <= 0:
		return nil, refuse(badParameter, "nonpositive parameter limit")
	case !slices.Contains(paged, r.ResourceType):
		return nil, refuse(notImplemented, "resource type %s does not support pagination", r.ResourceType)
	case r.PredicateExpression != "":
		return nil, refuse(badParameter, "predicate expressions are not supported by this cluster")
	case r.ResourceType != wire.KindNode:
		return &authpb.ListResourcesResponse{}, nil
	}
	key, ok := sortKeys[r.SortBy.GetField()]
	if !ok {
		return nil, refuse(notImplemented, "sorting by field %q for resource node is not supported", r.SortBy.GetField())
	}
	granted := accessOf(ctx)
	nodes := slices.DeleteFunc(s.nodes(), func(n *typespb.ServerV2) bool {
		return !granted.seesNode(n.Metadata.Labels) || !hasLabels(n, r.Labels) || !hasKeywords(n, r.SearchKeywords)
	})
	slices.SortFunc(nodes, func(a, b *typespb.ServerV2) int {
		order := cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a.Metadata.Name, b.Metadata.Name))
		if r.SortBy.GetIsDesc() {
			return -order
		}
		return order
	})
	return page(nodes, r), nil
}

// page cuts a sorted list. The key of a page is the name of its first node.
func page(nodes []*typespb.ServerV2, r *authpb.ListResourcesRequest) *authpb.ListResourcesResponse {
	response := &authpb.ListResourcesResponse{}
	if r.NeedTotalCount || r.SortBy.GetField() != "" {
		response.TotalCount = int32(len(nodes))
	}
	if r.StartKey != "" {
		start := slices.IndexFunc(nodes, func(n *typespb.ServerV2) bool { return n.Metadata.Name == r.StartKey })
		if start < 0 {
			start = len(nodes)
		}
		nodes = nodes[start:]
	}
	if len(nodes) > int(r.Limit) {
		response.NextKey = nodes[r.Limit].Metadata.Name
		nodes = nodes[:r.Limit]
	}
	for _, n := range nodes {
		response.Resources = append(response.Resources,
			&authpb.PaginatedResource{Resource: &authpb.PaginatedResource_Node{Node: n}})
	}
	return response
}

func hasLabels(n *typespb.ServerV2, want map[string]string) bool {
	for name, value := range want {
		if have, ok := n.Metadata.Labels[name]; !ok || have != value {
			return false
		}
	}
	return true
}

// hasKeywords reports whether every keyword is somewhere in the node, in upper or lower case.
func hasKeywords(n *typespb.ServerV2, keywords []string) bool {
	fields := []string{n.Metadata.Name, n.Spec.Hostname, n.Spec.Addr}
	for name, value := range n.Metadata.Labels {
		fields = append(fields, name, value)
	}
	for _, keyword := range keywords {
		found := slices.ContainsFunc(fields, func(field string) bool {
			return strings.Contains(strings.ToLower(field), strings.ToLower(keyword))
		})
		if !found {
			return false
		}
	}
	return true
}
