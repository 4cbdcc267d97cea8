package virtual

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// request is how one command is answered: the size its message must have, and what to do with it.
type request struct {
	size   int
	handle func(*client, []byte) (reply []byte, err error)
}

// requests are the commands of the protocol. The daemon closes the connection on any other.
var requests map[messageCommand]request

func init() {
	requests = map[messageCommand]request{
		cmdVersion:          answered((*client).version),
		cmdEstablishContext: answered((*client).establish),
		cmdReleaseContext:   answered((*client).release),
		cmdCancel:           answered((*client).cancel),
		cmdConnect:          answered((*client).connect),
		cmdReconnect:        answered((*client).reconnect),
		cmdDisconnect:       answered((*client).disconnect),
		cmdBeginTransaction: answered((*client).begin),
		cmdEndTransaction:   answered((*client).end),
		cmdStatus:           answered((*client).status),
		cmdGetAttribute:     answered((*client).getAttribute),
		cmdSetAttribute:     answered((*client).setAttribute),

		cmdTransmit: withData((*client).transmit, func(m *transmitMessage) uint32 { return m.SendSize }),
		cmdControl:  withData((*client).control, func(m *controlMessage) uint32 { return m.SendSize }),

		cmdReadersState:      empty((*client).readersState),
		cmdReadersStateArray: empty((*client).readersState),
		cmdReadersStateSize:  empty((*client).readersStateSize),
		cmdReaderEvents:      empty((*client).readerEvents),
		cmdWaitChange:        empty((*client).waitChange),
		cmdStopWaiting:       empty((*client).stopWaiting),
	}
}

// answered is a request whose reply is its own message with the fields marked "out" filled in.
func answered[M any](do func(*client, *M) error) request {
	return request{size: binary.Size(new(M)), handle: func(c *client, body []byte) ([]byte, error) {
		m := new(M)
		if !decodeMessage(body, m) {
			return nil, errHangUp
		}
		if err := do(c, m); err != nil {
			return nil, err
		}
		return encodeMessage(m), nil
	}}
}

// withData is answered for the two messages that are followed by data, both ways.
func withData[M any](do func(*client, *M, []byte) ([]byte, error), size func(*M) uint32) request {
	return request{size: binary.Size(new(M)), handle: func(c *client, body []byte) ([]byte, error) {
		m := new(M)
		if !decodeMessage(body, m) {
			return nil, errHangUp
		}
		data, err := c.trailing(size(m))
		if err != nil {
			return nil, err
		}
		out, err := do(c, m, data)
		if err != nil {
			return nil, err
		}
		return append(encodeMessage(m), out...), nil
	}}
}

// empty is a request without a message of its own.
func empty(do func(*client) []byte) request {
	return request{handle: func(c *client, _ []byte) ([]byte, error) { return do(c), nil }}
}

const (
	protocolMajor    = 4
	protocolMinor    = 6
	oldestMinor      = 4
	firstQuietMinor  = 6 // from here on WAIT_READER_STATE_CHANGE is not answered
	badHandlePause   = 2 * time.Second
	beginRetryPeriod = 100 * time.Millisecond
)

// version agrees on the protocol. Answering 4.6 to every client from 4.4 on suits libraries 1.9 to 2.5
// (virtual-key sheet, 1.3).
func (c *client) version(m *versionMessage) error {
	m.Result = scardOK
	if m.Major != protocolMajor || m.Minor < oldestMinor || m.Minor > protocolMinor {
		m.Result = scardServiceStopped
	}
	c.old = m.Minor < firstQuietMinor
	m.Major, m.Minor = protocolMajor, protocolMinor
	return nil
}

func (c *client) establish(m *establishMessage) error {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.context = rand.Uint32()&0x7fffffff | 1
	m.Context, m.Result = c.context, scardOK
	return nil
}

func (c *client) release(m *releaseMessage) error {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	switch {
	case c.context == 0:
		m.Result = scardInvalidHandle
	case c.context != m.Context:
		m.Result = scardInvalidValue
	default:
		c.releaseLocked()
		m.Result = scardOK
	}
	return nil
}

// cancel ends another connection's wait for a change.
func (c *client) cancel(m *cancelMessage) error {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Result = scardInvalidHandle
	for other := range s.clients {
		if m.Context == 0 || other.context != m.Context {
			continue
		}
		m.Result = scardOK
		if other.waiting {
			other.waiting = false
			other.write(encodeMessage(waitMessage{Result: scardCancelled}))
		}
	}
	return nil
}

