package ui

import (
	"context"
	"slices"

	"github.com/touchstone-app/touchstone/session"
)

// longestRecents is how many servers are remembered without being pinned.
const longestRecents = 8

// memory is what the window remembers, and saves behind its back. Fyne thread only.
type memory struct {
	now    Remembered
	store  Memory
	loop   *loop
	report func(error)
	saving bool // a save is under way
	dirty  bool // and is out of date already
}

func newMemory(store Memory, l *loop, report func(error)) *memory {
	return &memory{now: store.Remembered(), store: store, loop: l, report: report}
}

// save writes what is remembered now. Saves never overtake each other.
func (m *memory) save() {
	if m.saving {
		m.dirty = true
		return
	}
	m.saving, m.dirty = true, false
	now := m.now
	m.loop.run(func(context.Context) error { return m.store.Remember(now) }, func(err error) {
		m.saving = false
		m.report(err)
		if m.dirty {
			m.save()
		}
	})
}

// close saves what changed during the last save.
func (m *memory) close() {
	if m.dirty {
		_ = m.store.Remember(m.now) // there is no window any more to tell a problem in
	}
}

func (m *memory) stayInTray() {
	m.now.StaysInTray = true
	m.save()
}

func (m *memory) pinned(p Place) bool { return slices.ContainsFunc(m.now.Pins, p.same) }

// pin pins a place as it was visited the last time, or takes its pin away.
func (m *memory) pin(p Place) {
	p = m.last(p)
	if m.pinned(p) {
		m.now.Pins = slices.DeleteFunc(slices.Clone(m.now.Pins), p.same)
	} else {
		m.now.Pins = append(slices.Clone(m.now.Pins), p)
	}
	m.save()
}

// visited puts a server first among the recent ones and remembers the login for its pin.
func (m *memory) visited(p Place) {
	others := slices.DeleteFunc(slices.Clone(m.now.Recents), p.same)
	recents := append([]Place{p}, others[:min(len(others), longestRecents-1)]...)
	pins := slices.Clone(m.now.Pins)
	if i := slices.IndexFunc(pins, p.same); i >= 0 {
		pins[i] = p
	}
	if !slices.Equal(recents, m.now.Recents) || !slices.Equal(pins, m.now.Pins) {
		m.now.Recents, m.now.Pins = recents, pins
		m.save()
	}
}

// last is a place as it was visited the last time, or as it is given.
func (m *memory) last(p Place) Place {
	if i := slices.IndexFunc(m.now.Recents, p.same); i >= 0 {
		return m.now.Recents[i]
	}
	if i := slices.IndexFunc(m.now.Pins, p.same); i >= 0 {
		return m.now.Pins[i]
	}
	return p
}

// same says whether two memories are of one place, whoever logs in.
func (p Place) same(q Place) bool {
	return p.Cluster == q.Cluster && p.Kind == q.Kind && p.Server == q.Server
}

// title is how menus call a place.
func (p Place) title(c session.Cluster) string {
	name := p.Name
	if p.Login != "" {
		name = p.Login + "@" + name
	}
	return name + " · " + c.Name
}
