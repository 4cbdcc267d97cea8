// Package teleport speaks the wire protocol of Teleport clusters as their client: web API, TLS routing, gRPC and SSH.
// It is stateless: no files, no prompts, no retries that a person would notice. Keys come in as a crypto.Signer.
package teleport

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// Terminal is the pseudo terminal that a session asks for (RFC 4254, 6.2). Sizes are in character cells.
type Terminal struct {
	Type string // "xterm-256color"
	Cols int
	Rows int
}

// Config says which proxy a Client speaks with.
type Config struct {
	Address string // "host:port" of the web port
	// Services are the addresses of the others; zero with TLS routing.
	Services Services
	Roots    *x509.CertPool // what the proxy's certificate may lead to; nil for the system's roots
	Version  string         // our version, for the user agent
	Now      func() time.Time
	// Patience may be zero.
	Patience Patience
}

// Client speaks with one proxy. It may be used from many goroutines.
type Client struct {
	address   string
	services  Services
	userAgent string
	patience  Patience
	http      *http.Client
}

// New makes a Client. It opens no connection yet.
func New(c Config) *Client {
	patience := c.Patience.orDefault()
	return &Client{
		patience:  patience,
		address:   c.Address,
		services:  c.Services,
		userAgent: "touchstone/" + c.Version,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, // transport sheet, section 9
				TLSClientConfig: &tls.Config{
					MinVersion: tls.VersionTLS12,
					RootCAs:    c.Roots,
					NextProtos: []string{wire.ALPNHTTP1},
					Time:       c.Now,
				},
				DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
					return patience.dialTCP(ctx, address)
				},
				TLSHandshakeTimeout: patience.Handshake,
				MaxIdleConns:        1,
				IdleConnTimeout:     patience.Call,
			},
			// The web API does not redirect. Following one would carry the password to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Address is the "host:port" of the web port.
func (c *Client) Address() string { return c.address }

// sshAddress is where SSH, and gRPC beside it, is served.
func (c *Client) sshAddress() string { return cmp.Or(c.services.SSH, c.address) }

// host is the web port's host.
func (c *Client) host() string {
	host, _, err := net.SplitHostPort(c.address)
	if err != nil {
		return c.address
	}
	return host
}

// Close ends idle connections. Close it once no call is running.
func (c *Client) Close() { c.http.CloseIdleConnections() }
