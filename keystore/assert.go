package keystore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// AssertRequest is an assertion that a relying party wants from a security key, and what it is for.
type AssertRequest struct {
	fido.Request
	Purpose Purpose
	// Code says that the relying party takes a one-time code as well, so that the person may choose.
	Code bool
}

// Assert has a security key sign for a relying party: it checks the request, then asks for PIN and tap. One assertion
// is made at a time, because a person taps for one thing at a time. No touch is asked for in the seconds after the tap.
// The error is context.Canceled if the person gives up and ErrUseCode if a code is chosen, else a fault; package fido
// names what callers branch on.
func (s *Store) Assert(ctx context.Context, r AssertRequest) (answer *fido.Response, _ error) {
	err := s.record(ctx, Activity{Kind: ActivityAssertion}, r.Purpose, func(e *entry) (err error) {
		answer, err = s.assert(ctx, r, e.counted(s.prompter))
		return err
	})
	return answer, err
}

// assert is Assert, whose prompts go to prompter.
func (s *Store) assert(ctx context.Context, r AssertRequest, prompter Prompter) (*fido.Response, error) {
	ctx, done, err := s.keys.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if s.keys.authenticator == nil {
		return nil, fault.Wrap(fido.ErrNoKey, "This computer's security keys are not asked.", "Sign in with a one-time code instead.")
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p := &tapPrompter{prompter: prompter, prompt: TapPrompt{Purpose: r.Purpose, Code: r.Code}}
	if r.Code {
		p.prompt.UseCode = func() { stop(ErrUseCode) }
	}
	answer, err := s.keys.authenticator.Assert(ctx, r.Request, p)
	if err == nil {
		s.keys.taps.note(s.now())
	}
	if errors.Is(context.Cause(ctx), ErrUseCode) { // a tap in the same moment does not undo the choice
		return nil, ErrUseCode
	}
	return answer, err
}

// securityKeys is the FIDO side of a store.
type securityKeys struct {
	authenticator *fido.Authenticator // nil for none
	taps          tapMemory
	turn          chan struct{} // holds one token: whoever holds it may ask

	ctx  context.Context // ends with the store
	stop context.CancelCauseFunc
}

func newSecurityKeys(a *fido.Authenticator) *securityKeys {
	k := &securityKeys{authenticator: a, turn: make(chan struct{}, 1), taps: tapMemory{pause: tapPause}}
	k.ctx, k.stop = context.WithCancelCause(context.Background())
	return k
}

// begin waits for the turn. The context it returns ends with ctx or with the store.
func (k *securityKeys) begin(ctx context.Context) (context.Context, func(), error) {
	if err := context.Cause(k.ctx); err != nil {
		return nil, nil, faultOf(CardID{}, err)
	}
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	case <-k.ctx.Done():
		return nil, nil, faultOf(CardID{}, context.Cause(k.ctx))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(k.ctx, func() { cancel(faultOf(CardID{}, context.Cause(k.ctx))) })
	return ctx, func() {
		unlink()
		cancel(nil)
		<-k.turn
	}, nil
}

// close ends an assertion under way and waits for it.
func (k *securityKeys) close() {
	k.stop(ErrClosed)
	k.turn <- struct{}{}
	<-k.turn
}

// tapPause is how long after a tap a card may refuse everything, and a finger may still be there.
const tapPause = 3 * time.Second

// tapMemory remembers the last tap. Nothing says which card's it was: all of them are left alone.
type tapMemory struct {
	mu    sync.Mutex
	pause time.Duration // guarded by mu
	last  time.Time     // guarded by mu
}

func (m *tapMemory) note(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = now
}

// left is how long to wait still.
func (m *tapMemory) left(now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return min(m.last.Add(m.pause).Sub(now), m.pause)
}

// tapPrompter asks for a security key as keystore's Prompter asks for cards.
type tapPrompter struct {
	prompter Prompter
	prompt   TapPrompt // without the keys
}

// AskFIDOPIN asks for the PIN of a security key.
func (p *tapPrompter) AskFIDOPIN(ctx context.Context, ask fido.PINAsk) (*secret.Bytes, error) {
	return p.prompter.AskPIN(ctx, PINPrompt{
		Card: CardID{Model: ask.Key}, Purpose: p.prompt.Purpose, AttemptsLeft: ask.AttemptsLeft, Wrong: ask.Wrong, FIDO2: true,
	})
}

// ShowTap says that security keys wait.
func (p *tapPrompter) ShowTap(ctx context.Context, keys []string) (cancelled <-chan struct{}, done func()) {
	prompt := p.prompt
	prompt.Keys = keys
	return p.prompter.ShowTap(ctx, prompt)
}
