package ui

import (
	"context"
	"sync"
	"time"
)

// loop owns the window's goroutines and is their one way onto the Fyne thread. Every background result passes through
// hop; nothing else in this package but the Prompter, which is older than the window, calls Deps.Post.
type loop struct {
	post   func(func())
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newLoop(post func(func())) *loop {
	ctx, cancel := context.WithCancel(context.Background())
	return &loop{post: post, ctx: ctx, cancel: cancel}
}

// hop runs f on the Fyne thread, unless the window is closed by then.
func (l *loop) hop(f func()) {
	l.post(func() {
		if l.ctx.Err() == nil {
			f()
		}
	})
}

// run does work, which may wait for the network, a card or a person, and brings its error to the Fyne thread. The
// returned function cancels the work.
func (l *loop) run(work func(context.Context) error, done func(error)) (cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(l.ctx)
	l.wg.Go(func() {
		defer cancel()
		err := work(ctx)
		l.hop(func() { done(err) })
	})
	return cancel
}

// every runs f on the Fyne thread once per interval while wanted says so; an idle window wakes nobody. wanted is called on
// another goroutine. A tick that finds the one before still waiting is dropped.
func (l *loop) every(interval time.Duration, wanted func() bool, f func()) {
	l.wg.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if wanted() {
					l.await(f)
				}
			case <-l.ctx.Done():
				return
			}
		}
	})
}

// always is for what moves all the time.
func always() bool { return true }

// await runs f on the Fyne thread and returns when it has run, or when the window is closed.
func (l *loop) await(f func()) {
	done := make(chan struct{})
	l.hop(func() {
		defer close(done)
		f()
	})
	select {
	case <-done:
	case <-l.ctx.Done():
	}
}

// close cancels everything and waits for it.
func (l *loop) close() {
	l.cancel()
	l.wg.Wait()
}

// follow shows one snapshot after the other. It asks for the next only when the last has been drawn: a busy source is
// slowed down to what the window can show, and nothing piles up.
func follow[S any](l *loop, wait func(context.Context, uint64) (S, error), version func(S) uint64, show func(S)) {
	l.wg.Go(func() {
		var after uint64
		for {
			snapshot, err := wait(l.ctx, after)
			if err != nil {
				return // the source is closed, or the window is
			}
			after = version(snapshot)
			l.await(func() { show(snapshot) })
		}
	})
}
