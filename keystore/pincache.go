package keystore

import (
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// maxPINCacheTTL is the longest that a PIN is kept, whatever is asked for (hardware-key sheet, 6.4).
const maxPINCacheTTL = time.Hour

// pinCache holds the verified PIN of one card in memory (hardware-key sheet, 6.4). It must be given verified PINs
// only: a wrong one would be shown to the card again and again. It is safe for concurrent use.
type pinCache struct {
	now func() time.Time

	mu     sync.Mutex
	pin    *secret.Bytes
	set    time.Time // when it was verified last
	expiry time.Time
}

func newPINCache(now func() time.Time) *pinCache { return &pinCache{now: now} }

// put keeps a copy of pin for ttl; zero keeps nothing. The same PIN again extends its life and never shortens it.
func (p *pinCache) put(pin *secret.Bytes, ttl time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropExpiredLocked()
	if ttl <= 0 {
		return
	}
	now := p.now()
	expiry := now.Add(min(ttl, maxPINCacheTTL))
	if p.pin != nil && p.pin.Equal(pin) {
		p.set = now
		if expiry.After(p.expiry) {
			p.expiry = expiry
		}
		return
	}
	p.wipeLocked()
	p.pin, p.set, p.expiry = pin.Clone(), now, expiry
}

// get returns a copy of the PIN if it was verified less than ttl ago, else nil. The caller wipes it.
func (p *pinCache) get(ttl time.Duration) *secret.Bytes {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropExpiredLocked()
	if p.pin == nil || passed(p.set.Add(min(ttl, maxPINCacheTTL)), p.now()) {
		return nil
	}
	return p.pin.Clone()
}

// until is when the PIN will be forgotten; zero when there is none.
func (p *pinCache) until() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropExpiredLocked()
	return p.expiry
}

// expire wipes a PIN whose time is over.
func (p *pinCache) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropExpiredLocked()
}

// forget wipes the PIN at once.
func (p *pinCache) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipeLocked()
}

func (p *pinCache) dropExpiredLocked() {
	if p.pin != nil && passed(p.expiry, p.now()) {
		p.wipeLocked()
	}
}

func (p *pinCache) wipeLocked() {
	p.pin.Wipe()
	p.pin, p.set, p.expiry = nil, time.Time{}, time.Time{}
}

// passed reports whether now is at or after end by either clock. The monotonic clock cannot be set back, but it
// stands still while the machine sleeps; the wall clock does not.
func passed(end, now time.Time) bool {
	return !now.Before(end) || !now.Round(0).Before(end.Round(0))
}
