package demo

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// parts is what the state folder holds, opened.
type parts struct {
	config    *Config
	profile   profile
	layout    Listeners
	dir       stateDir
	host      *host
	cas       *authorities
	resources *resources
	plain     map[string]string // passwords by user, for the description only
	passwords *passwords
	devices   *mfaDevices
	attested  *attestedKeys
	audit     *audit
}

// openParts reads the state folder, or fills it at the first start.
func openParts(dir stateDir, config *Config) (*parts, error) {
	version, err := versionProfile(config.VersionProfile)
	if err != nil {
		return nil, err
	}
	layout, err := config.Listeners.orDefault(version)
	if err != nil {
		return nil, err
	}
	p := &parts{config: config, profile: version, layout: layout, dir: dir}
	if err := p.openHost(); err != nil {
		return nil, err
	}
	if err := dir.seed(); err != nil {
		return nil, fmt.Errorf("writing the first users and roles: %w", err)
	}
	if p.resources, err = openResources(dir.path(dirResources), p.profile, config.Log); err != nil {
		return nil, err
	}
	if p.plain, p.passwords, err = dir.openCredentials(p.resources.catalog()); err != nil {
		return nil, err
	}
	if p.devices, err = dir.openMFADevices(p.resources.catalog()); err != nil {
		return nil, err
	}
	if p.attested, err = dir.openAttestedKeys(); err != nil {
		return nil, err
	}
	p.audit, err = openAudit(dir.path(fileAudit), config.Now, config.Log)
	return p, err
}

func (p *parts) openHost() error {
	id, err := p.dir.hostID()
	if err != nil {
		return err
	}
	if p.cas, err = p.dir.openAuthorities(p.config.ClusterName, p.config.Now()); err != nil {
		return err
	}
	key, err := p.dir.openKey("host-key.pem", newRSAKey)
	if err != nil {
		return err
	}
	p.host = &host{id: id, name: nodeName, cluster: p.config.ClusterName, key: key}
	return nil
}

// doors are where the router hands connections over.
type doors struct{ web, auth, transport, kube *handover }

// assembly is what the servers are built from.
type assembly struct {
	*parts
	public   string // host:port as clients reach the proxy
	ports    *ports
	to       doors
	guard    *guard
	board    *switchboard
	settings *tlsSettings
	certs    *serverCertificates
	issuer   *issuer
	dbs      *databases
	apps     *applications
	kube     *kubeClusters
	router   *router
	separate *separatePorts
}

// assemble builds the servers.
func (c *Cluster) assemble(ctx context.Context, p *parts) (*assembly, error) {
	addr := c.ports.web.Addr()
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return nil, fmt.Errorf("reading the address of the listener: %w", err)
	}
	a := &assembly{
		parts:    p,
		public:   net.JoinHostPort(publicHost, port),
		ports:    c.ports,
		to:       doors{newHandover(addr), newHandover(addr), newHandover(addr), newHandover(addr)},
		guard:    &guard{resources: p.resources, audit: p.audit},
		settings: &tlsSettings{users: p.cas.user.pool(), now: p.config.Now},
	}
	if a.certs, err = p.certificates(); err != nil {
		return nil, err
	}
	nodes, err := p.newNodes(ctx, a.guard, a.public)
	if err != nil {
		return nil, err
	}
	if err := a.openTargets(ctx, &c.group); err != nil {
		return nil, err
	}
	c.factors = a.issuer.factors
	a.board = &switchboard{cluster: p.config.ClusterName, profile: p.profile, nodes: nodes, toAuth: a.to.auth.give, group: &c.group}
	c.servers = a.servers(&c.group)
	c.description = a.describe()
	return a, a.openDoors()
}

func (a *assembly) servers(owner *group) []server {
	web := &webAPI{profile: a.profile, issuer: a.issuer, addr: a.public, ports: a.ports, log: a.config.Log}
	auth := &authService{profile: a.profile, cluster: a.config.ClusterName, addr: a.public, issuer: a.issuer, apps: a.apps,
		inventory: map[string]func() []entry{
			wire.KindNode:           a.board.entries,
			wire.KindDatabaseServer: a.dbs.entries,
			wire.KindAppServer:      a.apps.entries,
			a.kube.kind():           a.kube.entries,
		}}
	servers := []server{
		httpServer(a.to.web, a.apps.orElse(web.handler()), a.config.Log),
		kubeHTTPServer(a.to.kube, &kubeForwarder{kubeClusters: a.kube, owner: owner, log: a.config.Log}),
		grpcServer(a.to.auth, newAuthServer(auth, a.guard, a.settings.auth(a.certs.auth))),
	}
	if !a.profile.transportService() {
		return servers
	}
	transport := &transportService{switchboard: a.board, group: owner}
	return append(servers,
		grpcServer(a.to.transport, newTransportServer(transport, a.guard, a.settings.transport(a.certs.proxy))))
}

// openDoors makes what feeds the servers: the router of the web port, and the ways in by ports of their own.
func (a *assembly) openDoors() error {
	ssh, err := a.newSSHServer("proxy", "Proxy", a.host, a.guard)
	if err != nil {
		return err
	}
	toSSH := (&sshProxy{sshServer: ssh, switchboard: a.board}).serve
	r := &router{
		cluster:    a.config.ClusterName,
		web:        a.settings.web(a.certs.web),
		ssh:        a.settings.ssh(a.certs.proxy),
		database:   a.settings.database(a.certs.web),
		log:        a.config.Log,
		toWeb:      a.to.web.give,
		toSSH:      toSSH,
		toDatabase: a.dbs.serve,
		toAuth:     a.to.auth.give,
	}
	s := &separatePorts{postgres: a.settings.postgres(a.certs.proxy), log: a.config.Log, toSSH: toSSH, toDatabase: a.dbs.servePort}
	if a.profile.transportService() {
		r.toTransport, s.toTransport = a.to.transport.give, a.to.transport.give
	}
	if len(a.kube.all) > 0 {
		r.kube, r.toKube = a.settings.kube(a.certs.proxy), a.to.kube.give
		s.kube, s.toKube = r.kube, r.toKube
	}
	a.router, a.separate = r, s
	return nil
}

// serverCertificates are made anew at every start; clients trust their authorities.
type serverCertificates struct{ web, auth, proxy tls.Certificate }

func (p *parts) certificates() (*serverCertificates, error) {
	now := p.config.Now()
	var c serverCertificates
	var err error
	if c.web, err = p.cas.webCertificate(now); err != nil {
		return nil, err
	}
	if c.auth, err = p.cas.tlsCertificate(p.host, "Auth", now); err != nil {
		return nil, err
	}
	c.proxy, err = p.cas.tlsCertificate(p.host, "Proxy", now)
	return &c, err
}
