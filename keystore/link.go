package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// How long a worker may take for one request before it counts as stuck. The card itself gives up on a touch after
// 15 s.
var defaultPatience = patience{plain: 5 * time.Second, touch: 20 * time.Second}

// patience is how long to wait for the answer to a request, and after each notice that a touch is waited for.
type patience struct{ plain, touch time.Duration }

// errNoAnswer says that a worker took longer than the card possibly can.
var errNoAnswer = errors.New("the card did not answer in time")

// errWorkerGone says that the worker process ended before it answered.
var errWorkerGone = errors.New("the worker process ended")

// link is a worker process and the two pipes to it. It belongs to one goroutine; only a context may break into a
// running call. A new link has no process; the first call starts one.
type link struct {
	command func() *exec.Cmd
	patience

	process *exec.Cmd
	in      io.WriteCloser
	out     io.ReadCloser
	// holds says that the worker has kept the card open after the last request.
	holds bool
}

func newLink(command func() *exec.Cmd) link { return link{command: command, patience: defaultPatience} }

// call sends q and waits for the answer, calling notice for each notice in between. When ctx ends first, the
// worker is killed and the error is the context's cause. After any error but a failure that the worker reported,
// the link has no process any more.
func (l *link) call(ctx context.Context, q *request, notice func(*reply)) (*reply, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := time.AfterFunc(l.limit(q), func() { cancel(errNoAnswer) })
	defer limit.Stop()
	if err := l.start(); err != nil {
		return nil, err
	}
	l.holds = false
	process := l.process.Process // the link may be closed before the function below begins
	kill := context.AfterFunc(ctx, func() { _ = process.Kill() })
	answer, err := l.exchange(q, func(n *reply) {
		if n.Waiting {
			limit.Reset(l.touch)
		}
		notice(n)
	})
	if !kill() { // the worker was killed, or is being killed, whatever it answered
		l.close()
		return nil, context.Cause(ctx)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("%w: %w", errWorkerGone, err)
	}
	if answer.Failure != nil {
		return nil, answer.Failure
	}
	l.holds = q.Hold
	return answer, nil
}

// limit is how long the worker may take until it waits for a touch.
func (l *link) limit(q *request) time.Duration {
	if q.busy {
		return l.touch
	}
	return l.plain
}

func (l *link) exchange(q *request, notice func(*reply)) (*reply, error) {
	if err := writeRequest(l.in, q); err != nil {
		return nil, fmt.Errorf("writing to the worker: %w", err)
	}
	for {
		var answer reply
		if err := readFrame(l.out, &answer); err != nil {
			return nil, fmt.Errorf("reading from the worker: %w", err)
		}
		if !answer.isNotice() {
			return &answer, nil
		}
		notice(&answer)
	}
}

func (l *link) start() error {
	if l.process != nil {
		return nil
	}
	process := l.command()
	in, err := process.StdinPipe()
	if err != nil {
		return fmt.Errorf("connecting to the worker: %w", err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return fmt.Errorf("connecting to the worker: %w", err)
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	l.process, l.in, l.out = process, in, out
	return nil
}

// close ends the worker, and with it every handle and every copy of a PIN that it held, and waits for its end.
// Closing twice is allowed; the next call starts a new worker.
func (l *link) close() {
	if l.process == nil {
		return
	}
	_ = l.in.Close()
	_ = l.process.Process.Kill() // it may be stuck in the card, where it does not see that its input ended
	_ = l.process.Wait()         // reports the kill
	l.process, l.in, l.out, l.holds = nil, nil, nil, false
}
