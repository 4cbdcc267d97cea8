package teleport

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Patience is how long to wait for a peer. Signatures do not count: a key may wait for a person (transport sheet,
// section 6).
type Patience struct {
	Dial      time.Duration // until a connection is open; 10 s when zero
	Handshake time.Duration // until TLS or SSH is agreed; 20 s when zero
	Call      time.Duration // until an answer is there; 30 s, as the cluster's own clients wait, when zero
}

func (p Patience) orDefault() Patience {
	return Patience{
		Dial:      cmp.Or(p.Dial, 10*time.Second),
		Handshake: cmp.Or(p.Handshake, 20*time.Second),
		Call:      cmp.Or(p.Call, 30*time.Second),
	}
}

// attend runs one handshake on conn. It ends early when ctx does, or when the peer keeps us waiting for longer than
// limit, not counting the time that the key takes to sign. When it fails, conn is closed.
func attend(ctx context.Context, conn net.Conn, key crypto.Signer, limit time.Duration, shake func(*attendedSigner) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(limit, func() { cancel(fmt.Errorf("%w within %v", ErrSilent, limit)) })
	defer timer.Stop()
	detach := context.AfterFunc(ctx, func() { _ = conn.Close() })
	signer := &attendedSigner{Signer: key, timer: timer, limit: limit}
	err := shake(signer)
	if !detach() {
		err = context.Cause(ctx) // conn is closed: a handshake that got through just before is of no use
	}
	if signing := signer.failure(); signing != nil && ctx.Err() == nil {
		err = signing
	}
	if err != nil {
		_ = conn.Close()
	}
	return err
}

// attendedSigner stops the clock of a handshake while the key works, and keeps the key's error.
type attendedSigner struct {
	crypto.Signer
	timer *time.Timer
	limit time.Duration

	mu   sync.Mutex
	used bool          // guarded by mu
	err  *SigningError // guarded by mu
}

// Sign signs with the clock stopped.
func (s *attendedSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	s.timer.Stop()
	defer s.timer.Reset(s.limit)
	signature, err := s.Signer.Sign(random, digest, opts)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = true
	if err != nil {
		s.err = &SigningError{Err: err}
		return nil, s.err
	}
	return signature, nil
}

// asked reports whether the peer wanted a signature, and so had shown its certificate before.
func (s *attendedSigner) asked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// failure returns the last signature's error, or nil.
func (s *attendedSigner) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		return nil
	}
	return s.err
}

// dialTCP opens a connection to address. Its error is an *AddressError.
func (p Patience) dialTCP(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: p.Dial}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, &AddressError{Address: address, Err: cause(ctx, err)}
	}
	return conn, nil
}

// isTimeout reports whether err is a timeout of the network or of a call.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
