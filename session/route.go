package session

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire/attestationpb"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/session/localproxy"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// First major versions of what route certificates are asked for by (gRPC sheet, 5.1).
const (
	requesterSince = 13 // local proxies name themselves, so that certificates outlive the minute of single use
	statementSince = 14 // the attestation statement may be sent along
	splitKeysSince = 17 // keys for SSH and TLS are apart, and sessions with applications are made by the server
)

// routeRequest fills in what is the same for every target: who asks, with which key, until when.
func (l *link) routeRequest(r *authpb.UserCertsRequest) (*authpb.UserCertsRequest, error) {
	ring, major := l.ring, l.profile.major()
	r.Username, r.Format, r.RouteToCluster = ring.User, "standard", ring.Cluster
	r.Expires = timestamppb.New(ring.Expires)
	if major < requesterSince {
		r.RequesterName = authpb.UserCertsRequest_UNSPECIFIED
	}
	statement := attestationOf(ring.key)
	public, err := ssh.NewPublicKey(ring.key.Public())
	if err != nil {
		return nil, fmt.Errorf("encoding our key: %w", err)
	}
	switch {
	case major < splitKeysSince:
		r.PublicKey = ssh.MarshalAuthorizedKey(public)
		if major >= statementSince {
			r.AttestationStatement = statement
		}
	case r.Usage == authpb.UserCertsRequest_SSH:
		r.SshPublicKey, r.SshPublicKeyAttestationStatement = ssh.MarshalAuthorizedKey(public), statement
	default:
		der, err := x509.MarshalPKIXPublicKey(ring.key.Public())
		if err != nil {
			return nil, fmt.Errorf("encoding our key: %w", err)
		}
		r.TlsPublicKey = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		r.TlsPublicKeyAttestationStatement = statement
	}
	return r, nil
}

func attestationOf(key signingKey) *attestationpb.AttestationStatement {
	statement := key.attestation()
	if statement == nil || statement.YubiKey == nil {
		return nil
	}
	return &attestationpb.AttestationStatement{AttestationStatement: &attestationpb.AttestationStatement_YubikeyAttestationStatement{
		YubikeyAttestationStatement: &attestationpb.YubiKeyAttestationStatement{
			SlotCert: statement.YubiKey.SlotCert, AttestationCert: statement.YubiKey.AttestationCert,
		},
	}}
}

// routeCertificate asks for a certificate of one target, which r names, and before that for what the cluster wants to
// see of the person; what tells them what it is for. It is kept in memory only.
func (l *link) routeCertificate(ctx context.Context, auth *teleport.Auth, what string, r *authpb.UserCertsRequest) (*x509.Certificate, error) {
	certs, err := l.certificates(ctx, auth, what, r)
	if err != nil {
		return nil, err
	}
	return l.readRoute(certs)
}

// readRoute reads and checks a route certificate.
func (l *link) readRoute(certs *authpb.Certs) (*x509.Certificate, error) {
	cert, err := parsePEMCertificate(certs.GetTls())
	if err != nil {
		return nil, fmt.Errorf("reading the route certificate: %w", err)
	}
	return cert, l.checkRoute(cert)
}

// checkRoute refuses a certificate that is not for our key and user, or of no use any more.
func (l *link) checkRoute(cert *x509.Certificate) error {
	public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(l.ring.key.Public()) {
		return fmt.Errorf("route certificate: %w", errOtherKey)
	}
	if cert.Subject.CommonName != l.ring.User || !l.m.config.Now().Before(cert.NotAfter) {
		return fmt.Errorf("the route certificate is for %q until %v", cert.Subject.CommonName, cert.NotAfter)
	}
	return nil
}

// way is how to use a route certificate.
type way struct {
	what  string // for the key's prompts
	to    teleport.Service
	check func(ctx context.Context, auth *teleport.Auth) error // whether the target is still there
	name  string                                               // of the target
}

// route makes a route of a certificate: the link's key, address and trust.
func (l *link) route(clusterID string, cert *x509.Certificate, w way) localproxy.Route {
	return localproxy.Route{
		Expires: cert.NotAfter,
		Dial:    func(ctx context.Context) (net.Conn, error) { return l.dialRoute(ctx, cert, w) },
		Explain: func(ctx context.Context) error { return l.m.explain(ctx, clusterID, w) },
	}
}

// explain looks for the reason why the proxy closed a connection without a word. The user signs in again where the
// cluster demands a stricter key by now.
func (m *Manager) explain(ctx context.Context, clusterID string, w way) error {
	var name string
	err := m.withLiveSession(ctx, clusterID, func(p profile, link *link) error {
		name = p.name()
		if err := link.withAuth(ctx, w.what, func(auth *teleport.Auth) error { return w.check(ctx, auth) }); err != nil {
			return useFault(p, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return fault.New(fmt.Sprintf("%s closed the connection to %s without a reason.", name, w.name),
		"Try again; if it stays, ask whoever looks after the cluster.")
}

// dialRoute opens one connection with a route certificate.
func (l *link) dialRoute(ctx context.Context, cert *x509.Certificate, w way) (net.Conn, error) {
	roots, err := l.profile.roots()
	if err == nil {
		err = l.warmUp(ctx, w.what)
	}
	var conn net.Conn
	if err == nil {
		conn, err = l.client.DialRoute(ctx, teleport.RouteIdentity{
			Signer: l.ring.key.For(ctx, l.m.purpose(l.profile, w.what)), TLS: cert, Roots: roots,
			HostTLS: l.ring.hostTLS, Cluster: l.ring.Cluster, Now: l.m.config.Now,
		}, w.to)
	}
	if err != nil {
		return nil, useFault(l.profile, err)
	}
	return conn, nil
}
