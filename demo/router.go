package demo

import (
	"crypto/tls"
	"encoding/hex"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// helloTimeout is how long a client may take for its first bytes and for a handshake (transport sheet, section 1).
const helloTimeout = 15 * time.Second

// router serves everything on one port. It chooses by ALPN in the client's order (transport sheet, section 3).
type router struct {
	cluster  string
	web      *tls.Config
	ssh      *tls.Config
	database *tls.Config
	kube     *tls.Config // nil where there are no Kubernetes clusters
	log      *slog.Logger

	// Where connections go.
	toWeb       func(net.Conn)  // TLS was terminated
	toSSH       func(net.Conn)  // TLS was terminated
	toDatabase  func(*tls.Conn) // TLS was terminated
	toKube      func(net.Conn)  // TLS was terminated
	toAuth      func(net.Conn)  // TLS untouched
	toTransport func(net.Conn)  // TLS untouched; nil where there is none
}

// serve routes one connection and returns when it was handed over or refused; a refused one is closed without an
// alert.
func (r *router) serve(c net.Conn) {
	if err := c.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		_ = c.Close()
		return
	}
	h, first, err := readHello(c)
	route := r.route(h)
	if err != nil || route == nil {
		r.log.Debug("no route", "sni", h.serverName, "alpn", h.protocols, "err", err)
		_ = c.Close()
		return
	}
	route(replay(c, first))
}

// kubePrefix begins the server name of whoever wants a Kubernetes cluster; the ALPN names play no part then
// (databases-kube-apps sheet, 4.1).
const kubePrefix = "kube-teleport-proxy-alpn."

// route returns the handler of the first name that has one, nil for none.
func (r *router) route(h hello) func(net.Conn) {
	if strings.HasPrefix(h.serverName, kubePrefix) {
		if r.kube == nil {
			return nil
		}
		return func(c net.Conn) { r.terminate(c, r.kube, r.toKube) }
	}
	for _, name := range h.protocols {
		switch {
		case name == wire.ALPNHTTP1 || name == wire.ALPNHTTP2:
			return func(c net.Conn) { r.terminate(c, r.web, r.toWeb) }
		case strings.TrimSuffix(name, wire.ALPNPing) == wire.DatabaseALPN(protocolPostgres):
			return func(c net.Conn) { r.terminate(c, r.database, func(c net.Conn) { _ = c.Close() }) }
		case name == wire.ALPNProxySSH:
			return func(c net.Conn) { r.terminate(c, r.ssh, r.toSSH) }
		case name == wire.ALPNProxySSHGRPC && r.toTransport != nil:
			return forward(r.toTransport)
		case strings.HasPrefix(name, wire.ALPNAuthPrefix):
			if cluster, ok := authCluster(name); !ok || cluster != r.cluster {
				return nil
			}
			return forward(r.toAuth)
		}
	}
	return nil
}

// authCluster reads the cluster's name out of "teleport-auth@HEX.teleport.cluster.local".
func authCluster(protocol string) (string, bool) {
	encoded, ok := strings.CutPrefix(protocol, wire.ALPNAuthPrefix)
	if !ok {
		return "", false
	}
	encoded, ok = strings.CutSuffix(encoded, wire.ClusterDomain)
	if !ok || encoded != strings.ToLower(encoded) {
		return "", false
	}
	name, err := hex.DecodeString(encoded)
	return string(name), err == nil && len(name) > 0
}

// forward hands a connection over with its TLS untouched: who gets it watches its own time.
func forward(to func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		if c.SetDeadline(time.Time{}) != nil {
			_ = c.Close()
			return
		}
		to(c)
	}
}

// terminate does the handshake and hands over what was in the TLS. Whoever shows a certificate for a database goes
// there, whatever the ALPN name was; without one there is no way in (transport sheet, section 3, step 7).
func (r *router) terminate(c net.Conn, config *tls.Config, to func(net.Conn)) {
	server := tls.Server(c, config)
	if err := server.Handshake(); err != nil || server.SetDeadline(time.Time{}) != nil {
		r.log.Debug("TLS handshake", "err", err)
		_ = c.Close()
		return
	}
	if forDatabase(server.ConnectionState()) {
		r.toDatabase(server)
		return
	}
	to(server)
}

// forDatabase reports whether a verified client certificate has the route of a database.
func forDatabase(state tls.ConnectionState) bool {
	if len(state.VerifiedChains) == 0 {
		return false
	}
	id, err := identityFromTLS(state.PeerCertificates[0])
	return err == nil && id.route.database.service != ""
}
