package demo

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Listeners is how the proxy's services are spread over ports.
type Listeners string

// The two layouts (transport sheet, section 1).
const (
	// ListenersMultiplex has everything on the web port, chosen by ALPN and SNI.
	ListenersMultiplex Listeners = "multiplex"
	// ListenersSeparate gives SSH, Kubernetes and PostgreSQL ports of their own. The web port goes on to route by ALPN,
	// as those of real proxies do, but does not announce it.
	ListenersSeparate Listeners = "separate"
)

// orDefault is what clusters of that version have when nothing else was configured.
func (l Listeners) orDefault(p profile) (Listeners, error) {
	switch l {
	case ListenersMultiplex, ListenersSeparate:
		return l, nil
	case "":
		if p == version12 {
			return ListenersSeparate, nil
		}
		return ListenersMultiplex, nil
	default:
		return "", fmt.Errorf("there are no listeners %q, only %q and %q", l, ListenersMultiplex, ListenersSeparate)
	}
}

// ports are where the proxy listens.
type ports struct {
	web                 net.Listener
	ssh, kube, postgres net.Listener // nil where the web port has them
}

// openPorts opens the ports of a layout; the web port is at addr, or where it was at the last start.
func (d stateDir) openPorts(layout Listeners, addr string) (*ports, error) {
	web, err := d.listen(filePort, addr)
	if err != nil || layout == ListenersMultiplex {
		return &ports{web: web}, err
	}
	p := &ports{web: web}
	for _, one := range []struct {
		file string
		to   *net.Listener
	}{{fileSSHPort, &p.ssh}, {fileKubePort, &p.kube}, {filePostgresPort, &p.postgres}} {
		if *one.to, err = d.listen(one.file, ""); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	return p, nil
}

// separate reports whether services have ports of their own.
func (p *ports) separate() bool { return p.ssh != nil }

func (p *ports) close() error {
	var errs []error
	for _, l := range []net.Listener{p.web, p.ssh, p.kube, p.postgres} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// listen opens a port: the one asked for, or the one of the last start, which file remembers, or any.
func (d stateDir) listen(file, addr string) (net.Listener, error) {
	if addr != "" {
		return listenLoopback(addr)
	}
	remembered, err := d.read(file)
	if err != nil {
		return nil, fmt.Errorf("reading the port of the last start: %w", err)
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(remembered)), 10, 16)
	if err != nil {
		port = 0
	}
	listener, err := listenLoopback(fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil && port != 0 { // somebody else has it by now
		listener, err = listenLoopback("127.0.0.1:0")
	}
	if err != nil {
		return nil, err
	}
	_, text, _ := net.SplitHostPort(listener.Addr().String())
	if err := d.write(file, []byte(text+"\n")); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

func listenLoopback(addr string) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("listening on %s: the demo cluster stays on loopback", addr)
	}
	listener, err := net.ListenTCP("tcp", resolved)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return listener, nil
}
