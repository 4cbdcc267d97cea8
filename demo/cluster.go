package demo

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"google.golang.org/grpc"
)

// Config says how to start a cluster.
type Config struct {
	// State is the folder in which the cluster keeps its authorities, users, passwords and audit log. It is made when
	// it does not exist, and closed to other accounts.
	State string
	// AttestationRoots are trusted to attest hardware keys. With none, no key counts as a hardware key.
	AttestationRoots *x509.CertPool
	// AttestationRootFile is only repeated in the description, for programs that want to look at the root.
	AttestationRootFile string
	// Now is the clock; nil is the machine's. It stamps and checks certificates; waiting uses real time.
	Now func() time.Time
	// Log hears about what clients are not told; nil discards it. It never gets passwords or certificates.
	Log *slog.Logger
	// ClusterName defaults to "demo". It cannot change while the state folder lives.
	ClusterName string
	// Addr is where to listen, on loopback. Empty means 127.0.0.1 with the port of the last start when that is free.
	Addr string
	// Shell is the program of the node's shells; empty means /bin/sh.
	Shell string
	// Env is the environment that the node's shells start from, in the form of os.Environ. With none they get a plain
	// PATH and the account's own HOME.
	Env []string
	// VersionProfile is the major version that the cluster is like: 12 or 15; zero is 15.
	VersionProfile int
	// Listeners is the layout of ports; empty is the usual one of the version: separate for 12, multiplex for 15.
	Listeners Listeners
	// Kubernetes is behind the cluster's Kubernetes clusters. Its owner closes it after the cluster. nil, or one that
	// cannot be started, means that there are none.
	Kubernetes *Kubernetes
}

func (c *Config) setDefaults() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.ClusterName == "" {
		c.ClusterName = "demo"
	}
	if c.Shell == "" {
		c.Shell = "/bin/sh"
	}
}

// Cluster is a running demo cluster.
type Cluster struct {
	description Description
	cancel      context.CancelFunc
	ports       *ports
	servers     []server
	group       group // the servers, the accept loop and every connection
	audit       *audit
	factors     *factors
	unwatch     func() bool // stops watching the context
	once        sync.Once
	closeErr    error
}

// server is one of the servers behind the router, fed by a handover.
type server struct {
	from  *handover
	serve func(net.Listener) error
	stop  func()
}

// Start starts a cluster and returns once it answers. Errors are faults; those about a file in the state folder wrap
// a *ResourceError. The cluster ends with ctx or with Close, whichever is first; Close must be called in either case.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	config.setDefaults()
	c, err := open(ctx, config)
	if broken, ok := errors.AsType[*ResourceError](err); ok {
		return nil, fault.Wrap(err, fmt.Sprintf("The demo cluster cannot use the file %s: %v.", broken.File, broken.Err),
			"Correct the file, or choose another state folder.")
	}
	if err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("The demo cluster could not be started: %v.", err),
			"Remove the cause, or choose another state folder.")
	}
	return c, nil
}

func open(ctx context.Context, config Config) (*Cluster, error) {
	dir, err := openState(config.State)
	if err != nil {
		return nil, err
	}
	p, err := openParts(dir, &config)
	if err != nil {
		return nil, err
	}
	ports, err := dir.openPorts(p.layout, config.Addr)
	if err != nil {
		return nil, errors.Join(err, p.audit.close())
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &Cluster{cancel: cancel, ports: ports, audit: p.audit}
	a, err := c.assemble(ctx, p)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.run(ctx, a)
	return c, nil
}

// run starts the servers and accepts connections.
func (c *Cluster) run(ctx context.Context, a *assembly) {
	for _, s := range c.servers {
		c.group.run(func() { _ = s.from.Close() }, func() { _ = s.serve(s.from) }) // its error says that it was closed
	}
	c.accept(c.ports.web, a.router.serve)
	if c.ports.separate() {
		c.accept(c.ports.ssh, a.separate.serveSSH)
		c.accept(c.ports.kube, a.separate.serveKube)
		c.accept(c.ports.postgres, a.separate.servePostgres)
	}
	c.unwatch = context.AfterFunc(ctx, func() { _ = c.close() })
}

// accept serves every connection of a port.
func (c *Cluster) accept(from net.Listener, serve func(net.Conn)) {
	c.group.run(func() { _ = from.Close() }, func() {
		for {
			conn, err := from.Accept()
			if err != nil {
				return
			}
			c.group.run(func() { _ = conn.Close() }, func() { serve(conn) })
		}
	})
}

// Close ends the cluster: it stops listening, ends every connection and every program on the node, and returns when
// all of them are gone. Closing twice is allowed.
func (c *Cluster) Close() error {
	if c.unwatch != nil {
		c.unwatch()
	}
	return c.close()
}

func (c *Cluster) close() error {
	c.once.Do(func() {
		c.cancel()
		err := c.ports.close()
		for _, s := range c.servers {
			s.stop()
		}
		c.group.close()
		c.closeErr = errors.Join(err, c.audit.close())
	})
	return c.closeErr
}

// httpServer makes a server for connections whose TLS was terminated.
func httpServer(from *handover, handler http.Handler, log *slog.Logger) server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: helloTimeout,
		ReadTimeout:       2 * helloTimeout,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return server{from: from, serve: s.Serve, stop: func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownPatience)
		defer cancel()
		if s.Shutdown(ctx) != nil {
			_ = s.Close()
		}
	}}
}

// shutdownPatience is how long requests that are being answered may take when the cluster ends.
const shutdownPatience = 500 * time.Millisecond

func grpcServer(from *handover, s *grpc.Server) server {
	return server{from: from, serve: s.Serve, stop: s.Stop}
}
