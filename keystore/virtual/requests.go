package virtual

import (
	"encoding/binary"
	"math/rand/v2"
)

// request is how one command is answered: the size its message must have, and what to do with it.
type request struct {
	size   int
	handle func(*client, []byte) (reply []byte, err error)
}

// requests are the commands of the protocol. The daemon closes the connection on any other.
var requests = map[messageCommand]request{
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
	protocolMajor   = 4
	protocolMinor   = 6
	oldestMinor     = 4
	firstQuietMinor = 6 // from here on WAIT_READER_STATE_CHANGE is not answered
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
