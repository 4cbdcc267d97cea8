package localproxy

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// kubeConns are the connections to one Kubernetes cluster. Each costs a signature, so as a rule there is one, and it
// carries all requests that come while its certificate is good.
type kubeConns struct {
	certs *certs
	host  string // "host:port", for requests
	life  context.Context
	owner *sync.WaitGroup

	mu      sync.Mutex
	open    []*kubeConn  // guarded by mu
	opening *kubeOpening // nil when none runs; guarded by mu
}

// kubeConn is one connection and the route that it was opened by.
type kubeConn struct {
	*http.ClientConn
	route    *Route
	answered atomic.Bool // set with the first response
}

// kubeOpening is one connection that is being opened.
type kubeOpening struct {
	done    chan struct{} // closed when the two below are set
	err     error
	refused bool // the certificate was of no use
}

// reserve returns a connection that one more request may be sent on. The caller must use it for one, or release it.
// stale says that the next try will be made with another certificate.
func (c *kubeConns) reserve(ctx context.Context) (conn *kubeConn, stale bool, err error) {
	if conn, _ := c.lasting(); conn != nil && conn.Reserve() == nil {
		return conn, false, nil
	}
	for {
		route, err := c.certs.current(ctx)
		if err != nil {
			return nil, false, err
		}
		conn, opening := c.look(route)
		if conn != nil {
			return conn, false, nil
		}
		select {
		case <-opening.done:
			if opening.err != nil {
				return nil, opening.refused, opening.err
			}
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		}
	}
}

// lasting returns a connection that may go on though its certificate has ended, and until when; nil for none.
func (c *kubeConns) lasting() (*kubeConn, time.Time) {
	route := c.certs.latest()
	if route == nil || !c.certs.now().Before(route.Lasts) {
		return nil, time.Time{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		if conn.route == route && conn.Err() == nil {
			return conn, route.Lasts
		}
	}
	return nil, time.Time{}
}

// look returns a connection with room, or the opening to wait for.
func (c *kubeConns) look(route *Route) (*kubeConn, *kubeOpening) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		if conn.route == route && conn.Reserve() == nil {
			return conn, nil
		}
	}
	if c.opening == nil {
		c.opening = &kubeOpening{done: make(chan struct{})}
		c.owner.Go(func() { c.connect(route) })
	}
	return nil, c.opening
}

// connect opens a connection for everybody who waits. It outlives the request that wanted it first, because a person
// may have been asked.
func (c *kubeConns) connect(route *Route) {
	client, refused, err := c.dial(route)
	c.mu.Lock()
	defer c.mu.Unlock()
	opening := c.opening
	c.opening = nil
	if opening.err, opening.refused = err, refused; err == nil {
		c.retireLocked(route)
		c.open = append(c.open, &kubeConn{ClientConn: client, route: route})
	}
	close(opening.done)
}

// dial opens a connection. One that ends before its first word was refused.
func (c *kubeConns) dial(route *Route) (client *http.ClientConn, refused bool, err error) {
	open := false
	transport := newKubeTransport(func(ctx context.Context) (net.Conn, error) {
		conn, err := route.Dial(ctx)
		open = err == nil
		return conn, err
	})
	client, err = transport.NewClientConn(c.life, "https", c.host)
	if err != nil && open && c.life.Err() == nil {
		return nil, true, c.refused(route)
	}
	return client, false, err
}

// refused forgets a route that the cluster refused without a word, and finds out why it did.
func (c *kubeConns) refused(route *Route) error {
	c.certs.drop(route)
	return route.Explain(c.life)
}

// retireLocked forgets connections that broke, and those by other routes, which end with their last request: a watch
// goes on for as long as the cluster lets it.
func (c *kubeConns) retireLocked(present *Route) {
	var kept []*kubeConn
	for _, conn := range c.open {
		switch {
		case conn.Err() != nil:
			_ = conn.Close() // it broke before
		case conn.route != present:
			conn.SetStateHook(closeIdle)
			closeIdle(conn.ClientConn)
			if conn.Err() == nil {
				kept = append(kept, conn) // for close
			}
		default:
			kept = append(kept, conn)
		}
	}
	c.open = kept
}

func closeIdle(conn *http.ClientConn) {
	if conn.InFlight() == 0 {
		_ = conn.Close() // nothing is under way
	}
}

// close ends everything.
func (c *kubeConns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		_ = conn.Close() // whatever was under way is of no use any more
	}
	c.open = nil
}

// How soon a connection that carries nothing is found to be dead: computers sleep and change networks.
const (
	kubePingAfter   = 30 * time.Second
	kubePingTimeout = 15 * time.Second
)

// newKubeTransport makes connections of what dial opens: HTTP/2 or HTTP/1.1, as was agreed in TLS.
func newKubeTransport(dial func(context.Context) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialTLSContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		ForceAttemptHTTP2:  true,
		DisableCompression: true, // what tools and cluster agree on is theirs
		HTTP2:              &http.HTTP2Config{SendPingTimeout: kubePingAfter, PingTimeout: kubePingTimeout},
	}
}
