package teleport

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// RouteIdentity is a route certificate, its key bound to one purpose, and what the proxy is trusted by.
type RouteIdentity struct {
	Signer crypto.Signer
	TLS    *x509.Certificate
	Roots  *x509.CertPool // of the web certificate; nil for the system's roots
	// HostTLS and Cluster are as in Identity: all services but those behind the web certificate prove themselves by them.
	HostTLS []*x509.Certificate
	Cluster string
	Now     func() time.Time
}

// Service is what a route certificate leads to behind the proxy.
type Service struct {
	kind serviceKind
	alpn []string // that the client offers, in order
}

type serviceKind int

const (
	serviceApp serviceKind = iota
	serviceDatabase
	servicePostgres
	serviceKube
)

// AppService is an HTTP application.
func AppService() Service { return Service{alpn: []string{wire.ALPNHTTP1}} }

// DatabaseService is a database that speaks protocol, in ping framing where the proxy knows it (transport sheet,
// section 4).
func DatabaseService(protocol string) Service {
	name := wire.DatabaseALPN(protocol)
	s := Service{kind: serviceDatabase, alpn: []string{name + wire.ALPNPing, name}}
	if protocol == "postgres" || protocol == "cockroachdb" {
		s.kind = servicePostgres
	}
	return s
}

// KubeService is the API of a Kubernetes cluster. protocols are the versions of HTTP that the caller speaks, "h2" and
// "http/1.1", in the caller's order. The connection is a *tls.Conn, whose state says which one was agreed.
func KubeService(protocols ...string) Service { return Service{kind: serviceKube, alpn: protocols} }

// DialRoute opens a connection to the target that the certificate names, wherever the proxy has the service. Every
// connection costs a signature (databases sheet, section 1). In TLS 1.3 a refusal of the certificate comes only with
// the first read, as a closed connection.
func (c *Client) DialRoute(ctx context.Context, id RouteIdentity, to Service) (net.Conn, error) {
	err := fmt.Errorf("reaching the proxy's service: %w", ErrNoRoute)
	for _, end := range c.locate(id, to) {
		var conn net.Conn
		if conn, err = c.dialEnd(ctx, id, end); !errors.Is(err, ErrNoRoute) {
			return conn, err
		}
	}
	return nil, err
}

// dialEnd opens a connection. The error is ErrNoRoute where the service is not at this end.
func (c *Client) dialEnd(ctx context.Context, id RouteIdentity, end routeEnd) (net.Conn, error) {
	raw, err := c.patience.dialTCP(ctx, end.address)
	if err != nil {
		return nil, err
	}
	var conn *tls.Conn
	err = attend(ctx, raw, id.Signer, c.patience.Handshake, func(key *attendedSigner) error {
		if end.plain != nil {
			if err := end.plain(raw); err != nil {
				return err
			}
		}
		conn = tls.Client(raw, id.config(key, end))
		return sortTLS(end.name, conn.Handshake(), key)
	})
	if err != nil {
		return nil, fmt.Errorf("TLS handshake with %s: %w", end.address, err)
	}
	return end.speak(conn)
}

// speak gives a session the form of a plain connection to the service.
func (end routeEnd) speak(conn *tls.Conn) (net.Conn, error) {
	agreed := conn.ConnectionState().NegotiatedProtocol
	switch {
	case end.plain != nil:
		return newPostgresConn(conn), nil
	case end.agree && agreed == "": // a balancer before the proxy, which ends TLS and knows no routes
		_ = conn.Close()
		return nil, fmt.Errorf("TLS handshake with %s: nothing was agreed upon: %w", end.address, ErrNoRoute)
	case strings.HasSuffix(agreed, wire.ALPNPing):
		return &pingConn{Conn: conn}, nil
	default:
		return conn, nil
	}
}

// routeEnd is where and how a service is reached.
type routeEnd struct {
	address string
	name    string               // that the peer's certificate must have
	host    bool                 // the peer shows a host certificate; if not, the web certificate
	alpn    []string             // nil for none
	agree   bool                 // on one of alpn
	plain   func(net.Conn) error // what comes before TLS, or nil
}

// locate returns where a service may be, the best place first. All but Kubernetes are behind the web port in both
// layouts (transport sheet, section 1): only where its router cannot be reached PostgreSQL's own port, with its own
// request for TLS, is the way (databases sheet, 2.2). Kubernetes has a server name of its own with TLS routing, and a
// port of its own without (databases-kube-apps sheet, 4.1).
func (c *Client) locate(id RouteIdentity, to Service) []routeEnd {
	at := c.services
	web := routeEnd{address: c.address, name: c.host(), alpn: to.alpn, agree: to.kind != serviceApp}
	switch {
	case to.kind == serviceKube && !at.Separate():
		return []routeEnd{{address: c.address, name: kubeName(c.host()), host: true, alpn: to.alpn}}
	case to.kind == serviceKube && at.Kube == "":
		return nil
	case to.kind == serviceKube:
		return []routeEnd{{address: at.Kube, name: clusterName(id.Cluster), host: true, alpn: to.alpn}}
	case to.kind == servicePostgres && at.Postgres != "":
		return []routeEnd{web, {address: at.Postgres, name: clusterName(id.Cluster), host: true, plain: askPostgresTLS}}
	default:
		return []routeEnd{web}
	}
}

// config shows the route certificate and no other.
func (id *RouteIdentity) config(key crypto.Signer, end routeEnd) *tls.Config {
	roots := id.Roots
	if end.host {
		roots = poolOf(id.HostTLS)
	}
	own := &tls.Certificate{Certificate: [][]byte{id.TLS.Raw}, PrivateKey: key, Leaf: id.TLS}
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		ServerName:           end.name,
		RootCAs:              roots,
		NextProtos:           end.alpn,
		Time:                 id.Now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil },
	}
}

// kubePrefix begins the server names that lead to Kubernetes.
const kubePrefix = "kube-teleport-proxy-alpn."

// kubeName is the server name that leads to Kubernetes behind the web port of host. Addresses and "localhost" have no
// names below them (databases-kube-apps sheet, 4.1).
func kubeName(host string) string {
	if host == "" || host == "localhost" || net.ParseIP(host) != nil {
		return kubePrefix + strings.TrimPrefix(wire.ClusterDomain, ".")
	}
	return kubePrefix + host
}
