package virtual

import (
	"errors"
	"iter"
	"slices"
	"time"
)

// port is where one key is plugged in, or not at the moment.
type port struct {
	server  *server
	number  int // of the reader that its key makes
	card    *card
	reclaim time.Duration
	latency Latency
	notify  func() // called without locks after something visible changed

	// All of this is guarded by server.mu.
	reader   *reader // nil while the key is unplugged
	faults   []transmitFault
	delays   map[byte]time.Duration // by instruction
	refusing time.Time              // until when the card side refuses everything
	intruder *handle                // of a program that is made up, see Occupy
}

// errNoPort is what a service says that has as many keys as clients can be told of.
var errNoPort = errors.New("the smart-card service has no room for another key")

// newPort makes room for a key.
func (s *server) newPort(c *card, config Config, notify func()) (*port, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &port{
		server: s, card: c, reclaim: config.Reclaim, latency: config.Latency, notify: notify, delays: map[byte]time.Duration{},
	}
	free := slices.Index(s.ports, nil)
	if free < 0 {
		free = len(s.ports)
		s.ports = append(s.ports, nil)
	}
	if free >= maxReaders || s.isClosed() {
		return nil, errNoPort
	}
	p.number, s.ports[free] = free, p
	return p, nil
}

// portsLocked are the ports in use.
func (s *server) portsLocked() iter.Seq[*port] {
	return func(yield func(*port) bool) {
		for _, p := range s.ports {
			if p != nil && !yield(p) {
				return
			}
		}
	}
}

// readerLocked finds a reader by its name; nil for none.
func (s *server) readerLocked(name string) *reader {
	for p := range s.portsLocked() {
		if p.reader != nil && p.reader.name == name {
			return p.reader
		}
	}
	return nil
}

// plug adds the reader with its card; a second plug does nothing.
func (p *port) plug() {
	s := p.server
	s.mu.Lock()
	if p.reader == nil && !s.isClosed() {
		s.arrivals++
		p.reader = newReader(p, s.arrivals)
		s.signalLocked()
	}
	s.mu.Unlock()
	s.notify()
}

// unplug removes the reader, which ends a TRANSMIT under way.
func (p *port) unplug() {
	p.server.mu.Lock()
	p.pullLocked()
	p.server.mu.Unlock()
	p.server.notify()
}

func (p *port) pullLocked() {
	if r := p.reader; r != nil {
		p.server.arrivals++
		p.reader = nil
		r.pull()
		p.server.signalLocked()
	}
}

func (p *port) plugged() bool {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	return p.reader != nil
}

// giveBack unplugs the key for good.
func (p *port) giveBack() error {
	p.unplug()
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.server.ports[p.number] = nil
	return nil
}
