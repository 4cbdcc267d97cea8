package teleport

import (
	"context"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
)

// ListKubeServers returns the Kubernetes clusters, once for each agent that serves one.
func (a *Auth) ListKubeServers(ctx context.Context, keywords ...string) ([]*typespb.KubernetesServerV3, error) {
	return list(ctx, a, wire.KindKubeServer, (*authpb.PaginatedResource).GetKubernetesServer, keywords)
}

// ListKubeClusters is ListKubeServers for clusters up to version 12, which list each cluster once (kube sheet, 4.4).
func (a *Auth) ListKubeClusters(ctx context.Context, keywords ...string) ([]*typespb.KubernetesClusterV3, error) {
	return list(ctx, a, wire.KindKubeCluster, (*authpb.PaginatedResource).GetKubeCluster, keywords)
}
