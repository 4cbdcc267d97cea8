package demo

import (
	"maps"
	"sync"
	"time"
)

// appSessions are the sessions with applications that this start of the cluster knows (apps sheet, 5.1).
type appSessions struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]appSession // by id, guarded by mu
}

type appSession struct {
	user, publicAddr string
	expires          time.Time
}

func newAppSessions(now func() time.Time) *appSessions {
	return &appSessions{now: now, open: map[string]appSession{}}
}

// add keeps a new session, forgets those that have ended, and returns its id.
func (a *appSessions) add(s appSession) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.open, func(_ string, old appSession) bool { return !old.expires.After(a.now()) })
	id := newUUID()
	a.open[id] = s
	return id
}

// check refuses an id that is not of a session of that user.
func (a *appSessions) check(user, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, ok := a.open[id]; !ok || s.user != user || !s.expires.After(a.now()) {
		return refuse(notFound, "app session %q is not found", id)
	}
	return nil
}

// remove ends a session of that user.
func (a *appSessions) remove(user, id string) error {
	if err := a.check(user, id); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.open, id)
	return nil
}
