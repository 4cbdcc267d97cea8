package demo

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	osuser "os/user"
	"runtime"
)

// parts is what the state folder holds, opened.
type parts struct {
	config    *Config
	dir       stateDir
	host      *host
	cas       *authorities
	resources *resources
	plain     map[string]string // passwords by user, for the description only
	passwords *passwords
	attested  *attestedKeys
	audit     *audit
}

// openParts reads the state folder, or fills it at the first start.
func openParts(dir stateDir, config *Config) (*parts, error) {
	p := &parts{config: config, dir: dir}
	if err := p.openHost(); err != nil {
		return nil, err
	}
	if err := dir.seed(); err != nil {
		return nil, fmt.Errorf("writing the first users and roles: %w", err)
	}
	var err error
	if p.resources, err = openResources(dir.path(dirResources), config.Log); err != nil {
		return nil, err
	}
	if p.plain, p.passwords, err = dir.openCredentials(p.resources.catalog()); err != nil {
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

func (p *parts) issuer() *issuer {
	return &issuer{
		cluster:   p.config.ClusterName,
		cas:       p.cas,
		resources: p.resources,
		passwords: p.passwords,
		attested:  p.attested,
		roots:     p.config.AttestationRoots,
		audit:     p.audit,
		now:       p.config.Now,
		log:       p.config.Log,
	}
}

// doors are where the router hands connections over.
type doors struct{ web, auth, transport *handover }

// assemble builds the servers and the router that feeds them.
func (c *Cluster) assemble(ctx context.Context, p *parts) (*router, error) {
	addr := c.listener.Addr()
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return nil, fmt.Errorf("reading the address of the listener: %w", err)
	}
	public := net.JoinHostPort("localhost", port)
	to := doors{newHandover(addr), newHandover(addr), newHandover(addr)}
	g := &guard{resources: p.resources, audit: p.audit}

	node, err := p.newNode(ctx, g, public)
	if err != nil {
		return nil, err
	}
	board := &switchboard{cluster: p.config.ClusterName, node: node, toAuth: to.auth.give, group: &c.group}
	proxyHost, err := p.newSSHServer("proxy", "Proxy", g)
	if err != nil {
		return nil, err
	}
	certs, err := p.certificates()
	if err != nil {
		return nil, err
	}
	web := &webAPI{issuer: p.issuer(), addr: public, listen: addr.String(), log: p.config.Log}
	auth := &authService{cluster: p.config.ClusterName, addr: public, nodes: board.nodes}
	transport := &transportService{switchboard: board, group: &c.group}
	settings := &tlsSettings{users: p.cas.user.pool(), now: p.config.Now}
	c.servers = []server{
		httpServer(to.web, web.handler(), p.config.Log),
		grpcServer(to.auth, newAuthServer(auth, g, settings.auth(certs.auth))),
		grpcServer(to.transport, newTransportServer(transport, g, settings.transport(certs.proxy))),
	}
	c.description = p.describe(public)
	return &router{
		cluster:     p.config.ClusterName,
		web:         settings.web(certs.web),
		ssh:         settings.ssh(certs.proxy),
		log:         p.config.Log,
		toWeb:       to.web.give,
		toSSH:       (&sshProxy{sshServer: proxyHost, switchboard: board}).serve,
		toAuth:      to.auth.give,
		toTransport: to.transport.give,
	}, nil
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

func (p *parts) newSSHServer(service, role string, g *guard) (sshServer, error) {
	hostKey, err := p.cas.sshCertificate(p.host, role)
	if err != nil {
		return sshServer{}, err
	}
	return sshServer{
		service: service,
		hostKey: hostKey,
		users:   p.cas.user.ssh.PublicKey(),
		guard:   g,
		now:     p.config.Now,
		log:     p.config.Log,
	}, nil
}

func (p *parts) newNode(ctx context.Context, g *guard, public string) (*node, error) {
	server, err := p.newSSHServer("node", "Node", g)
	if err != nil {
		return nil, err
	}
	owner, err := p.owner()
	if err != nil {
		return nil, err
	}
	n := &node{
		sshServer: server,
		host:      p.host,
		labels:    map[string]string{"env": "dev", "os": runtime.GOOS},
		owner:     owner,
		proxy:     public,
		ctx:       ctx,
	}
	n.authorize = n.authorizeLogin
	return n, nil
}

// plainPath is where programs are found when the configuration gives no environment.
const plainPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func (p *parts) owner() (account, error) {
	current, err := osuser.Current()
	if err != nil {
		return account{}, fmt.Errorf("finding out who starts the demo: %w", err)
	}
	a := account{name: current.Username, home: current.HomeDir, shell: p.config.Shell, env: p.config.Env}
	if len(a.env) == 0 {
		a.env = []string{plainPath}
	}
	return a, nil
}
