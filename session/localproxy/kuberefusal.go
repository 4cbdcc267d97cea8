package localproxy

import (
	"sync"
	"time"
)

// refusalRest is how long a refusal stands: kubectl begins with five tries in a row, and nobody wants to say no five
// times.
const refusalRest = 3 * time.Second

// recentRefusal is why a request was refused a moment ago.
type recentRefusal struct {
	mu  sync.Mutex
	why error     // nil for none; guarded by mu
	at  time.Time // guarded by mu
}

func (r *recentRefusal) keep(why error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.why, r.at = why, now
}

func (r *recentRefusal) forget() { r.keep(nil, time.Time{}) }

// standing is the refusal while it stands, else nil.
func (r *recentRefusal) standing(now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.at) >= refusalRest {
		return nil
	}
	return r.why
}
