package session

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// profile is what is remembered of a cluster besides certificates.
type profile struct {
	Proxy   string `json:"proxy"`   // "host:port" of the web port
	Cluster string `json:"cluster"` // what the cluster calls itself
	Version string `json:"version"` // the cluster's server version when it was last reached
	// Services are the addresses of what is not behind the web port.
	Services teleport.Services `json:"services,omitzero"`
	User     string            `json:"user,omitempty"`
	// Policy is the strictest private key policy that the cluster demanded of User, so that the next sign-in starts
	// with the right key (login sheet, 8.1).
	Policy string `json:"private_key_policy,omitempty"`
	Slot   string `json:"piv_slot,omitempty"` // chosen by the person; empty for the cluster's choice
	// SlotFrom is why the key of the present certificates is in its slot.
	SlotFrom SlotSource `json:"piv_slot_from,omitempty"`
	// ProxyCA holds PEM certificates that the person trusts for this proxy besides the system's roots.
	ProxyCA string `json:"proxy_ca,omitempty"`
}

// id is the profile's name: the host of the proxy.
func (p profile) id() string {
	host, _, _ := net.SplitHostPort(p.Proxy)
	return strings.ToLower(host)
}

// name is what people call the cluster.
func (p profile) name() string {
	if p.Cluster == "" {
		return p.id()
	}
	return p.Cluster
}

// origin is the proxy as security keys know it (login sheet, 5.3), without the port of HTTPS (RFC 6454, 6.1).
func (p profile) origin() string { return "https://" + strings.TrimSuffix(p.Proxy, ":"+webPortHTTPS) }

// major is the first number of the cluster's version; zero when it is not known.
func (p profile) major() int {
	text, _, _ := strings.Cut(strings.TrimPrefix(p.Version, "v"), ".")
	major, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return major
}

// learn takes over what the proxy said of itself when it was reached at p.Proxy.
func (p *profile) learn(ping *wire.Ping) {
	p.Cluster, p.Version = ping.ClusterName, ping.ServerVersion
	p.Services = teleport.ServicesOf(p.Proxy, ping.Proxy)
}

// roots is what the proxy's certificate may lead to; nil for the system's roots.
func (p profile) roots() (*x509.CertPool, error) {
	if p.ProxyCA == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // no system roots to add to
	}
	if !pool.AppendCertsFromPEM([]byte(p.ProxyCA)) {
		return nil, errors.New("no certificate in the remembered file")
	}
	return pool, nil
}

// Web ports of proxies (login sheet, section 2).
const (
	webPort      = "3080"
	webPortHTTPS = "443"
)

// parseAddress reads what people type or paste for a proxy: "host", "host:port", "host:port,sshport" or an https URL.
// It returns the addresses to try in order: one, or two where no port was given.
func parseAddress(text string) ([]string, error) {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "https://"); ok {
		text, _, _ = strings.Cut(rest, "/")
	}
	text, _, _ = strings.Cut(text, ",") // the port of SSH is not needed: everything goes through the web port
	host, port, err := splitAddress(text)
	if err != nil {
		return nil, err
	}
	if port != "" {
		return []string{net.JoinHostPort(host, port)}, nil
	}
	return []string{net.JoinHostPort(host, webPort), net.JoinHostPort(host, webPortHTTPS)}, nil
}

func splitAddress(text string) (host, port string, err error) {
	host = strings.Trim(text, "[]")
	if net.ParseIP(host) == nil && strings.Contains(text, ":") {
		if host, port, err = net.SplitHostPort(text); err != nil {
			return "", "", fmt.Errorf("reading an address: %w", err)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", "", fmt.Errorf("reading an address: %q is not a port", port)
		}
	}
	if !validHost(host) {
		return "", "", fmt.Errorf("reading an address: %q is not a host name", host)
	}
	return host, port, nil
}

// validHost accepts IP addresses and names made of letters, digits, hyphens, underscores and dots. The host names a
// folder, so nothing else may pass.
func validHost(host string) bool {
	if net.ParseIP(host) != nil {
		return true
	}
	if host == "" || len(host) > 253 || strings.HasPrefix(host, ".") || strings.HasPrefix(host, "-") {
		return false
	}
	return strings.IndexFunc(host, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
	}) < 0
}

// publicAddress reads an address that a cluster announces: "host:port" or "host", with or without a scheme. It is
// empty when the text is none.
func publicAddress(text string) string {
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	host, port, err := splitAddress(text)
	if err != nil {
		return ""
	}
	if port == "" {
		port = webPort
	}
	return net.JoinHostPort(host, port)
}
