package localproxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// remote is a server that reads until its client has ended its side and then sends everything back, backwards.
type remote struct{ listener net.Listener }

func newRemote(t testing.TB) *remote {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	r := &remote{listener: listener}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { answer(c) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	return r
}

func answer(c net.Conn) {
	defer c.Close()
	text, err := io.ReadAll(c)
	if err != nil {
		return
	}
	for i, j := 0, len(text)-1; i < j; i, j = i+1, j-1 {
		text[i], text[j] = text[j], text[i]
	}
	_, _ = c.Write(text)
}

func (r *remote) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", r.listener.Addr().String())
}

// source issues routes as often as it is allowed to.
type source struct {
	issued atomic.Int64
	remote *remote
	clock  *clock

	mu    sync.Mutex
	issue func(ctx context.Context) (Route, error) // nil issues a route to remote for an hour; guarded by mu
}

// set replaces issue.
func (s *source) set(issue func(context.Context) (Route, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issue = issue
}

// Issue implements CertSource.
func (s *source) Issue(ctx context.Context) (Route, error) {
	s.issued.Add(1)
	s.mu.Lock()
	issue := s.issue
	s.mu.Unlock()
	if issue != nil {
		return issue(ctx)
	}
	return s.route(), nil
}

var errExplained = errors.New("the proxy said nothing, but we know why")

func (s *source) route() Route {
	return Route{
		Expires: s.clock.now().Add(time.Hour),
		Dial:    s.remote.dial,
		Explain: func(context.Context) error { return errExplained },
	}
}

// clock is real time that a test can move.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func newSource(t testing.TB) *source {
	t.Helper()
	return &source{remote: newRemote(t), clock: &clock{}}
}

// open opens a proxy and closes it with the test.
func open(t testing.TB, s *source, refusal Refusal) *Proxy {
	t.Helper()
	p, err := Listen(Config{Source: s, Refusal: refusal, Now: s.clock.now})
	if err != nil {
		t.Fatalf("opening the proxy: %v", err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// connect is a tool that connects.
func connect(t testing.TB, p *Proxy) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(testkit.Deadline)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// exchange sends text, ends its side and returns the answer.
func exchange(t testing.TB, c *net.TCPConn, text string) string {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatalf("writing: %v", err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatalf("ending our side: %v", err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	return string(got)
}
