package demo

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

// pingInterval is how often the proxy shows that a connection lives (transport sheet, section 4).
const pingInterval = 30 * time.Second

// pingConn is the proxy's side of ping framing. Close ends its pings.
type pingConn struct {
	net.Conn
	left uint32 // of the frame being read; for the reader only

	mu     sync.Mutex // one frame at a time
	timer  *time.Timer
	closed bool // guarded by mu
}

// newPingConn begins with a ping, so that no client gets away with not knowing them.
func newPingConn(c net.Conn) *pingConn {
	p := &pingConn{Conn: c}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(0, p.ping)
	return p
}

func (p *pingConn) ping() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if _, err := p.Conn.Write(make([]byte, 4)); err == nil {
		p.timer.Reset(pingInterval)
	}
}

// Read returns payload.
func (p *pingConn) Read(b []byte) (int, error) {
	for p.left == 0 {
		var head [4]byte
		if _, err := io.ReadFull(p.Conn, head[:]); err != nil {
			return 0, err
		}
		p.left = binary.BigEndian.Uint32(head[:])
	}
	n, err := p.Conn.Read(b[:min(uint64(len(b)), uint64(p.left))])
	p.left -= uint32(n)
	return n, err
}

// Write sends b as one frame.
func (p *pingConn) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
	n, err := p.Conn.Write(frame)
	return max(n-4, 0), err
}

// Close ends the pings as well, and does not wait for a client that reads none.
func (p *pingConn) Close() error {
	err := p.Conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.timer.Stop()
	return err
}
