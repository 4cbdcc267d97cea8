package virtual

import "errors"

// Occupation is how another program keeps a card to itself.
type Occupation string

// The occupations.
const (
	OccupyExclusive   Occupation = "exclusive"   // connected so that nobody else can: connecting fails at once
	OccupyTransaction Occupation = "transaction" // inside a transaction: others wait without an answer
)

// Why an occupation cannot begin.
var (
	errNotPlugged = errors.New("the key is not plugged in")
	errInUse      = errors.New("another program uses the key, or occupies it already")
	errOccupation = errors.New("occupy it with exclusive or transaction")
)

// Occupy has another program keep the card to itself until Release, or until the key is unplugged. It fails where a
// client is in the way.
func (k *Key) Occupy(how Occupation) error { return k.port.occupy(how) }

// Release ends Occupy.
func (k *Key) Release() { k.port.release() }

// ResetCard has another program reset the card: whoever is connected learns of it with the next command, and a verified
// PIN is forgotten. It waits for the end of transactions.
func (k *Key) ResetCard() { k.port.resetCard() }

func (p *port) occupy(how Occupation) error {
	s := p.server
	s.mu.Lock()
	defer s.mu.Unlock()
	r := p.reader
	switch {
	case r == nil:
		return errNotPlugged
	case how != OccupyExclusive && how != OccupyTransaction:
		return errOccupation
	case p.intruder != nil && !p.intruder.reader.gone, r.holder != nil, how == OccupyExclusive && len(r.handles) > 0:
		return errInUse
	}
	r.powerUp()
	if how == OccupyExclusive {
		p.intruder = r.open(shareExclusive)
	} else {
		p.intruder = r.open(shareShared)
		r.holder, r.depth = p.intruder, 1
	}
	s.signalLocked()
	return nil
}

func (p *port) release() {
	s := p.server
	s.mu.Lock()
	defer s.mu.Unlock()
	h := p.intruder
	p.intruder = nil
	if h != nil && !h.reader.gone {
		h.reader.close(h)
		s.signalLocked()
	}
}

func (p *port) resetCard() {
	s := p.server
	s.mu.Lock()
	for p.reader != nil && p.reader.holder != nil && s.awaitLocked(nil) {
	}
	if p.reader != nil {
		p.reader.reset()
		s.signalLocked()
	}
	s.mu.Unlock()
	s.notify()
}
