package demo

import (
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// tlsSettings is what all TLS servers of the cluster have in common.
type tlsSettings struct {
	users *x509.CertPool // the user authority
	now   func() time.Time
}

func (s *tlsSettings) base(cert tls.Certificate, ask tls.ClientAuthType, protocols ...string) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientCAs:    s.users,
		ClientAuth:   ask,
		NextProtos:   protocols,
		MinVersion:   tls.VersionTLS12,
		Time:         s.now,
	}
}

// web terminates HTTPS. "http/1.1" stands before "h2", which browsers need for websockets; a client certificate is
// optional and, when there is one, a user's (transport sheet, section 3).
func (s *tlsSettings) web(cert tls.Certificate) *tls.Config {
	return s.base(cert, tls.VerifyClientCertIfGiven, wire.ALPNHTTP1, wire.ALPNHTTP2)
}

// database terminates the TLS around PostgreSQL, with ping framing where the client knows it.
func (s *tlsSettings) database(cert tls.Certificate) *tls.Config {
	name := wire.DatabaseALPN(protocolPostgres)
	return s.base(cert, tls.VerifyClientCertIfGiven, name+wire.ALPNPing, name)
}

// kube terminates the TLS around Kubernetes requests, which nobody makes without a certificate (databases-kube-apps
// sheet, 4.1).
func (s *tlsSettings) kube(cert tls.Certificate) *tls.Config {
	return s.base(cert, tls.RequireAndVerifyClientCert, wire.ALPNHTTP2, wire.ALPNHTTP1)
}

// postgres is for the port that PostgreSQL's clients know: the host certificate, and a certificate from everyone.
func (s *tlsSettings) postgres(cert tls.Certificate) *tls.Config {
	return s.base(cert, tls.RequireAndVerifyClientCert)
}

// ssh terminates the TLS around SSH. It shows the host certificate, asks for none and, like the real thing,
// negotiates no ALPN name.
func (s *tlsSettings) ssh(cert tls.Certificate) *tls.Config {
	return s.base(cert, tls.NoClientCert)
}

// auth speaks h2 only and verifies a client certificate when there is one (transport sheet, 5.1).
func (s *tlsSettings) auth(cert tls.Certificate) *tls.Config {
	return s.base(cert, tls.VerifyClientCertIfGiven, wire.ALPNHTTP2)
}

// transport requires a user certificate (transport sheet, section 6).
func (s *tlsSettings) transport(cert tls.Certificate) *tls.Config {
	return s.base(cert, tls.RequireAndVerifyClientCert, wire.ALPNHTTP2, wire.ALPNProxySSHGRPC)
}
