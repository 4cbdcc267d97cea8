package keystore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
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
		link:   link{command: s.worker},
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
	w.stop(errClosed)
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
		return errClosed
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
		readers = nil
	}
	w.store.follow(w, readers, err)
	w.store.expirePINs()
}

// readers asks the worker, once more with a fresh one if that might help.
func (w *watcher) readers() ([]readerInfo, error) {
	for first := true; ; first = false {
		answer, err := w.link.call(w.ctx, &request{Op: opReaders}, nil)
		if err == nil {
			return answer.Readers, nil
		}
		w.link.close()
		if !first || w.ctx.Err() != nil || isKind(err, kindService) && !isStopped(err) {
			return nil, err
		}
	}
}

// isStopped reports whether the service went away while it was asked; it may be back for a fresh connection.
func isStopped(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.Code == scardServiceStopped
}

// follow ends the cards whose reader is gone and starts one for each new reader. err is why the readers could not
// be listed.
func (s *Store) follow(w *watcher, readers []readerInfo, err error) {
	s.mu.Lock()
	s.problem = nil
	if err != nil {
		s.problem = faultOf(CardID{}, err)
	}
	before := s.cards
	var present, arrived []*card
	for _, r := range readers {
		i := slices.IndexFunc(before, func(c *card) bool { return c.reader == r })
		if i < 0 {
			arrived = append(arrived, newCard(r, s))
			present = append(present, arrived[len(arrived)-1])
			continue
		}
		present = append(present, before[i])
	}
	s.cards = present
	s.mu.Unlock()
	for _, c := range before {
		if !slices.Contains(present, c) {
			c.close(ErrCardRemoved)
		}
	}
	for _, c := range arrived {
		w.welcome(c)
	}
	s.publish()
}

// welcome starts a card and reads it in the background.
func (w *watcher) welcome(c *card) {
	go c.run() // Store.Close and follow end it with card.close
	w.reading.Go(func() { _, _ = c.info(w.ctx) })
}

// expirePINs wipes the PINs whose time is over and shows it.
func (s *Store) expirePINs() {
	for _, c := range s.plugged() {
		c.pins.expire()
	}
	s.publish()
}
