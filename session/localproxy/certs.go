package localproxy

import (
	"context"
	"net"
	"sync"
	"time"
)

// Route is a certificate for one target, and the way there with it. It lives in memory only.
type Route struct {
	Expires time.Time // end of the certificate
	// Lasts is how long what was opened before may go on: longer than Expires, which is a minute away, where a
	// certificate is for one use. Zero is Expires. Only Kubernetes clusters use one connection for more than one thing.
	Lasts time.Time
	// Dial opens one connection. It costs a signature, so it may wait for a person.
	Dial func(ctx context.Context) (net.Conn, error)
	// Upgrade is Dial for a connection in HTTP/1.1, which alone can become something else; only Kubernetes clusters
	// have it.
	Upgrade func(ctx context.Context) (net.Conn, error)
	// Stale reports whether another certificate is wanted before this one ends; nil for never.
	Stale func() bool
	// Explain finds out why a connection was closed before its first byte: proxies refuse without a word (databases
	// sheet, 2.2). It never returns nil.
	Explain func(ctx context.Context) error
}

// CertSource issues routes to one target.
type CertSource interface {
	// Issue may ask a person, for as long as ctx lives.
	Issue(ctx context.Context) (Route, error)
}

// certs has the present route. Whoever finds that it has ended starts a renewal; everybody who comes meanwhile waits
// for the same one.
type certs struct {
	source CertSource
	now    func() time.Time
	life   context.Context // of the proxy: a renewal outlives the connection that began it
	owner  *sync.WaitGroup
	change func()

	mu      sync.Mutex
	route   *Route   // nil before the first one; guarded by mu
	renewal *renewal // nil when none runs; guarded by mu
}

// renewal is one call of Issue.
type renewal struct {
	done  chan struct{} // closed when the two below are set
	route *Route
	err   error
}

// current returns a route that has not ended.
func (c *certs) current(ctx context.Context) (*Route, error) {
	route, running := c.look()
	if route != nil {
		return route, nil
	}
	select {
	case <-running.done:
		return running.route, running.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// look returns the route, or the renewal to wait for.
func (c *certs) look() (*Route, *renewal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.route; r != nil && c.now().Before(r.Expires) && (r.Stale == nil || !r.Stale()) {
		return r, nil
	}
	if c.renewal == nil {
		c.renewal = &renewal{done: make(chan struct{})}
		c.owner.Go(c.renew)
	}
	return nil, c.renewal
}

// renew issues a route for everybody who waits.
func (c *certs) renew() {
	c.change()
	route, err := c.source.Issue(c.life)
	c.mu.Lock()
	running := c.renewal
	c.renewal = nil
	if running.err = err; err == nil {
		running.route, c.route = &route, &route
	}
	close(running.done)
	c.mu.Unlock()
	c.change()
}

// latest returns the route, though it may have ended; nil for none.
func (c *certs) latest() *Route {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.route
}

// drop forgets a route that turned out to be of no use, unless there is a newer one.
func (c *certs) drop(route *Route) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.route == route {
		c.route = nil
	}
}

// state is when the present certificate ends, zero for none, and whether another one is being issued.
func (c *certs) state() (expires time.Time, renewing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.route != nil {
		expires = c.route.Expires
	}
	return expires, c.renewal != nil
}
