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
func (k *Key) Occupy(how Occupation) error { return k.server.occupy(how) }

// Release ends Occupy.
func (k *Key) Release() { k.server.release() }

// ResetCard has another program reset the card: whoever is connected learns of it with the next command, and a verified
// PIN is forgotten. It waits for the end of transactions.
func (k *Key) ResetCard() { k.server.resetCard() }

func (s *server) occupy(how Occupation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reader
	switch {
	case r == nil:
		return errNotPlugged
	case how != OccupyExclusive && how != OccupyTransaction:
		return errOccupation
	case s.intruder != nil && !s.intruder.reader.gone, r.holder != nil, how == OccupyExclusive && len(r.handles) > 0:
		return errInUse
	}
	r.powerUp()
	if how == OccupyExclusive {
		s.intruder = r.open(shareExclusive)
	} else {
		s.intruder = r.open(shareShared)
		r.holder, r.depth = s.intruder, 1
	}
	s.signalLocked()
	return nil
}

func (s *server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.intruder
	s.intruder = nil
	if h != nil && !h.reader.gone {
		h.reader.close(h)
		s.signalLocked()
	}
}

func (s *server) resetCard() {
	s.mu.Lock()
	for s.reader != nil && s.reader.holder != nil && s.awaitLocked(nil) {
	}
	if s.reader != nil {
		s.reader.reset()
		s.signalLocked()
	}
	s.mu.Unlock()
	s.notify()
}
