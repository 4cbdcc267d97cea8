// Package secret holds PINs and passwords in memory of their own: locked where the system allows, wiped after use,
// and never printed. It cannot reach the copies that other libraries make; docs/attack-surface.md names those.
package secret

import (
	"crypto/subtle"
	"errors"
	"log/slog"
	"sync"
)

// Bytes is a secret. Make one with New or Take, read it with Reveal, end it with Wipe. Copies of the pointer share
// the memory; after Wipe all of them are empty. A nil *Bytes is an empty secret. Bytes is safe for concurrent use
// as long as nobody keeps a revealed slice beyond the owner's Wipe.
type Bytes struct {
	mu     sync.Mutex
	buf    []byte // the secret itself, guarded by mu
	region []byte // what buf lies in, as allocate gave it
}

// New copies text into a new secret. The caller wipes text if it owns it.
func New(text []byte) *Bytes {
	region := allocate(len(text))
	b := &Bytes{region: region, buf: region[:len(text):len(text)]}
	copy(b.buf, text)
	return b
}

// Take moves text into a new secret: text is zeroed.
func Take(text []byte) *Bytes {
	b := New(text)
	clear(text)
	return b
}

// Reveal returns the secret's own memory, not a copy: use it at once, do not keep it, do not turn it into a string
// that outlives one call. It is nil after Wipe.
func (b *Bytes) Reveal() []byte {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf
}

// Len is the number of bytes.
func (b *Bytes) Len() int { return len(b.Reveal()) }

// Clone returns a secret of its own with the same content, for an owner with another lifetime.
func (b *Bytes) Clone() *Bytes { return New(b.Reveal()) }

// Equal compares in a time that depends on the lengths only.
func (b *Bytes) Equal(other *Bytes) bool {
	return subtle.ConstantTimeCompare(b.Reveal(), other.Reveal()) == 1
}

// Wipe zeroes the secret and gives the memory back. Wiping twice is allowed.
func (b *Bytes) Wipe() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.region)
	release(b.region)
	b.buf, b.region = nil, nil
}

// String hides the secret from fmt.
func (b *Bytes) String() string { return "[secret]" }

// GoString hides the secret from %#v.
func (b *Bytes) GoString() string { return "[secret]" }

// LogValue hides the secret from slog.
func (b *Bytes) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalJSON refuses: a secret in a file is a mistake.
func (b *Bytes) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a secret cannot be encoded")
}