func (c *client) readersState() []byte {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.server.readersLocked()
}

func (c *client) readersStateSize() []byte { return encodeMessage(int32(maxReaders)) }

func (c *client) readerEvents() []byte {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return encodeMessage(eventsMessage{Counter: c.server.arrivals})
}

// waitChange registers for the next change. The array that older clients get goes out before any event can, because
// the events are written with server.mu held.
func (c *client) waitChange() []byte {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c.waiting = true
	if c.old {
		c.write(s.readersLocked())
	}
	return nil
}

// stopWaiting answers only a client that is still registered: an event sent just before is taken as the answer
// (virtual-key sheet, 1.4).
func (c *client) stopWaiting() []byte {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if !c.waiting {
		return nil
	}
	c.waiting = false
	return encodeMessage(waitMessage{})
}

// find returns the handle of this connection. For any other the daemon pauses and hangs up.
func (c *client) find(id int32) (*handle, error) {
	if h, ok := c.handles[id]; ok {
		return h, nil
	}
	pause, stop := c.server.clock.NewTimer(badHandlePause)
	defer stop()
	select {
	case <-pause:
	case <-c.server.closed:
	}
	return nil, errHangUp
}

// connect opens the card.
func (c *client) connect(m *connectMessage) error {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	h, rv := s.connectLocked(m)
	m.Handle, m.Protocol, m.Result = 0, 0, rv
	if rv == scardOK {
		c.handles[h.id] = h
		m.Handle, m.Protocol = h.id, h.reader.protocol
		s.signalLocked()
	}
	return nil
}

// connectLocked checks in the daemon's order. It blocks while another handle is inside a transaction.
func (s *server) connectLocked(m *connectMessage) (*handle, result) {
	name, _, _ := bytes.Cut(m.Reader[:], []byte{0})
	r := s.reader
	switch {
	case m.Share != shareDirect && m.Protocols&protocolAny == 0:
		return nil, scardProtoMismatch
	case m.Share < shareExclusive || m.Share > shareDirect:
		return nil, scardInvalidValue
	case r == nil || string(name) != r.name:
		return nil, scardUnknownReader
	}
	for r.holder != nil && !r.exclusive {
		if !s.awaitLocked(nil) {
			return nil, scardServiceStopped
		}
	}
	switch {
	case r.gone:
		return nil, scardUnknownReader
	case r.exclusive, m.Share == shareExclusive && len(r.handles) > 0:
		return nil, scardSharingViolation
	}
	r.powerUp()
	if m.Share != shareDirect {
		if rv := r.negotiate(m.Protocols); rv != scardOK {
			return nil, rv
		}
	}
	return r.open(m.Share), scardOK
}

// reconnect changes the sharing, resets the card where asked, and clears what happened to the handle before.
func (c *client) reconnect(m *reconnectMessage) error {
	h, err := c.find(m.Handle)
	if err != nil {
		return err
	}
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Protocol = 0
	m.Result = h.reconnect(m)
	if m.Result == scardOK {
		m.Protocol = h.reader.protocol
	}
	s.signalLocked()
	return nil
}

func (h *handle) reconnect(m *reconnectMessage) result {
	r := h.reader
	switch rv := h.usable(); {
	case m.Initialization > dispositionUnpower, m.Share < shareExclusive || m.Share > shareDirect:
		return scardInvalidValue
	case m.Share != shareDirect && m.Protocols&protocolAny == 0:
		return scardProtoMismatch
	case rv == scardInvalidValue || rv == scardSharingViolation:
		return rv
	}
	if m.Initialization != dispositionLeave {
		r.reset()
	}
	if m.Share != shareDirect {
		if rv := r.negotiate(m.Protocols); rv != scardOK {
			return rv
		}
	}
	if rv := r.share(h, m.Share); rv != scardOK {
		return rv
	}
	h.event = scardOK
	return scardOK
}

func (c *client) disconnect(m *disconnectMessage) error {
	h, err := c.find(m.Handle)
	if err != nil {
		return err
	}
	if m.Disposition > dispositionEject {
		m.Result = scardInvalidValue
		return nil
	}
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c.closeLocked(h, m.Disposition)
	delete(c.handles, h.id)
	m.Result = scardOK
	return nil
}

// closeLocked ends a handle. A reset waits until nobody else is inside a transaction.
func (c *client) closeLocked(h *handle, disposition uint32) {
	s, r := c.server, h.reader
	resets := disposition == dispositionReset || disposition == dispositionUnpower
	for resets && r.holder != nil && r.holder != h {
		if !s.awaitLocked(nil) {
			break
		}
	}
	if r.gone {
		return
	}
	if resets {
		r.reset()
	}
	r.close(h)
	s.signalLocked()
}

