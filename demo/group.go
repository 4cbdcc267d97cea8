package demo

import "sync"

// group owns goroutines. The zero group is ready to use.
type group struct {
	wg sync.WaitGroup

	mu      sync.Mutex
	closed  bool           // guarded by mu
	next    int            // guarded by mu
	running map[int]func() // how to stop each, guarded by mu
}

// run starts work in a goroutine. stop is called when the group closes and must make work return soon; when the group
// is closed already, stop is called instead of work.
func (g *group) run(stop, work func()) {
	id, ok := g.enter(stop)
	if !ok {
		stop()
		return
	}
	go func() {
		defer g.wg.Done()
		defer g.leave(id)
		work()
	}()
}

func (g *group) enter(stop func()) (int, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return 0, false
	}
	if g.running == nil {
		g.running = make(map[int]func())
	}
	g.next++
	g.running[g.next] = stop
	g.wg.Add(1)
	return g.next, true
}

func (g *group) leave(id int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, id)
}

// close stops all work and waits for it. Stops are called without the lock, since they may start or end other work.
func (g *group) close() {
	g.mu.Lock()
	g.closed = true
	stops := make([]func(), 0, len(g.running))
	for _, stop := range g.running {
		stops = append(stops, stop)
	}
	g.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
	g.wg.Wait()
}
