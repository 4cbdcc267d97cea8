package fido

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// grace is how long a worker may take to make the keys stop blinking before it is killed.
const grace = time.Second

// maxPIN is the longest PIN that a worker is given.
const maxPIN = 255

// run has a worker process do a job and waits for its end. waiting is called when keys begin to blink. When ctx ends
// first the keys are told, and the error is the context's cause.
func (a *Authenticator) run(ctx context.Context, j job, pin *secret.Bytes, waiting func()) (*event, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	process := a.Worker()
	in, err := process.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("connecting to the worker: %w", err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("connecting to the worker: %w", err)
	}
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("starting the worker: %w", err)
	}
	kill := time.AfterFunc(grace, func() { _ = process.Process.Kill() })
	kill.Stop() // until the worker is told to end
	stop := context.AfterFunc(ctx, func() {
		_ = in.Close()
		kill.Reset(grace)
	})
	answer, err := exchange(in, out, j, pin, waiting)
	ended := !stop()
	kill.Reset(grace) // a worker that has answered has no more to do than to end
	_ = in.Close()
	_, _ = io.Copy(io.Discard, out)
	_ = process.Wait() // what it did not say in an answer, its exit status does not say better
	kill.Stop()
	switch {
	case ended && (err != nil || answer.Failure != nil):
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	case answer.Failure != nil:
		return nil, answer.Failure
	default:
		return answer, nil
	}
}

// exchange sends a job and reads its events up to the result.
func exchange(in io.Writer, out io.Reader, j job, pin *secret.Bytes, waiting func()) (*event, error) {
	if err := writeJob(in, j, pin); err != nil {
		return nil, fmt.Errorf("writing to the worker: %w", err)
	}
	events := json.NewDecoder(out)
	for {
		var e event
		if err := events.Decode(&e); err != nil {
			return nil, fmt.Errorf("reading from the worker: %w", err)
		}
		if e.Done {
			return &e, nil
		}
		if e.Waiting {
			waiting()
		}
	}
}

// writeJob writes the PIN straight from its own memory, and the job.
func writeJob(in io.Writer, j job, pin *secret.Bytes) error {
	if pin.Len() > maxPIN {
		return errors.New("the PIN is too long")
	}
	if _, err := in.Write([]byte{byte(pin.Len())}); err != nil {
		return err
	}
	if _, err := in.Write(pin.Reveal()); err != nil {
		return err
	}
	return json.NewEncoder(in).Encode(j)
}
