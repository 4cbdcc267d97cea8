package demo

import (
	"context"
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

// assemble builds the servers and the router that feeds them.
func (c *Cluster) assemble(ctx context.Context, p *parts) (*router, error) {
	addr := c.listener.Addr()
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return nil, fmt.Errorf("reading the address of the listener: %w", err)
	}
	public := net.JoinHostPort("localhost", port)
	toWeb, toAuth, toTransport := newHandover(addr), newHandover(addr), newHandover(addr)
	g := &guard{resources: p.resources, audit: p.audit}

	node, err := p.newNode(ctx, g, public)
	if err != nil {
		return nil, err
	}
	board := &switchboard{cluster: p.config.ClusterName, node: node, toAuth: toAuth.give, group: &c.group}
	proxy, err := p.newSSHProxy(g, board)
	if err != nil {
		return nil, err
	}
	c.servers, err = p.servers(g, board, &c.group, public, toWeb, toAuth, toTransport)
	if err != nil {
		return nil, err
	}
	c.description = p.describe(public)
	return p.newRouter(toWeb, toAuth, toTransport, proxy)
}

func (p *parts) newSSHServer(service string, role string, g *guard) (sshServer, error) {
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

func (p *parts) newSSHProxy(g *guard, board *switchboard) (*sshProxy, error) {
	server, err := p.newSSHServer("proxy", "Proxy", g)
	return &sshProxy{sshServer: server, switchboard: board}, err
}

// servers makes the web server and the two gRPC servers.
func (p *parts) servers(g *guard, board *switchboard, owner *group, public string,
	toWeb, toAuth, toTransport *handover) ([]server, error) {

	now := p.config.Now
	users := p.cas.user.pool()
	authCert, err := p.cas.tlsCertificate(p.host, "Auth", now())
	if err != nil {
		return nil, err
	}
	proxyCert, err := p.cas.tlsCertificate(p.host, "Proxy", now())
	if err != nil {
		return nil, err
	}
	web := &webAPI{issuer: p.issuer(), addr: public, listen: toWeb.Addr().String(), log: p.config.Log}
	auth := &authService{cluster: p.config.ClusterName, addr: public, nodes: board.nodes}
	transport := &transportService{switchboard: board, group: owner}
	return []server{
		httpServer(toWeb, web.handler(), p.config.Log),
		grpcServer(toAuth, newAuthServer(auth, g, authCert, users, now)),
		grpcServer(toTransport, newTransportServer(transport, g, proxyCert, users, now)),
	}, nil
}

func (p *parts) newRouter(toWeb, toAuth, toTransport *handover, proxy *sshProxy) (*router, error) {
	now := p.config.Now
	webCert, err := p.cas.webCertificate(now())
	if err != nil {
		return nil, err
	}
	proxyCert, err := p.cas.tlsCertificate(p.host, "Proxy", now())
	if err != nil {
		return nil, err
	}
	return &router{
		cluster:     p.config.ClusterName,
		web:         webTLS(webCert, p.cas.user.pool(), now),
		ssh:         sshTLS(proxyCert, now),
		log:         p.config.Log,
		toWeb:       toWeb.give,
		toSSH:       proxy.serve,
		toAuth:      toAuth.give,
		toTransport: toTransport.give,
	}, nil
}
