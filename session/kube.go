package session

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/session/localproxy"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// First major versions of what Kubernetes clusters are asked for by.
const (
	kubeServersSince   = 13 // they are listed by agent (kube sheet, 4.4)
	kubeRequesterSince = 14 // local proxies name themselves (gRPC sheet, 5.1)
)

// KubeRef says which Kubernetes cluster to open.
type KubeRef struct {
	Cluster string // Cluster.ID
	Name    string
	Port    int // on this computer; zero for the one of the last time, or any
}

// OpenKube opens a local proxy to a Kubernetes cluster, or returns the one that is open already. It may ask for a touch
// to find the cluster; what the certificate needs is asked for when the first tool asks for something. Tools need the
// kubeconfig that ProxyInfo names, which is there until the proxy is stopped.
func (m *Manager) OpenKube(ctx context.Context, ref KubeRef) (ProxyID, error) {
	kube, err := findTarget(m, ref.Cluster, "Kubernetes cluster", ref.Name, (*cluster).kubeList,
		func(k KubeCluster) string { return k.Name }, func() ([]KubeCluster, error) { return m.KubeClusters(ctx, ref.Cluster) })
	if err != nil {
		return 0, err
	}
	p, _, err := m.signedIn(ref.Cluster)
	if err != nil {
		return 0, err
	}
	return m.openProxy(opening{
		port:   ref.Port,
		source: &kubeSource{m: m, cluster: ref.Cluster, name: kube.Name},
		kube:   &localproxy.Kube{Context: p.name() + "-" + kube.Name, Host: p.Proxy},
		info:   ProxyInfo{Cluster: ref.Cluster, Kind: ProxyKube, Name: kube.Name, Protocol: "kubernetes"},
	})
}

// kubeSource issues the certificates of one local proxy.
type kubeSource struct {
	m       *Manager
	cluster string
	name    string
}

// HTTP as it is negotiated: requests share a connection in the newer form, and only the older one can change protocols
// (kube sheet, 4.1).
var (
	kubeService        = teleport.KubeService("h2", "http/1.1")
	kubeUpgradeService = teleport.KubeService("http/1.1")
)

// Issue implements localproxy.CertSource.
func (s *kubeSource) Issue(ctx context.Context) (route localproxy.Route, err error) {
	w := way{what: "Connect to Kubernetes cluster " + s.name, name: s.name, to: kubeService, check: s.check}
	err = s.m.withLiveSession(ctx, s.cluster, func(p profile, link *link) error {
		var cert *x509.Certificate
		err := link.withAuth(ctx, w.what, func(auth *teleport.Auth) (err error) {
			cert, err = link.routeCertificate(ctx, auth, w.what, s.request(p))
			return err
		})
		if err != nil {
			return useFault(p, err)
		}
		route = link.route(s.cluster, cert, w)
		route.Lasts = connectionEnd(cert)
		upgrade := w
		upgrade.to = kubeUpgradeService
		route.Upgrade = func(ctx context.Context) (net.Conn, error) { return link.dialRoute(ctx, cert, upgrade) }
		return nil
	})
	return route, err
}

// connectionEnd is how long a connection may last that was opened with a certificate: as long as the sign-in behind it
// where it was issued for one use (certificates sheet, 2.3; kube sheet, section 1), else as long as itself.
func connectionEnd(cert *x509.Certificate) time.Time {
	end, err := time.Parse(time.RFC3339, attribute(cert, wire.OIDPreviousExpiry))
	if err != nil {
		return cert.NotAfter
	}
	return end
}

// request is for a certificate that only leads to this cluster.
func (s *kubeSource) request(p profile) *authpb.UserCertsRequest {
	r := &authpb.UserCertsRequest{Usage: authpb.UserCertsRequest_Kubernetes, KubernetesCluster: s.name}
	if p.major() >= kubeRequesterSince {
		r.RequesterName = authpb.UserCertsRequest_TSH_KUBE_LOCAL_PROXY
	}
	return r
}

// check finds out whether the cluster is still there.
func (s *kubeSource) check(ctx context.Context, auth *teleport.Auth) error {
	p, _, err := s.m.signedIn(s.cluster)
	if err != nil {
		return err
	}
	found, err := listKubes(ctx, p, auth, s.name)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(found, func(k KubeCluster) bool { return k.Name == s.name }) {
		return nil
	}
	return fault.New(fmt.Sprintf("The Kubernetes cluster %s is not there any more, or you may not see it any more.", s.name),
		"Refresh the list of Kubernetes clusters.")
}

// kubeconfigPath is where the kubeconfig of an open proxy is:
//
//	clusters/<host of the proxy>/kube/<name>-<port>  for as long as the proxy is open
//
// It is a file of its own: the person's are never touched. With the port in its name it is the same each time, and
// never that of another Touchstone that is running.
func (s store) kubeconfigPath(clusterID, name string, port int) string {
	return filepath.Join(s.dir(clusterID), "kube", fmt.Sprintf("%s-%d", url.PathEscape(name), port))
}

// saveKubeconfig writes the kubeconfig of a proxy. It holds a token, so it is for this account only.
func (s store) saveKubeconfig(path string, content []byte) error {
	if err := replaceFile(path, content); err != nil {
		return fault.Wrap(err, fmt.Sprintf("The file %s could not be written.", path),
			"Make sure that the disk is not full and that the folder is yours, then try again.")
	}
	return nil
}

// removeKubeconfig takes the kubeconfig of a stopped proxy away. One that stays behind leads nowhere.
func (m *Manager) removeKubeconfig(path string) {
	if err := os.Remove(path); err != nil {
		m.config.Log.Warn("a kubeconfig was left behind", "path", path, "error", err)
	}
}
