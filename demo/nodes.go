package demo

import (
	"context"
	"fmt"
	osuser "os/user"
	"runtime"
)

// The SSH servers of the cluster. Both run on this machine, with one key but a name and an identity for each.
const (
	nodeName     = "demo-node"
	nodeProdName = "prod"
	fileProdID   = "prod-host-id"
)

// newNodes makes the SSH servers.
func (p *parts) newNodes(ctx context.Context, g *guard, public string) ([]*node, error) {
	id, err := p.dir.uuid(fileProdID)
	if err != nil {
		return nil, err
	}
	prod := *p.host
	prod.id, prod.name = id, nodeProdName
	var nodes []*node
	for _, n := range []struct {
		host *host
		env  string
	}{{p.host, envDev}, {&prod, envProd}} {
		made, err := p.newNode(ctx, g, public, n.host, n.env)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, made)
	}
	return nodes, nil
}

func (p *parts) newNode(ctx context.Context, g *guard, public string, h *host, env string) (*node, error) {
	server, err := p.newSSHServer("node", "Node", h, g)
	if err != nil {
		return nil, err
	}
	owner, err := p.owner()
	if err != nil {
		return nil, err
	}
	n := &node{
		sshServer: server,
		host:      h,
		labels:    map[string]string{"env": env, "os": runtime.GOOS},
		owner:     owner,
		proxy:     public,
		ctx:       ctx,
	}
	n.authorize = n.authorizeLogin
	return n, nil
}

func (p *parts) newSSHServer(service, role string, h *host, g *guard) (sshServer, error) {
	hostKey, err := p.cas.sshCertificate(h, role)
	if err != nil {
		return sshServer{}, err
	}
	return sshServer{
		service: service,
		profile: p.profile,
		hostKey: hostKey,
		users:   p.cas.user.ssh.PublicKey(),
		guard:   g,
		now:     p.config.Now,
		log:     p.config.Log,
	}, nil
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
