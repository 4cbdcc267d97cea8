package virtual

import (
	"maps"
	"math/rand/v2"
	"time"
)

// idlePower is how long pcscd leaves a card powered after its last handle was closed (virtual-key sheet, 1.5).
const idlePower = 5 * time.Second

// reader is one plugged-in card as the daemon sees it: who holds it, and who is inside a transaction. A reader that
// was pulled stays behind for the handles that still point to it. All fields are guarded by server.mu.
type reader struct {
	name      string
	port      *port
	card      *card
	clock     Clock
	gone      bool
	absent    bool   // the card is away, the reader is not
	events    uint32 // goes up with every card that comes or goes
	handles   map[int32]*handle
	exclusive bool      // the only handle was opened exclusively
	holder    *handle   // who is inside a transaction
	depth     int       // of the holder's transactions; an exclusive connection counts as one
	protocol  uint32    // zero until someone connects
	idleSince time.Time // when the last handle was closed; zero while there is one or was none
}

// handle is a client's connection to a card.
type handle struct {
	id     int32
	reader *reader
	event  result // what happened to the card behind the handle's back, answered until the client reconnects
}

func newReader(p *port, events uint32) *reader {
	return &reader{
		name: p.card.firmware.readerName(p.number), port: p, card: p.card, clock: p.server.clock, events: events,
		handles: map[int32]*handle{},
	}
}

// usable is the check before every use of a handle.
func (h *handle) usable() result {
	switch r := h.reader; {
	case r.gone:
		return scardInvalidValue
	case r.holder != nil && r.holder != h:
		return scardSharingViolation
	default:
		return h.event
	}
}

// state is the reader's entry in the reader array.
func (r *reader) state() readerState {
	atr := r.card.firmware.atr()
	s := readerState{
		Events: r.events, State: statePresent, Sharing: int32(len(r.handles)), Protocol: r.protocol,
		ATRSize: uint32(len(atr)),
	}
	copy(s.Name[:], r.name)
	copy(s.ATR[:], atr)
	if r.exclusive {
		s.Sharing = -1
	}
	if r.absent {
		s.State, s.ATR, s.ATRSize = stateAbsent, [len(s.ATR)]byte{}, 0
		return s
	}
	if !r.unpowered() {
		s.State |= statePowered | stateNegotiable
	}
	return s
}

// unpowered reports whether the card has been without a handle for so long that it lost power.
func (r *reader) unpowered() bool {
	return !r.idleSince.IsZero() && r.clock.Now().Sub(r.idleSince) >= idlePower
}

// powerUp makes the card usable for a new handle. A card that lost power in between starts afresh.
func (r *reader) powerUp() {
	if r.unpowered() {
		r.card.powerOff()
		r.protocol = 0
	}
}

// negotiate settles the protocol. The card speaks T=1 only.
func (r *reader) negotiate(protocols uint32) result {
	if protocols&protocolT1 == 0 {
		return scardProtoMismatch
	}
	r.protocol = protocolT1
	return scardOK
}

// open adds a handle.
func (r *reader) open(share uint32) *handle {
	h := &handle{id: r.freeID(), reader: r}
	r.handles[h.id] = h
	r.idleSince = time.Time{}
	if share == shareExclusive {
		r.exclusive, r.holder, r.depth = true, h, 1
	}
	return h
}

// freeID is a random 31-bit number, as the daemon's handles are.
func (r *reader) freeID() int32 {
	for {
		id := rand.Int32()
		if _, taken := r.handles[id]; id != 0 && !taken {
			return id
		}
	}
}

// close removes a handle.
func (r *reader) close(h *handle) {
	r.unlock(h)
	delete(r.handles, h.id)
	r.exclusive = false
	if len(r.handles) == 0 {
		r.idleSince = r.clock.Now()
	}
}

// unlock ends all transactions of h.
func (r *reader) unlock(h *handle) {
	if r.holder == h {
		r.holder, r.depth = nil, 0
	}
}

// reset resets the card; every handle learns of it.
func (r *reader) reset() {
	r.card.reset()
	r.protocol = 0
	for h := range maps.Values(r.handles) {
		h.event = scardResetCard
	}
}

// end leaves one transaction. The count that an exclusive connection brings cannot be ended.
func (r *reader) end() result {
	floor := 0
	if r.exclusive {
		floor = 1
	}
	if r.depth <= floor {
		return scardNotTransacted
	}
	if r.depth--; r.depth == 0 {
		r.holder = nil
	}
	return scardOK
}

// share changes how the reader is shared, for RECONNECT. Going from exclusive to shared leaves the implicit
// transaction in place, so that one END succeeds afterwards: a quirk of pcscd 1.9.9 (virtual-key sheet, 1.5).
func (r *reader) share(h *handle, mode uint32) result {
	switch {
	case mode != shareExclusive:
		r.exclusive = false
	case r.exclusive:
	case len(r.handles) > 1:
		return scardSharingViolation
	default:
		r.exclusive, r.holder = true, h
		r.depth++
	}
	return scardOK
}

// pull takes the reader away. Its handles stay valid for nothing but DISCONNECT.
func (r *reader) pull() {
	r.gone, r.exclusive = true, false
	r.holder, r.depth = nil, 0
	r.card.powerOff()
}
