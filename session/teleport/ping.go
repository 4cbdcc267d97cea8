package teleport

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// pingConn speaks ping framing: length, then payload. The proxy sends empty frames so that idle connections live; we
// need not answer (transport sheet, section 4). One goroutine may read and others write.
type pingConn struct {
	net.Conn
	left uint32 // of the present frame; for the reader only

	writing sync.Mutex
	frame   []byte // guarded by writing
}

// pingHead is the length of a frame's length.
const pingHead = 4

// Read returns payload.
func (c *pingConn) Read(p []byte) (int, error) {
	for c.left == 0 {
		var head [pingHead]byte
		if n, err := io.ReadFull(c.Conn, head[:]); err != nil {
			if n > 0 {
				return 0, fmt.Errorf("reading a frame: %w", err)
			}
			return 0, err // the end, between frames
		}
		c.left = binary.BigEndian.Uint32(head[:])
	}
	n, err := c.Conn.Read(p[:min(uint64(len(p)), uint64(c.left))])
	c.left -= uint32(n)
	if err == io.EOF && c.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Write sends p as one frame in one write.
func (c *pingConn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil // an empty frame would be a ping
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.frame = binary.BigEndian.AppendUint32(c.frame[:0], uint32(len(p)))
	c.frame = append(c.frame, p...)
	n, err := c.Conn.Write(c.frame)
	return max(n-pingHead, 0), err
}

// CloseWrite ends our direction where the connection can, else both.
func (c *pingConn) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
