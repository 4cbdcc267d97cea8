package virtual

import (
	"bytes"
	"time"
)

// The daemon's pauses (virtual-key sheet, 1.1 and 1.5).
const (
	badHandlePause   = 2 * time.Second
	beginRetryPeriod = 100 * time.Millisecond
)

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
	r := s.readerLocked(string(name))
	switch {
	case m.Share != shareDirect && m.Protocols&protocolAny == 0:
		return nil, scardProtoMismatch
	case m.Share < shareExclusive || m.Share > shareDirect:
		return nil, scardInvalidValue
	case r == nil:
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
	case r.absent && m.Share != shareDirect:
		return nil, scardNoCard
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
	case r.absent:
		return scardNoCard
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
