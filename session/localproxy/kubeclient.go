package localproxy

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// kubeClient is a tool's connection. It counts bytes, as they are in TLS, and requests.
type kubeClient struct {
	net.Conn
	proxy  *Proxy
	once   sync.Once
	closed chan struct{}

	mu       sync.Mutex
	over     bool           // guarded by mu
	requests sync.WaitGroup // grows only while over is not set
}

type kubeClientKey struct{}

func withKubeClient(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, kubeClientKey{}, conn.(*tls.Conn).NetConn())
}

// Read counts what the client sends.
func (c *kubeClient) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.proxy.sent.Add(int64(n))
	return n, err
}

// Write counts what the client gets.
func (c *kubeClient) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.proxy.received.Add(int64(n))
	return n, err
}

// Close ends the connection. Closing twice is allowed.
func (c *kubeClient) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.closed) })
	return err
}

// begin admits a request, unless the connection has ended.
func (c *kubeClient) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.requests.Add(1)
	}
	return !c.over
}

// end waits for all requests.
func (c *kubeClient) end() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.requests.Wait()
}
