package demo

import (
	"slices"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
)

// kubeCluster is a Kubernetes cluster of the cluster.
type kubeCluster struct {
	name, about string
	labels      map[string]string
}

// kubeClusters is the proxy and the agent of Kubernetes clusters in one.
type kubeClusters struct {
	all     []*kubeCluster
	server  *Kubernetes // behind every one of them
	host    *host
	guard   *guard
	audit   *audit
	profile profile
}

// seedKubeClusters are two ways to the one API server, so that roles can tell them apart.
func seedKubeClusters() []*kubeCluster {
	return []*kubeCluster{
		{name: "kube", about: "A Kubernetes API server of the demo's own", labels: map[string]string{"env": "dev"}},
		{name: "kube-prod", about: "The same one, as if it were production", labels: map[string]string{"env": "prod"}},
	}
}

// kindKubeCluster is how clusters of version 12 list them (databases-kube-apps sheet, 4.4).
const kindKubeCluster = "kube_cluster"

// kind is the type of resource that they are listed as.
func (k *kubeClusters) kind() string {
	if k.profile.kubeServers() {
		return wire.KindKubeServer
	}
	return kindKubeCluster
}

// entries lists them.
func (k *kubeClusters) entries() []entry {
	var all []entry
	for _, one := range k.all {
		all = append(all, entry{
			kind: kubeKind, name: one.name, labels: one.labels,
			keys:     map[string]string{"name": one.name, "description": one.about},
			resource: k.resource(one),
		})
	}
	return all
}

func (k *kubeClusters) resource(one *kubeCluster) *authpb.PaginatedResource {
	cluster := &typespb.KubernetesClusterV3{
		Kind: kindKubeCluster, Version: "v3",
		Metadata: &typespb.Metadata{Name: one.name, Namespace: "default", Description: one.about, Labels: one.labels},
		Spec:     &typespb.KubernetesClusterSpecV3{},
	}
	if !k.profile.kubeServers() {
		return &authpb.PaginatedResource{Resource: &authpb.PaginatedResource_KubeCluster{KubeCluster: cluster}}
	}
	server := &typespb.KubernetesServerV3{
		Kind: wire.KindKubeServer, Version: "v3", Metadata: &typespb.Metadata{Name: one.name, Namespace: "default"},
		Spec: &typespb.KubernetesServerSpecV3{Hostname: k.host.name, HostId: k.host.id, Cluster: cluster},
	}
	return &authpb.PaginatedResource{Resource: &authpb.PaginatedResource_KubernetesServer{KubernetesServer: server}}
}

// find returns the cluster of that name, or nil.
func (k *kubeClusters) find(name string) *kubeCluster {
	at := slices.IndexFunc(k.all, func(one *kubeCluster) bool { return one.name == name })
	if at < 0 {
		return nil
	}
	return k.all[at]
}

// refuseKube is how a certificate for a cluster is refused that does not exist, as far as somebody may know.
func refuseKube(name string) error {
	return refuse(badParameter, "kubernetes cluster %q is not registered in this teleport cluster", name)
}

// check is what an issuer asks before it makes a certificate for the cluster of that name, if it has one. Who gets such
// a certificate comes soon, so the API server is started.
func (k *kubeClusters) check(granted *access, name string) (kubeNames, error) {
	if name == "" {
		return kubeNames{}, nil
	}
	one := k.find(name)
	if one == nil || !granted.sees(kubeKind, one.labels) {
		return kubeNames{}, refuseKube(name)
	}
	k.server.begin()
	return granted.kubeNames(one.labels), nil
}
