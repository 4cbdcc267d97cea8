package demo

import (
	"net"
	"regexp"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
)

// switchboard connects clients of the proxy with what is behind it. Nothing behind it has a port of its own: all
// streams are pipes in memory.
type switchboard struct {
	cluster string
	profile profile
	nodes   []*node
	toAuth  func(net.Conn)
	group   *group
}

// uuidLike is what the proxy takes for the name of a node rather than of a host.
var uuidLike = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// connect opens a stream for a client at from. Nodes that the client may not see do not exist for it.
func (s *switchboard) connect(granted *access, t target, from net.Addr) (net.Conn, error) {
	if t.cluster != "" && t.cluster != s.cluster {
		return nil, refuse(notFound, "cluster %q is not found", t.cluster)
	}
	if t.host == "" {
		near, far := net.Pipe()
		s.toAuth(pipeEnd{far, from})
		return near, nil
	}
	node, err := s.find(granted, t.host)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	s.group.run(func() { _ = far.Close() }, func() {
		defer func() { _ = far.Close() }()
		node.serve(pipeEnd{far, from})
	})
	return near, nil
}

// find names a node by UUID or host name (SSH sheet, section 2). Nodes that are reached through a tunnel, as these
// are, have no address to match, and their ports do not matter.
func (s *switchboard) find(granted *access, host string) (*node, error) {
	for _, n := range s.nodes {
		if n.isCalled(host) && granted.seesNode(n.labels) {
			return n, nil
		}
	}
	if uuidLike.MatchString(host) {
		return nil, refuse(notFound, "unable to locate node matching UUID-like target %s", host)
	}
	if s.profile.dialsUnknownHosts() { // it would; but nothing leaves this computer
		return nil, refuse(notFound, "Teleport proxy failed to connect to \"node\" agent %q over direct dial", host)
	}
	return nil, refuse(notFound, "direct dialing to nodes not found in inventory is not supported")
}

// isCalled reports whether a name is the node's.
func (n *node) isCalled(name string) bool { return name == n.host.id || name == n.host.name }

// entries lists the inventory.
func (s *switchboard) entries() []entry {
	var all []entry
	for _, n := range s.nodes {
		server := &typespb.ServerV2{
			Kind:     "node",
			SubKind:  "teleport",
			Version:  "v2",
			Metadata: &typespb.Metadata{Name: n.host.id, Namespace: "default", Labels: n.labels},
			Spec:     &typespb.ServerSpecV2{Hostname: n.host.name, UseTunnel: true},
		}
		all = append(all, entry{
			kind: nodeKind, name: n.host.id, labels: n.labels,
			keys:     map[string]string{"name": n.host.id, "hostname": n.host.name, "address": ""},
			resource: &authpb.PaginatedResource{Resource: &authpb.PaginatedResource_Node{Node: server}},
		})
	}
	return all
}

// pipeEnd is the inner end of a stream; it knows where the client is.
type pipeEnd struct {
	net.Conn
	from net.Addr
}

// RemoteAddr implements net.Conn.
func (p pipeEnd) RemoteAddr() net.Addr { return p.from }
