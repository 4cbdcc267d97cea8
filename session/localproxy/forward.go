package localproxy

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// forward copies both ways until both sides have ended. The end of one direction is passed on as such: tools like psql
// end their input and still want the answer. It reports whether the remote side hung up without a word while the
// client was still there; only then is the client still to be spoken to.
func forward(client, remote net.Conn, sent, received *atomic.Int64) (refused bool) {
	var both sync.WaitGroup
	var left atomic.Bool
	both.Go(func() {
		_, err := io.Copy(counted{remote, sent}, client)
		left.Store(err == nil)
		if err != nil || closeWrite(remote) != nil {
			_ = remote.Close() // ends the other direction
		}
	})
	both.Go(func() {
		n, err := io.Copy(counted{client, received}, remote)
		refused = n == 0 && !left.Load()
		switch {
		case refused:
			_ = client.SetReadDeadline(time.Unix(1, 0)) // ends the other direction
		case err != nil || closeWrite(client) != nil:
			_ = client.Close()
		}
	})
	both.Wait()
	return refused
}

// counted counts what is written. It hides every other method of a connection, so that nothing bypasses it.
type counted struct {
	to    io.Writer
	count *atomic.Int64
}

// Write writes and counts.
func (c counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.count.Add(int64(n))
	return n, err
}

// closeWrite ends one direction where the connection can, else both.
func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
