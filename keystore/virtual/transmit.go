package virtual

import "time"

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
	var trouble transmitFault
	var delay time.Duration
	if rv == scardOK {
		trouble, delay = h.reader.port.troubleLocked(apdu)
		rv = trouble.rv
	}
	s.mu.Unlock()
	if rv != scardOK {
		return nil, rv
	}
	answer, err := h.reader.port.disturbed(apdu, trouble, delay)
	if err == nil {
		return answer, scardOK
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case h.reader.gone:
	case h.event == scardRemovedCard:
		return nil, scardNoCard // the driver saw it go
	case h.event != scardOK:
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
		return r.card.firmware.atr()
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
