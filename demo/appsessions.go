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
	mfaDevice        string // the second factor that it was checked with
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

// check returns the session with that id, and refuses one that is not of a session of that user.
func (a *appSessions) check(user, id string) (appSession, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.open[id]
	if !ok || s.user != user || !s.expires.After(a.now()) {
		return appSession{}, refuse(notFound, "app session %q is not found", id)
	}
	return s, nil
}

// remove ends a session of that user.
func (a *appSessions) remove(user, id string) error {
	if _, err := a.check(user, id); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.open, id)
	return nil
}
