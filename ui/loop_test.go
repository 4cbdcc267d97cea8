package ui

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// thread is a Fyne thread of its own, for a loop without a window.
func thread(t *testing.T) func(func()) {
	t.Helper()
	posted := make(chan func(), 64)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for f := range posted {
			f()
		}
	}()
	t.Cleanup(func() {
		close(posted)
		<-ended
	})
	return func(f func()) { posted <- f }
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestRunBringsTheErrorToTheFyneThread(t *testing.T) {
	l := newLoop(thread(t))
	defer l.close()
	got := make(chan error, 1)
	l.run(func(context.Context) error { return errRefused }, func(err error) { got <- err })
	if err := receive(t, got); !errors.Is(err, errRefused) {
		t.Errorf("got %v, want %v", err, errRefused)
	}
}

func TestCloseCancelsWorkAndWaitsForIt(t *testing.T) {
	l := newLoop(thread(t))
	ended := false
	l.run(func(ctx context.Context) error {
		<-ctx.Done()
		ended = true
		return ctx.Err()
	}, func(error) { t.Error("a closed window is told the end of its work") })
	l.close()
	if !ended {
		t.Error("close returned before the work had ended")
	}
	l.close() // twice is allowed
}

func TestFollowAsksForTheNextSnapshotOnlyWhenTheLastIsDrawn(t *testing.T) {
	l := newLoop(thread(t))
	asked := make(chan uint64, 16)
	wait := func(ctx context.Context, after uint64) (uint64, error) {
		asked <- after
		if after == 2 {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		return after + 1, nil
	}
	drawing, drawn := make(chan uint64), make(chan struct{})
	follow(l, wait, func(v uint64) uint64 { return v }, func(v uint64) {
		drawing <- v
		<-drawn
	})
	for want := range uint64(2) {
		if after := receive(t, asked); after != want {
			t.Fatalf("asked for what comes after %d, want %d", after, want)
		}
		if v := receive(t, drawing); v != want+1 {
			t.Fatalf("drew %d, want %d", v, want+1)
		}
		select {
		case after := <-asked:
			t.Fatalf("asked for what comes after %d while %d is being drawn", after, want+1)
		default:
		}
		drawn <- struct{}{}
	}
	receive(t, asked)
	l.close()
}

func TestEveryLeavesAnIdleWindowAlone(t *testing.T) {
	l := newLoop(thread(t))
	defer l.close()
	var asked atomic.Int64
	ran := make(chan int64, 1)
	l.every(time.Millisecond, func() bool { return asked.Add(1) > 5 }, func() {
		select {
		case ran <- asked.Load():
		default:
		}
	})
	if n := receive(t, ran); n <= 5 {
		t.Errorf("it ran at tick %d, before it was wanted", n)
	}
}
