package demo

import (
	"maps"
	"sync"
	"time"
)

// textTooMany is how the request beyond the limit is refused (gRPC sheet, section 7).
const textTooMany = "rate limit exceeded"

// limiter lets every client make a number of requests at once, and gives back one of them every so often. Clients are
// told apart by their IP address.
type limiter struct {
	burst int
	every time.Duration
	now   func() time.Time

	mu   sync.Mutex
	made map[string]made // by address, guarded by mu
}

// made is how many requests of a client count still, and since when.
type made struct {
	requests int
	since    time.Time
}

// Limits of the calls that make challenges (gRPC sheet, section 7; the web API's is that of ten times as many people).
const (
	challengeBurst = 20
	challengeEvery = 6 * time.Second
	beginBurst     = 40
	beginEvery     = 3 * time.Second
)

func newLimiter(burst int, every time.Duration, now func() time.Time) *limiter {
	return &limiter{burst: burst, every: every, now: now, made: map[string]made{}}
}

// take counts one request, or refuses it.
func (l *limiter) take(address string) error {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.made, func(_ string, m made) bool { return m.left(now, l.every).requests == 0 })
	m := l.made[address].left(now, l.every)
	if m.requests >= l.burst {
		return refuse(limitExceeded, textTooMany)
	}
	if m.requests == 0 {
		m.since = now
	}
	m.requests++
	l.made[address] = m
	return nil
}

// left is what counts still by now.
func (m made) left(now time.Time, every time.Duration) made {
	forgotten := min(int(now.Sub(m.since)/every), m.requests)
	return made{requests: m.requests - forgotten, since: m.since.Add(time.Duration(forgotten) * every)}
}
