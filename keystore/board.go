package keystore

import (
	"context"
	"reflect"
	"sync"
)

// board holds the latest snapshot and wakes those who wait for a newer one.
type board struct {
	mu      sync.Mutex
	latest  Snapshot
	changed chan struct{} // closed and replaced with every new snapshot
	closed  bool
}

func newBoard() *board { return &board{changed: make(chan struct{})} }

// publish makes build's result the latest snapshot unless it shows nothing new. build runs under the board's lock,
// so that an older view never replaces a newer one.
func (b *board) publish(build func() Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := build()
	next.Version = b.latest.Version
	if b.closed || reflect.DeepEqual(next, b.latest) {
		return
	}
	next.Version++
	b.latest = next
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *board) snapshot() Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.latest
}

// wait blocks until there is a snapshot newer than version after. It fails when ctx ends or the board is closed.
func (b *board) wait(ctx context.Context, after uint64) (Snapshot, error) {
	for {
		b.mu.Lock()
		latest, changed, closed := b.latest, b.changed, b.closed
		b.mu.Unlock()
		if latest.Version > after {
			return latest, nil
		}
		if closed {
			return latest, ErrClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return latest, context.Cause(ctx)
		}
	}
}

// close wakes everyone who waits, for the last time.
func (b *board) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.changed)
	}
}
