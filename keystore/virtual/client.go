package virtual

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// client is one connection: one SCARDCONTEXT, or a short one that only carries CANCEL.
type client struct {
	server *server
	conn   *net.UnixConn

	writing sync.Mutex // one message at a time; taken after server.mu where both are needed

	handles map[int32]*handle // used by run's goroutine only
	context uint32            // guarded by server.mu
	waiting bool              // registered for the next change; guarded by server.mu
	old     bool              // speaks less than 4.6; used by run's goroutine only
}

// errHangUp ends a connection that broke the protocol, as the daemon does.
var errHangUp = errors.New("the client broke the protocol")

// run answers requests until the connection ends.
func (c *client) run() {
	defer c.leave()
	for {
		if err := c.answer(); err != nil {
			if errors.Is(err, errHangUp) {
				c.server.log.Warn("closing a PC/SC connection", "err", err)
			}
			return
		}
	}
}

// answer reads one request and writes the reply.
func (c *client) answer() error {
	var head [8]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return err
	}
	var h header
	if !decodeMessage(head[:], &h) {
		return errHangUp
	}
	known, ok := requests[h.Command]
	if !ok || h.Size != uint32(known.size) {
		return errHangUp
	}
	body := make([]byte, h.Size)
	if _, err := io.ReadFull(c.conn, body); err != nil {
		return err
	}
	reply, err := known.handle(c, body)
	if err != nil {
		return err
	}
	return c.write(reply)
}

// trailing reads the data behind TRANSMIT and CONTROL.
func (c *client) trailing(size uint32) ([]byte, error) {
	if size > maxAPDU {
		return nil, errHangUp
	}
	data := make([]byte, size)
	_, err := io.ReadFull(c.conn, data)
	return data, err
}

// writeTimeout bounds how long a client that does not read can hold up others.
const writeTimeout = 2 * time.Second

// write sends one message. A client that cannot be written to loses its connection.
func (c *client) write(message []byte) error {
	if len(message) == 0 {
		return nil
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = c.conn.Write(message)
	}
	if err != nil {
		c.conn.Close()
	}
	return err
}

// leave cleans up after a connection. A client that died inside its transaction leaves a reset card.
func (c *client) leave() {
	c.conn.Close()
	s := c.server
	s.mu.Lock()
	c.releaseLocked()
	delete(s.clients, c)
	s.mu.Unlock()
	s.notify()
}

// releaseLocked closes every handle of the client's context.
func (c *client) releaseLocked() {
	for id, h := range c.handles {
		disposition := uint32(dispositionLeave)
		if h.reader.holder == h && h.event == scardOK {
			disposition = dispositionReset
		}
		c.closeLocked(h, disposition)
		delete(c.handles, id)
	}
	c.context, c.waiting = 0, false
}
