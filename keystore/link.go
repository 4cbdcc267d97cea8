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

// patience is how long to wait for the answer to a request without and with a touch.
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
}

func newLink(command func() *exec.Cmd) link { return link{command: command, patience: defaultPatience} }

// call sends q and waits for the answer, calling waiting for each notice in between. When ctx ends first, the
// worker is killed and the error is the context's cause. After any error but a failure that the worker reported,
// the link has no process any more.
func (l *link) call(ctx context.Context, q *request, waiting func()) (*reply, error) {
	limit := l.plain
	if q.Policy.Touch {
		limit = l.touch
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	if err := l.start(); err != nil {
		return nil, err
	}
	kill := context.AfterFunc(ctx, func() { _ = l.process.Process.Kill() })
	answer, err := l.exchange(q, waiting)
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
	return answer, nil
}

func (l *link) exchange(q *request, waiting func()) (*reply, error) {
	if err := writeRequest(l.in, q); err != nil {
		return nil, fmt.Errorf("writing to the worker: %w", err)
	}
	for {
		var answer reply
		if err := readFrame(l.out, &answer); err != nil {
			return nil, fmt.Errorf("reading from the worker: %w", err)
		}
		if !answer.Waiting {
			return &answer, nil
		}
		waiting()
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
	l.process, l.in, l.out = nil, nil, nil
}
