package virtual

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// server is the PC/SC daemon with one reader.
type server struct {
	path    string // of the socket
	clock   Clock
	reclaim time.Duration
	log     *slog.Logger
	notify  func() // called without locks after something visible changed

	closed chan struct{}
	wg     sync.WaitGroup

	mu       sync.Mutex
	listener *net.UnixListener    // guarded by mu, like all below
	stopped  bool                 // the service does not run
	reader   *reader              // nil while the card is unplugged
	clients  map[*client]struct{} // one per connection
	changed  chan struct{}        // closed and replaced when a lock or a reader changed
	arrivals uint32               // readers that came or went, for GET_READER_EVENTS
	faults   []transmitFault
	delays   map[byte]time.Duration // by instruction
	refusing time.Time              // until when the card side refuses everything
	intruder *handle                // of a program that is made up, see Occupy
}

func newServer(listener *net.UnixListener, config Config, notify func()) *server {
	return &server{
		path: listener.Addr().String(), listener: listener, clock: config.Clock, reclaim: config.Reclaim, log: config.Log, notify: notify,
		closed: make(chan struct{}), clients: map[*client]struct{}{}, changed: make(chan struct{}),
		delays: map[byte]time.Duration{},
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
	s.pullLocked()
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

// plug adds the reader with its card; a second plug does nothing.
func (s *server) plug(c *card) {
	s.mu.Lock()
	if s.reader == nil && !s.isClosed() {
		s.arrivals++
		s.reader = newReader(c, s.clock, s.arrivals)
		s.signalLocked()
	}
	s.mu.Unlock()
	s.notify()
}

// unplug removes the reader, which ends a TRANSMIT under way.
func (s *server) unplug() {
	s.mu.Lock()
	s.pullLocked()
	s.mu.Unlock()
	s.notify()
}

func (s *server) pullLocked() {
	if r := s.reader; r != nil {
		s.arrivals++
		s.reader = nil
		r.pull()
		s.signalLocked()
	}
}

func (s *server) plugged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reader != nil
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
	if s.reader != nil {
		all[0] = s.reader.state()
	}
	return encodeMessage(all)
}
