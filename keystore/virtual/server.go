package virtual

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// server is the PC/SC daemon with a port for every key.
type server struct {
	path  string // of the socket
	clock Clock
	log   *slog.Logger

	closed chan struct{}
	wg     sync.WaitGroup

	mu       sync.Mutex
	listener *net.UnixListener    // guarded by mu, like all below
	stopped  bool                 // the service does not run
	ports    []*port              // in the order of their readers' numbers; nil for one that was given back
	clients  map[*client]struct{} // one per connection
	changed  chan struct{}        // closed and replaced when a lock or a reader changed
	arrivals uint32               // readers that came or went, for GET_READER_EVENTS
}

func newServer(listener *net.UnixListener, clock Clock, log *slog.Logger) *server {
	return &server{
		path: listener.Addr().String(), listener: listener, clock: clock, log: log,
		closed: make(chan struct{}), clients: map[*client]struct{}{}, changed: make(chan struct{}),
	}
}

// start serves connections until close.
func (s *server) start() { s.wg.Go(func() { s.accept(s.listener) }) }

func (s *server) accept(listener *net.UnixListener) {
	for {
		conn, err := listener.AcceptUnix()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.log.Error("accepting a PC/SC client", "err", err)
			}
			return
		}
		if err := checkPeer(conn, os.Getuid()); err != nil {
			s.log.Warn("refusing a PC/SC client", "err", err)
			conn.Close()
			continue
		}
		s.serve(conn)
	}
}

func (s *server) serve(conn *net.UnixConn) {
	c := &client{server: s, conn: conn, handles: map[int32]*handle{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() || s.stopped {
		conn.Close()
		return
	}
	s.clients[c] = struct{}{}
	s.wg.Go(c.run)
}

func (s *server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// close pulls the card, so that nobody waits for it, ends every connection and waits for them.
func (s *server) close() error {
	s.mu.Lock()
	if !s.isClosed() {
		close(s.closed)
	}
	for p := range s.portsLocked() {
		p.pullLocked()
	}
	err := s.listener.Close()
	if s.stopped {
		err = nil // it was closed before
	}
	for c := range s.clients {
		c.conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	s.notify()
	return err
}

// signalLocked tells every client that waits for a change, once, and wakes those that wait for a lock.
func (s *server) signalLocked() {
	for c := range s.clients {
		if c.waiting {
			c.waiting = false
			c.write(encodeMessage(waitMessage{}))
		}
	}
	s.wakeLocked()
}

// wakeLocked wakes those that wait for a lock.
func (s *server) wakeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// awaitLocked gives up the lock until something changed; false means that timeout fired or the server closed.
func (s *server) awaitLocked(timeout <-chan time.Time) bool {
	changed := s.changed
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-changed:
		return true
	case <-timeout:
		return false
	case <-s.closed:
		return false
	}
}

// readersLocked is the reader array.
func (s *server) readersLocked() []byte {
	var all [maxReaders]readerState
	n := 0
	for p := range s.portsLocked() {
		if p.reader != nil {
			all[n] = p.reader.state()
			n++
		}
	}
	return encodeMessage(all)
}

// notify tells the owner of every key that something visible may have changed. The callers hold no lock.
func (s *server) notify() {
	s.mu.Lock()
	ports := slices.Collect(s.portsLocked())
	s.mu.Unlock()
	for _, p := range ports {
		p.notify()
	}
}
