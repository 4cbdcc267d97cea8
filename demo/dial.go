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
	node    *node
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
	near, far := net.Pipe()
	if t.host == "" {
		s.toAuth(pipeEnd{far, from})
		return near, nil
	}
	if err := s.find(granted, t.host); err != nil {
		return nil, err
	}
	s.group.run(func() { _ = far.Close() }, func() {
		defer func() { _ = far.Close() }()
		s.node.serve(pipeEnd{far, from})
	})
	return near, nil
}

// find names the node by UUID or host name (SSH sheet, section 2). A node that is reached through a tunnel, as this
// one is, has no address to match, and its port does not matter.
func (s *switchboard) find(granted *access, host string) error {
	seen := granted.seesNode(s.node.labels)
	switch {
	case seen && (host == s.node.host.id || host == s.node.host.name):
		return nil
	case uuidLike.MatchString(host):
		return refuse(notFound, "unable to locate node matching UUID-like target %s", host)
	default:
		return refuse(notFound, "direct dialing to nodes not found in inventory is not supported")
	}
}

// nodes lists the inventory.
func (s *switchboard) nodes() []entry {
	host := s.node.host
	server := &typespb.ServerV2{
		Kind:     "node",
		SubKind:  "teleport",
		Version:  "v2",
		Metadata: &typespb.Metadata{Name: host.id, Namespace: "default", Labels: s.node.labels},
		Spec:     &typespb.ServerSpecV2{Hostname: host.name, UseTunnel: true},
	}
	return []entry{{
		kind: nodeKind, name: host.id, labels: s.node.labels,
		keys:     map[string]string{"name": host.id, "hostname": host.name, "address": ""},
		resource: &authpb.PaginatedResource{Resource: &authpb.PaginatedResource_Node{Node: server}},
	}}
}

// pipeEnd is the inner end of a stream; it knows where the client is.
type pipeEnd struct {
	net.Conn
	from net.Addr
}

// RemoteAddr implements net.Conn.
func (p pipeEnd) RemoteAddr() net.Addr { return p.from }
