package virtual

import (
	"errors"
	"slices"
	"time"
)

// What goes wrong with real keys can be made to happen (virtual-key sheet, 4): the methods of Key in this file and in
// intruder.go, and the commands of the control socket.

// transmitFault makes TRANSMITs with an instruction fail. One of rv, word and stall says how.
type transmitFault struct {
	ins   byte
	rv    result // the service answers this, and the card hears nothing
	word  sw     // the card answers this and does nothing
	stall bool   // nobody answers until the card is reset or pulled
	count int    // how many more
}

// FailTransmit makes the next count TRANSMITs with instruction ins fail with the PC/SC code rv before they reach the
// card, for example 0xa4 (SELECT) and 0x80100016 (SCARD_E_NOT_TRANSACTED).
func (k *Key) FailTransmit(ins byte, rv uint32, count int) {
	k.port.inject(transmitFault{ins: ins, rv: result(rv), count: count})
}

// FailCommand makes the card answer the next count commands with instruction ins with a status word, and do nothing
// else, for example 0x87 (GENERAL AUTHENTICATE) and 0x6f00.
func (k *Key) FailCommand(ins byte, word uint16, count int) {
	k.port.inject(transmitFault{ins: ins, word: sw(word), count: count})
}

// Stall leaves the next count TRANSMITs with instruction ins without an answer, until the card is reset or pulled.
func (k *Key) Stall(ins byte, count int) {
	k.port.inject(transmitFault{ins: ins, stall: true, count: count})
}

// Delay makes every TRANSMIT with instruction ins take this much longer, on the card's clock. Zero ends that.
func (k *Key) Delay(ins byte, by time.Duration) { k.port.setDelay(ins, by) }

// RefuseFor has the card side refuse everything for a while, as after a tap for FIDO, see [Config].Reclaim.
func (k *Key) RefuseFor(d time.Duration) { k.port.refuseFor(d) }

func (p *port) refuseFor(d time.Duration) {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.refusing = p.server.clock.Now().Add(d)
}

// inject adds a fault.
func (p *port) inject(f transmitFault) {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.faults = append(p.faults, f)
}

func (p *port) setDelay(ins byte, by time.Duration) {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.delays[ins] = by
}

// troubleLocked is what is to go wrong with an APDU, the zero fault for nothing, and how long it is to take.
func (p *port) troubleLocked(apdu []byte) (transmitFault, time.Duration) {
	if len(apdu) < 2 {
		return transmitFault{}, 0
	}
	ins := apdu[1]
	if p.server.clock.Now().Before(p.refusing) || p.card.contact.reclaiming(p.reclaim) {
		return transmitFault{rv: scardNotTransacted}, 0
	}
	delay := p.delays[ins] + p.latency.of(ins)
	i := slices.IndexFunc(p.faults, func(f transmitFault) bool { return f.ins == ins })
	if i < 0 {
		return transmitFault{}, delay
	}
	f := p.faults[i]
	if p.faults[i].count--; p.faults[i].count <= 0 {
		p.faults = slices.Delete(p.faults, i, i+1)
	}
	return f, delay
}

// disturbed has the card carry out a command, unless something is to go wrong with it.
func (p *port) disturbed(apdu []byte, f transmitFault, delay time.Duration) ([]byte, error) {
	power := p.card.powered()
	if delay > 0 {
		over, stop := p.server.clock.NewTimer(delay)
		defer stop()
		select {
		case <-over:
		case <-power:
			return nil, errPowerLost
		}
	}
	switch {
	case f.stall:
		<-power
		return nil, errPowerLost
	case f.word != 0:
		return []byte{byte(f.word >> 8), byte(f.word)}, nil
	default:
		return p.card.transmit(apdu)
	}
}

// RemoveCard takes the card away and leaves the reader, as a contactless reader or a flaky contact does. A YubiKey in a
// USB port cannot do that: there both go, see [Key.Unplug].
func (k *Key) RemoveCard() { k.port.setAbsent(true) }

// InsertCard is the end of RemoveCard.
func (k *Key) InsertCard() { k.port.setAbsent(false) }

func (p *port) setAbsent(absent bool) {
	s := p.server
	s.mu.Lock()
	if r := p.reader; r != nil && r.absent != absent {
		s.arrivals++
		r.events++
		r.absent = absent
		if absent {
			r.lose()
		}
		s.signalLocked()
	}
	s.mu.Unlock()
	s.notify()
}

// lose tells every handle that the card is gone.
func (r *reader) lose() {
	r.holder, r.depth, r.protocol = nil, 0, 0
	for _, h := range r.handles {
		h.event = scardRemovedCard
	}
	r.card.powerOff()
}

// errNotServing is what StartService says while the service runs.
var errNotServing = errors.New("starting the smart-card service: it runs already")

// StopService ends the smart-card service as a crash does: connections break, the socket disappears, the card loses
// power.
func (k *Key) StopService() { k.server.stopService() }

// StartService starts it again at the same path.
func (k *Key) StartService() error { return k.server.startService() }

func (s *server) stopService() {
	s.mu.Lock()
	s.stopped = true
	s.listener.Close() // a second time does no harm
	for c := range s.clients {
		c.conn.Close()
	}
	for p := range s.portsLocked() {
		p.card.powerOff()
	}
	s.mu.Unlock()
	s.notify()
}

func (s *server) startService() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped || s.isClosed() {
		return errNotServing
	}
	listener, err := listen(s.path)
	if err != nil {
		return err
	}
	s.listener, s.stopped = listener, false
	s.wg.Go(func() { s.accept(listener) })
	return nil
}
