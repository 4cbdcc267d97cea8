package keystore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// watcher looks at the readers again and again and starts and ends cards. It has a worker of its own, so that a
// card that waits for a touch never hides the arrival of another one.
type watcher struct {
	store *Store
	every time.Duration
	link  link

	ctx     context.Context
	stop    context.CancelCauseFunc
	done    chan struct{}
	wanted  chan chan error // scans that someone waits for
	reading sync.WaitGroup  // cards that have just arrived and are being read
}

func startWatcher(s *Store, every time.Duration) *watcher {
	ctx, stop := context.WithCancelCause(context.Background())
	w := &watcher{
		store:  s,
		every:  every,
		link:   newLink(s.worker),
		ctx:    ctx,
		stop:   stop,
		done:   make(chan struct{}),
		wanted: make(chan chan error),
	}
	go w.run()
	return w
}

func (w *watcher) run() {
	defer close(w.done)
	defer w.reading.Wait()
	defer w.link.close()
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	w.look()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-ticker.C:
			w.look()
		case answer := <-w.wanted:
			w.look()
			answer <- context.Cause(w.ctx)
		}
	}
}

// close ends the watcher and waits for it.
func (w *watcher) close() {
	w.stop(ErrClosed)
	<-w.done
}

// scan looks at the readers now and waits for the end of that look.
func (w *watcher) scan(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case w.wanted <- answer:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.done:
		return ErrClosed
	}
	return <-answer
}

// look reads the list of readers once and follows it.
func (w *watcher) look() {
	readers, err := w.readers()
	if w.ctx.Err() != nil {
		return
	}
	if err != nil {
		w.store.log.Debug("readers cannot be listed", "err", err)
	}
	w.store.setProblem(err)
	if err == nil || isKind(err, kindService) { // else the cards may well be there
		w.follow(readers)
	}
	w.tend()
}

// readers asks the worker, once more with a fresh one if that might help.
func (w *watcher) readers() ([]readerInfo, error) {
	for first := true; ; first = false {
		answer, err := w.link.call(w.ctx, &request{Op: opReaders}, ignore)
		switch {
		case err == nil:
			return answer.Readers, nil
		case w.ctx.Err() != nil || isKind(err, kindService) && !isStopped(err):
			return nil, err // the worker is as good as any: it looks for the service anew each time
		}
		w.link.close()
		if !first {
			return nil, err
		}
	}
}

// isStopped reports whether the service went away while it was asked; it may be back for a fresh connection.
func isStopped(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.Code == scardServiceStopped
}

// setProblem notes why no card can be reached at all; nil when they can.
func (s *Store) setProblem(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.problem = nil
	case isKind(err, kindService):
		s.problem = serviceFault(err, " and try again.")
	default:
		s.problem = fault.Wrap(err, "Touchstone cannot look for YubiKeys.", "Quit Touchstone, start it again and try once more.")
	}
}

// follow ends the cards whose reader is gone and starts one for each new reader.
func (w *watcher) follow(readers []readerInfo) {
	gone, arrived := w.store.sort(readers)
	for _, c := range gone {
		c.close(ErrCardRemoved)
	}
	for _, c := range arrived {
		go c.run() // follow and Store.Close end it with card.close
		w.read(c)
	}
}

// sort makes the store's cards those in readers and says which are gone and which have arrived.
func (s *Store) sort(readers []readerInfo) (gone, arrived []*card) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var present []*card
	for _, r := range readers {
		i := slices.IndexFunc(s.cards, func(c *card) bool { return c.reader == r })
		if i < 0 {
			c := newCard(r, s)
			present, arrived = append(present, c), append(arrived, c)
			continue
		}
		present = append(present, s.cards[i])
	}
	for _, c := range s.cards {
		if !slices.Contains(present, c) {
			gone = append(gone, c)
		}
	}
	s.cards = present
	return gone, arrived
}

// read asks a card for its state in the background.
func (w *watcher) read(c *card) {
	w.reading.Go(func() { _, _ = c.identify(w.ctx) }) // its failure is in the snapshot
}

// tend does what time asks for: it wipes PINs whose time is over, reads cards again that could not be read, and
// shows what has changed.
func (w *watcher) tend() {
	for _, c := range w.store.plugged() {
		c.pins.expire()
		if c.wantsReading() {
			w.read(c)
		}
	}
	w.store.publish()
}
