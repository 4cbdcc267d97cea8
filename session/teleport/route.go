package teleport

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
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
	Now    func() time.Time
}

// DialRoute opens a connection to the target that the certificate names, by one of the ALPN names in the order given.
// Every connection costs a signature (databases sheet, section 1). In TLS 1.3 a refusal of the certificate comes only
// with the first read, as a closed connection.
func (c *Client) DialRoute(ctx context.Context, id RouteIdentity, alpn []string) (net.Conn, error) {
	raw, err := c.patience.dialTCP(ctx, c.address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", c.address, err)
	}
	host, _, err := net.SplitHostPort(c.address)
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("connecting to %s: %w", c.address, err)
	}
	var conn *tls.Conn
	err = attend(ctx, raw, id.Signer, c.patience.Handshake, func(key *attendedSigner) error {
		conn = tls.Client(raw, id.tlsConfig(key, host, alpn))
		return sortTLS(host, conn.Handshake(), key)
	})
	if err != nil {
		return nil, fmt.Errorf("TLS handshake with %s for %s: %w", c.address, alpn[0], err)
	}
	if strings.HasSuffix(conn.ConnectionState().NegotiatedProtocol, wire.ALPNPing) {
		return &pingConn{Conn: conn}, nil
	}
	return conn, nil
}

// tlsConfig is for the proxy's web certificate. The route certificate is the only one we show.
func (id *RouteIdentity) tlsConfig(key crypto.Signer, host string, alpn []string) *tls.Config {
	own := &tls.Certificate{Certificate: [][]byte{id.TLS.Raw}, PrivateKey: key, Leaf: id.TLS}
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		ServerName:           host,
		RootCAs:              id.Roots,
		NextProtos:           alpn,
		Time:                 id.Now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil },
	}
}
