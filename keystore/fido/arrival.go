package fido

import (
	"context"
	"errors"
	"time"
)

// lookAgain is how often an Authenticator looks for a key that is waited for.
const lookAgain = time.Second

// await is find, but where no key can answer it says so to p and looks again until one can, as long as Arrival allows.
func (a *Authenticator) await(ctx context.Context, j job, p Prompter) ([]key, error) {
	keys, err := a.find(ctx, j)
	if a.Arrival <= 0 || !missing(err) {
		return keys, err
	}
	cancelled, done := p.ShowTap(ctx, nil)
	defer done()
	patience, again := time.NewTimer(a.Arrival), time.NewTicker(lookAgain)
	defer patience.Stop()
	defer again.Stop()
	for missing(err) {
		select {
		case <-again.C:
			keys, err = a.find(ctx, j)
		case <-patience.C:
			return nil, err
		case <-cancelled:
			return nil, context.Canceled
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return keys, err
}

// missing says that another key, once it is plugged in, could answer. A device that was named and is not there counts as
// gone.
func missing(err error) bool {
	return errors.Is(err, ErrNoKey) || errors.Is(err, ErrNoCredential) || isKind(err, kindGone)
}
