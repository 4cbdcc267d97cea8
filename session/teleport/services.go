package teleport

import (
	"cmp"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// Services says where the services of a proxy are that have ports of their own (transport sheet, section 1). The zero
// value is TLS routing: everything is behind the web port.
type Services struct {
	SSH      string `json:"ssh,omitempty"`      // "host:port"; empty with TLS routing
	Kube     string `json:"kube,omitempty"`     // empty where there is none, or with TLS routing
	Postgres string `json:"postgres,omitempty"` // empty where the web port serves it
}

// Separate reports whether the services have ports of their own.
func (s Services) Separate() bool { return s.SSH != "" }

// Ports of services that announce none (login sheet, 3.4).
const (
	sshPort  = "3023"
	kubePort = "3026"
)

// ServicesOf derives the addresses from what the proxy at web, "host:port", announces (login sheet, 3.4).
func ServicesOf(web string, proxy wire.PingProxy) Services {
	if proxy.TLSRoutingEnabled {
		return Services{}
	}
	host, port, err := net.SplitHostPort(web)
	if err != nil || host == "" {
		return Services{}
	}
	s := Services{
		SSH: cmp.Or(announced(proxy.SSH.SSHPublicAddr, sshPort), at(host, proxy.SSH.ListenAddr),
			net.JoinHostPort(host, sshPort)),
		Postgres: cmp.Or(announced(proxy.DB.PostgresPublicAddr, port), at(host, proxy.DB.PostgresListenAddr)),
	}
	if s.Postgres == web {
		s.Postgres = ""
	}
	if proxy.Kube.Enabled {
		s.Kube = cmp.Or(announced(proxy.Kube.PublicAddr, kubePort), reachable(proxy.Kube.ListenAddr),
			at(host, proxy.Kube.ListenAddr), net.JoinHostPort(host, kubePort))
	}
	return s
}

// announced is an address as clusters announce them, "host" or "host:port" with or without a scheme; empty when the
// text is none.
func announced(text, port string) string {
	text, _, _ = strings.Cut(withoutScheme(text), "/")
	if text == "" {
		return ""
	}
	if host, own, err := net.SplitHostPort(text); err == nil {
		return joined(host, cmp.Or(own, port))
	}
	return joined(strings.Trim(text, "[]"), port)
}

// at is the port of a listener on the host where the web port was reached; empty when there is no listener.
func at(host, listener string) string {
	_, port, err := net.SplitHostPort(withoutScheme(listener))
	if err != nil {
		return ""
	}
	return joined(host, port)
}

// reachable is a listener's own address, unless it listens on every address.
func reachable(listener string) string {
	host, port, err := net.SplitHostPort(withoutScheme(listener))
	if err != nil || host == "" {
		return ""
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		return ""
	}
	return joined(host, port)
}

func withoutScheme(text string) string {
	if _, rest, ok := strings.Cut(text, "://"); ok {
		return rest
	}
	return text
}

// joined is host:port, or nothing where one of them cannot be used.
func joined(host, port string) string {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
		return ""
	}
	address := net.JoinHostPort(host, port)
	if back, _, err := net.SplitHostPort(address); err != nil || back != host {
		return ""
	}
	return address
}
