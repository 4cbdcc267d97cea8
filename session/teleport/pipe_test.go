package teleport

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// pipe is a connection in memory whose writes do not wait for the reader: in SSH both sides speak first, which the
// unbuffered net.Pipe does not survive. Unlike a socket, it works on the clock of a test's bubble.
func pipe() (a, b net.Conn) {
	left, right := newHalf(), newHalf()
	return &pipeEnd{in: left, out: right}, &pipeEnd{in: right, out: left}
}

// half is one direction.
type half struct {
	mu     sync.Mutex
	more   *sync.Cond
	buf    bytes.Buffer // guarded by mu
	closed bool         // guarded by mu
}

func newHalf() *half {
	h := &half{}
	h.more = sync.NewCond(&h.mu)
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.buf.Len() == 0 && !h.closed {
		h.more.Wait()
	}
	return h.buf.Read(p) // io.EOF once closed and empty
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, io.ErrClosedPipe
	}
	h.more.Broadcast()
	return h.buf.Write(p)
}

func (h *half) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.more.Broadcast()
}

type pipeEnd struct{ in, out *half }

func (e *pipeEnd) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *pipeEnd) Write(p []byte) (int, error) { return e.out.write(p) }
func (e *pipeEnd) Close() error {
	e.in.close()
	e.out.close()
	return nil
}
func (e *pipeEnd) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (e *pipeEnd) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (e *pipeEnd) SetDeadline(time.Time) error      { return nil }
func (e *pipeEnd) SetReadDeadline(time.Time) error  { return nil }
func (e *pipeEnd) SetWriteDeadline(time.Time) error { return nil }
