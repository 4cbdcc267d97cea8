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

// server is the PC/SC daemon with one reader.
type server struct {
	listener *net.UnixListener
	clock    Clock
	log      *slog.Logger
	notify   func() // called without locks after something visible changed

	closed chan struct{}
	wg     sync.WaitGroup

	mu       sync.Mutex
	reader   *reader              // nil while the card is unplugged
	clients  map[*client]struct{} // one per connection
	changed  chan struct{}        // closed and replaced when a lock or a reader changed
	arrivals uint32               // readers that came or went, for GET_READER_EVENTS
	faults   []transmitFault
}

// transmitFault makes TRANSMITs fail.
type transmitFault struct {
	ins   byte
	rv    result
	count int // how many more
}

func newServer(listener *net.UnixListener, clock Clock, log *slog.Logger, notify func()) *server {
	return &server{
		listener: listener, clock: clock, log: log, notify: notify,
		closed: make(chan struct{}), clients: map[*client]struct{}{}, changed: make(chan struct{}),
	}
}

// start serves connections until close.
func (s *server) start() { s.wg.Go(s.accept) }

func (s *server) accept() {
	for {
		conn, err := s.listener.AcceptUnix()
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
	if s.isClosed() {
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

// inject makes the next count TRANSMITs with this instruction fail with rv, before they reach the card.
func (s *server) inject(f transmitFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// faultLocked is the injected result for an APDU, if any.
func (s *server) faultLocked(apdu []byte) result {
	i := slices.IndexFunc(s.faults, func(f transmitFault) bool { return len(apdu) > 1 && f.ins == apdu[1] })
	if i < 0 {
		return scardOK
	}
	rv := s.faults[i].rv
	if s.faults[i].count--; s.faults[i].count <= 0 {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return rv
}

// readersLocked is the reader array.
func (s *server) readersLocked() []byte {
	var all [maxReaders]readerState
	if s.reader != nil {
		all[0] = s.reader.state()
	}
	return encodeMessage(all)
}
