package localproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Config says what a Proxy leads to.
type Config struct {
	Port   int // on loopback; zero for any
	Source CertSource
	// Refusal is how clients are told why they are not connected. The zero value tells them nothing.
	Refusal Refusal
	// Kube is set for Kubernetes clusters, whose proxies tell clients by themselves.
	Kube *Kube
	Now  func() time.Time
}

// Refusal speaks the protocol of clients just well enough to tell them why they are not connected.
type Refusal struct {
	// Hear reads what a client says before it wants an answer.
	Hear func(client net.Conn) error
	// Say is the answer.
	Say func(why error) []byte
}

// State is what a Proxy shows of itself.
type State struct {
	Clients  int   // connections, those that wait included
	Sent     int64 // bytes from clients
	Received int64 // bytes to clients
	Expires  time.Time
	// Asking is set while a certificate is being issued: a person may have been asked.
	Asking bool
	// Problem is why the last connection failed; nil after one that did not.
	Problem error
}

// Proxy listens on loopback and leads every connection to one target. It owns all its goroutines.
type Proxy struct {
	config   Config
	listener net.Listener
	certs    *certs
	life     context.Context
	end      context.CancelFunc
	running  sync.WaitGroup
	kube     *kubeServer // nil for proxies that copy bytes

	sent, received atomic.Int64

	mu      sync.Mutex
	clients int           // guarded by mu
	problem error         // guarded by mu
	changed chan struct{} // closed and replaced with every change; guarded by mu
}

// Listen opens a proxy. A port that is taken is a fault: tools have it in their settings, so it must not change by
// itself.
func Listen(config Config) (*Proxy, error) {
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", config.Port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fault.Wrap(err, fmt.Sprintf("Port %d is used by another program.", config.Port),
			"End that program, or choose another port.")
	}
	if err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("Port %d cannot be opened.", config.Port), "Choose another port.")
	}
	p := &Proxy{config: config, listener: listener, changed: make(chan struct{})}
	p.life, p.end = context.WithCancel(context.Background())
	p.certs = &certs{source: config.Source, now: config.Now, life: p.life, owner: &p.running, change: p.change}
	if config.Kube != nil {
		if p.kube, err = newKubeServer(p, *config.Kube); err != nil {
			p.end()
			_ = listener.Close() // nobody has connected yet
			return nil, err
		}
		p.running.Go(p.kube.run)
	}
	p.running.Go(p.accept)
	return p, nil
}

// Port is where the proxy listens on loopback.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Address is Port with the host.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Changed returns a channel that is closed at the next change, counters of bytes aside.
func (p *Proxy) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// State returns what there is to show now.
func (p *Proxy) State() State {
	expires, asking := p.certs.state()
	if p.kube != nil {
		if conn, lasts := p.kube.conns.lasting(); conn != nil {
			expires = lasts
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return State{
		Clients: p.clients, Sent: p.sent.Load(), Received: p.received.Load(),
		Expires: expires, Asking: asking, Problem: p.problem,
	}
}

// Close stops listening, ends every connection and every question to a person, and returns when all of them are
// gone. Closing twice is allowed.
func (p *Proxy) Close() error {
	p.end()
	_ = p.listener.Close() // a second closing says so
	p.running.Wait()
	if p.kube != nil {
		p.kube.conns.close()
	}
	return nil
}

func (p *Proxy) change() { p.update(func() {}) }

func (p *Proxy) update(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

// accept serves connections until the listener is closed.
func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.fail(fmt.Errorf("accepting: %w", err))
			if !p.rest() {
				return
			}
			continue
		}
		p.running.Go(func() { p.serve(client) })
	}
}

// acceptPause is how long to wait after a failure to accept, such as too many open files.
const acceptPause = 100 * time.Millisecond

// rest waits before the next try, and reports whether there is to be one.
func (p *Proxy) rest() bool {
	timer := time.NewTimer(acceptPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.life.Done():
		return false
	}
}

// serve leads one connection to the target and returns when it has ended.
func (p *Proxy) serve(client net.Conn) {
	p.update(func() { p.clients++ })
	defer p.update(func() { p.clients-- })
	defer func() { _ = client.Close() }()
	detach := context.AfterFunc(p.life, func() { _ = client.Close() })
	defer detach()
	if p.kube != nil {
		p.kube.lead(client)
		return
	}
	p.lead(client)
}

// lead copies between a client and the target.
func (p *Proxy) lead(client net.Conn) {
	route, remote, err := p.dial()
	if err != nil {
		p.tell(client, err, false)
		return
	}
	defer func() { _ = remote.Close() }()
	stop := context.AfterFunc(p.life, func() { _ = remote.Close() })
	defer stop()
	p.succeed()
	if refused := forward(client, remote, &p.sent, &p.received); refused && p.life.Err() == nil {
		p.certs.drop(route)
		p.tell(client, route.Explain(p.life), true)
	}
}

// dial holds the connection for as long as a person is asked for a certificate or a signature.
func (p *Proxy) dial() (*Route, net.Conn, error) {
	route, err := p.certs.current(p.life)
	if err != nil {
		return nil, nil, err
	}
	remote, err := route.Dial(p.life)
	return route, remote, err
}

// refusalPatience is how long a client may take until it has been told why it is not connected.
const refusalPatience = 5 * time.Second

// tell keeps why a client is not connected and says it to the client, who was heard already or not.
func (p *Proxy) tell(client net.Conn, why error, heard bool) {
	p.fail(why)
	refusal := p.config.Refusal
	if p.life.Err() != nil || refusal.Say == nil || client.SetDeadline(time.Now().Add(refusalPatience)) != nil {
		return
	}
	if !heard && refusal.Hear(client) != nil {
		return
	}
	_, _ = client.Write(refusal.Say(why)) // whoever left need not be told
}

// succeed forgets the problem of another time.
func (p *Proxy) succeed() {
	p.mu.Lock()
	well := p.problem == nil
	p.mu.Unlock()
	if !well {
		p.update(func() { p.problem = nil })
	}
}

// fail keeps a problem for State, unless it only came from closing or from somebody who said no.
func (p *Proxy) fail(err error) {
	if p.life.Err() == nil && !errors.Is(err, context.Canceled) {
		p.update(func() { p.problem = err })
	}
}
