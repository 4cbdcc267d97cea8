package session

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net"
	"sync"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// link is what one keyring has open on its cluster. Opening a connection costs a signature, perhaps a touch, so
// connections are kept and shared. A nil link has nothing open.
type link struct {
	m       *Manager
	profile profile
	ring    *keyring
	client  *teleport.Client
	auth    shared[*teleport.Auth]
	nodes   shared[teleport.NodeDialer]

	mu      sync.Mutex
	shells  int  // streams on nodes; guarded by mu
	retired bool // close nodes with the last shell; guarded by mu
}

func newLink(m *Manager, p profile, ring *keyring) *link {
	// Behind the web port only the cluster's own host authorities count, so no roots are needed here.
	client := teleport.New(teleport.Config{
		Address: p.Proxy, Services: p.Services, Version: m.config.Version, Now: m.config.Now, Patience: m.patience,
	})
	return &link{
		m: m, profile: p, ring: ring, client: client,
		auth:  newShared[*teleport.Auth](),
		nodes: newShared[teleport.NodeDialer](),
	}
}

// identity binds the keyring to one use, which the key's prompts show.
func (l *link) identity(ctx context.Context, what string) teleport.Identity {
	return l.ring.identity(ctx, l.m.purpose(l.profile, what), l.m.config.Now)
}

// withAuth runs do with the connection to the auth server, opening it where needed.
func (l *link) withAuth(ctx context.Context, what string, do func(*teleport.Auth) error) error {
	return l.auth.use(ctx, func() (*teleport.Auth, error) {
		if err := l.warmUp(ctx, what); err != nil {
			return nil, err
		}
		return l.dialAuth(ctx, what)
	}, do)
}

// dialAuth goes through the web port, or without TLS routing over the connection that leads to servers: what is open
// there already costs no signature again (transport sheet, 10.1).
func (l *link) dialAuth(ctx context.Context, what string) (*teleport.Auth, error) {
	if !l.profile.Services.Separate() {
		return l.client.DialAuth(ctx, l.identity(ctx, what))
	}
	var stream net.Conn
	err := l.withNodes(ctx, what, func(nodes teleport.NodeDialer) (err error) {
		stream, err = nodes.DialCluster(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return l.client.DialAuthOn(ctx, l.identity(ctx, what), stream)
}

// withNodes runs do with the connection to the proxy that leads to servers, opening it where needed. In separate
// layouts the connection to the auth server runs over it.
func (l *link) withNodes(ctx context.Context, what string, do func(teleport.NodeDialer) error) error {
	return l.nodes.use(ctx, func() (teleport.NodeDialer, error) {
		return l.client.DialNodes(ctx, l.identity(ctx, what), l.profile.major())
	}, do)
}

// warmUp has a key that waits for a touch sign something of no use before a connection is opened: servers give a
// handshake no more than 5 to 15 s, which a person may need for the touch (transport sheet, sections 1 and 6). The
// signature that the handshake needs comes at once then.
func (l *link) warmUp(ctx context.Context, what string) error {
	if !l.ring.key.slow() {
		return nil
	}
	digest := sha256.Sum256([]byte("touchstone: wake the key"))
	_, err := l.ring.key.For(ctx, l.m.purpose(l.profile, what)).Sign(rand.Reader, digest[:], crypto.SHA256)
	return err
}

// hold keeps the way to servers open for a shell; the returned function lets go of it.
func (l *link) hold() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shells++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		l.shells--
		last := l.retired && l.shells == 0
		l.mu.Unlock()
		if last {
			l.nodes.close()
		}
	})
}

// retire closes what nobody uses any more, once a newer sign-in has taken the link's place: open shells stay.
func (l *link) retire() {
	if l == nil {
		return
	}
	l.mu.Lock()
	l.retired = true
	idle := l.shells == 0
	l.mu.Unlock()
	l.auth.close()
	if idle {
		l.nodes.close()
	}
}

// close closes everything, open shells included.
func (l *link) close() {
	if l == nil {
		return
	}
	l.auth.close()
	l.nodes.close()
}

// purpose is what the key's prompts show.
func (m *Manager) purpose(p profile, what string) keystore.Purpose {
	return keystore.Purpose{Where: p.name(), What: what, Program: "Touchstone"}
}

// closer is a connection that several uses share.
type closer interface {
	comparable
	Close() error
}

// shared is a connection that is opened by its first use and again after it broke. Uses run side by side; only
// opening happens one at a time, so that several callers cost one touch.
type shared[T closer] struct {
	turn chan *held[T] // holds what there is, or nothing while somebody opens or closes
}

// held is the state of a shared connection.
type held[T closer] struct {
	conn   T // the zero value when there is none
	closed bool
}

func newShared[T closer]() shared[T] {
	s := shared[T]{turn: make(chan *held[T], 1)}
	s.turn <- &held[T]{}
	return s
}

// use runs do with the connection. Where an older connection turns out to be broken, do runs once more with a new one.
func (s shared[T]) use(ctx context.Context, dial func() (T, error), do func(T) error) error {
	for {
		conn, fresh, err := s.get(ctx, dial)
		if err != nil {
			return err
		}
		err = do(conn)
		if !broken(err) || ctx.Err() != nil {
			return err
		}
		s.drop(conn)
		if fresh {
			return err
		}
	}
}

// get returns the connection, opening it when there is none.
func (s shared[T]) get(ctx context.Context, dial func() (T, error)) (conn T, fresh bool, err error) {
	var none T
	select {
	case h := <-s.turn:
		defer func() { s.turn <- h }()
		if h.closed {
			return none, false, errClosed
		}
		if h.conn != none {
			return h.conn, false, nil
		}
		h.conn, err = dial()
		return h.conn, true, err
	case <-ctx.Done():
		return none, false, context.Cause(ctx)
	}
}

// drop closes a broken connection, unless somebody has already replaced it.
func (s shared[T]) drop(conn T) {
	h := <-s.turn
	if h.conn == conn {
		var none T
		h.conn = none
		_ = conn.Close() // it was broken
	}
	s.turn <- h
}

// close ends the connection for good. It waits for an opening in progress.
func (s shared[T]) close() {
	h := <-s.turn
	var none T
	if h.conn != none {
		_ = h.conn.Close() // nothing is left to be sent on it
	}
	h.conn, h.closed = none, true
	s.turn <- h
}

// broken reports whether err says that a connection is of no more use.
func broken(err error) bool {
	return errors.Is(err, teleport.ErrConnectionLost) || errors.Is(err, teleport.ErrCertificateRefused)
}