// begin enters a transaction. While another handle is inside one, the library asks again and again; the pause keeps
// it from doing so at full speed.
func (c *client) begin(m *beginMessage) error {
	h, err := c.find(m.Handle)
	if err != nil {
		return err
	}
	retry := time.NewTimer(beginRetryPeriod) // paces the client, so it is real time and not the card's clock
	defer retry.Stop()
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Result = h.usable()
	for m.Result == scardSharingViolation && s.awaitLocked(retry.C) {
		m.Result = h.usable()
	}
	if m.Result == scardOK {
		h.reader.holder = h
		h.reader.depth++
	}
	return nil
}

func (c *client) end(m *endMessage) error {
	h, err := c.find(m.Handle)
	if err != nil {
		return err
	}
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Disposition > dispositionEject {
		m.Result = scardInvalidValue
		return nil
	}
	if m.Result = h.usable(); m.Result != scardOK {
		return nil
	}
	if m.Disposition == dispositionReset || m.Disposition == dispositionUnpower {
		h.reader.reset()
	}
	m.Result = h.reader.end()
	s.wakeLocked()
	return nil
}

func (c *client) status(m *statusMessage) error {
	h, err := c.find(m.Handle)
	if err != nil {
		return err
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	m.Result = h.usable()
	return nil
}

// transmit sends an APDU to the card. Nothing is locked while the card works, so that a wait for a touch holds up
// nobody else.
func (c *client) transmit(m *transmitMessage, apdu []byte) ([]byte, error) {
	h, err := c.find(m.Handle)
	if err != nil {
		return nil, err
	}
	answer, rv := c.exchange(h, m.SendProtocol, apdu)
	if rv == scardOK && uint32(len(answer)) > m.RecvSize {
		answer, rv = nil, scardInsufficientBuffer
	}
	m.RecvSize, m.Result = uint32(len(answer)), rv
	c.server.notify()
	return answer, nil
}

func (c *client) exchange(h *handle, protocol uint32, apdu []byte) ([]byte, result) {
	s := c.server
	s.mu.Lock()
	rv := h.usable()
	if rv == scardOK && protocol != h.reader.protocol {
		rv = scardProtoMismatch
	}
	if rv == scardOK {
		rv = s.faultLocked(apdu)
	}
	s.mu.Unlock()
	if rv != scardOK {
		return nil, rv
	}
	answer, err := h.reader.card.transmit(apdu)
	if err == nil {
		return answer, scardOK
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !h.reader.gone && h.event != scardOK {
		return nil, h.event
	}
	return nil, scardNotTransacted // the driver's word for a USB exchange that broke off
}

// featureRequest asks for the features of the reader's pin pad (PC/SC part 10, 2.2).
const featureRequest = 0x42000000 + 3400

func (c *client) control(m *controlMessage, _ []byte) ([]byte, error) {
	h, err := c.find(m.Handle)
	if err != nil {
		return nil, err
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	m.Returned = 0
	m.Result = h.usable()
	if m.Result == scardOK && m.Code != featureRequest {
		m.Result = scardUnsupported
	}
	return nil, nil // no features: the reader has no pin pad
}

// Attributes worth answering (virtual-key sheet, 1.5).
const (
	attributeATR          = 0x00090303
	attributeVendor       = 0x00010100
	attributeFriendlyName = 0x7fff0003
	attributeSystemName   = 0x7fff0004
)

func (c *client) getAttribute(m *attributeMessage) error {
	h, err := c.find(m.Handle)
	if err != nil {
		return err
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	m.Size = 0
	if m.Result = h.usable(); m.Result != scardOK {
		return nil
	}
	value := h.reader.attribute(m.ID)
	if value == nil {
		m.Result = scardUnsupported
	}
	m.Size = uint32(copy(m.Value[:], value))
	return nil
}

func (r *reader) attribute(id uint32) []byte {
	switch id {
	case attributeATR:
		return atr
	case attributeVendor:
		return []byte("Yubico\x00")
	case attributeFriendlyName, attributeSystemName:
		return []byte(r.name + "\x00")
	default:
		return nil
	}
}

func (c *client) setAttribute(m *attributeMessage) error {
	if _, err := c.find(m.Handle); err != nil {
		return err
	}
	m.Result = scardUnsupported
	return nil
}
