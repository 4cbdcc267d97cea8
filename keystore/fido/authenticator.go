package fido

import (
	"cmp"
	"context"
	"errors"
	"os/exec"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// PINAsk asks for the FIDO2 PIN of a security key, which is not its PIV PIN and has 4 to 63 bytes.
type PINAsk struct {
	Key          string // its name
	AttemptsLeft int    // 0 if the key does not say
	Wrong        bool   // the PIN given just before was wrong
}

// Prompter asks the person. A refusal is context.Canceled. The PIN returned belongs to the caller, who wipes it.
type Prompter interface {
	AskFIDOPIN(ctx context.Context, ask PINAsk) (*secret.Bytes, error)
	// ShowTap says that these keys blink, or without keys that one is to be plugged in, and returns at once. cancelled is closed when the person gives up; done closes
	// the prompt and may be called more than once.
	ShowTap(ctx context.Context, keys []string) (cancelled <-chan struct{}, done func())
}

// Authenticator is the security keys of this computer. Worker is needed, the rest has defaults.
type Authenticator struct {
	// Worker makes the command of a worker process, a program that calls RunWorker with its standard input and output.
	Worker func() *exec.Cmd
	// Devices are paths of devices besides those that are found. No discovery shows the virtual key's.
	Devices []string
	// NoDiscovery leaves it at Devices. Tests and the demo must not ask a person's own keys.
	NoDiscovery bool
	// Arrival is how long a key is waited for that is not plugged in; not at all if zero.
	Arrival time.Duration
	// Patience is how long a tap is waited for; 60 s if zero. Keys give up by themselves earlier, most after 30 s.
	Patience time.Duration
}

const (
	defaultPatience = 60 * time.Second
	findPatience    = 15 * time.Second
)

// errStuck says that looking for keys took too long.
var errStuck = errors.New("the security keys did not answer in time")

// Assert has a security key sign, and asks p for what that takes. Nothing is asked of a key before the request has been
// checked. It returns a fault, or context.Canceled when the person or ctx gives up.
func (a *Authenticator) Assert(ctx context.Context, r Request, p Prompter) (*Response, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	text, hash, err := r.clientDataJSON()
	if err != nil {
		return nil, err
	}
	j := job{RPID: r.RPID, AppID: r.AppID, Allowed: r.Allowed, Hash: hash, VerifyUser: r.VerifyUser}
	keys, err := a.await(ctx, j, p)
	if err != nil {
		return nil, explain(err)
	}
	j.Task, j.Keys = taskAssert, keys
	s, err := a.sign(ctx, j, p)
	if err != nil {
		return nil, explain(err)
	}
	return s.response(text), nil
}

func (s *signed) response(clientData []byte) *Response {
	r := &Response{
		ID: base64URL(s.Credential).String(), Type: publicKeyType, RawID: s.Credential,
		Response: Assertion{
			ClientDataJSON: clientData, AuthenticatorData: s.AuthData, Signature: s.Signature, UserHandle: s.UserHandle,
		},
	}
	if s.AppID {
		r.Extensions = &Extension{AppID: true}
	}
	return r
}

// find returns the keys that can answer. Nobody is asked for a tap that cannot help.
func (a *Authenticator) find(ctx context.Context, j job) ([]key, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, findPatience, errStuck)
	defer cancel()
	j.Task, j.Paths, j.Discover = taskFind, a.Devices, !a.NoDiscovery
	answer, err := a.run(ctx, j, nil, func() {})
	if err != nil {
		return nil, err
	}
	var able, mute []key
	for _, k := range answer.Keys {
		switch {
		case k.Holds:
			able = append(able, k)
		case k.Problem != nil:
			mute = append(mute, k)
		}
	}
	switch {
	case len(able) > 0:
		return withVerification(able, j.VerifyUser)
	case len(mute) > 0:
		return nil, mute[0].Problem
	case len(answer.Keys) == 0:
		return nil, noKeyFault()
	default:
		return nil, noCredentialFault(nil)
	}
}

// withVerification leaves out keys that cannot verify the user. Of those that want a PIN for it only the first is
// left: a PIN is one key's.
func withVerification(keys []key, wanted bool) ([]key, error) {
	if !wanted {
		return keys, nil
	}
	for i, k := range keys {
		if k.FIDO2 && (k.HasPIN || k.ReadsUV) {
			return keys[i : i+1], nil
		}
	}
	return nil, pinNotSetFault(keys[0].Name)
}

// sign waits for the tap, after asking for a PIN as often as it takes.
func (a *Authenticator) sign(ctx context.Context, j job, p Prompter) (*signed, error) {
	needed, ask := j.VerifyUser && !j.Keys[0].ReadsUV, PINAsk{Key: j.Keys[0].Name, AttemptsLeft: j.Keys[0].PINTries}
	for {
		pin, err := askPIN(ctx, p, ask, needed)
		if err != nil {
			return nil, err
		}
		s, err := a.waitForTap(ctx, j, pin, p)
		pin.Wipe()
		var f *failure
		switch {
		case isKind(err, kindPINNeeded) && !needed:
			needed, j.Keys, j.VerifyUser = true, j.Keys[:1], true
		case errors.As(err, &f) && f.Kind == kindPINWrong:
			needed, ask.Wrong, ask.AttemptsLeft = true, true, f.PINTries
		default:
			return s, err
		}
	}
}

func askPIN(ctx context.Context, p Prompter, ask PINAsk, needed bool) (*secret.Bytes, error) {
	if !needed {
		return nil, nil
	}
	return p.AskFIDOPIN(ctx, ask)
}

// waitForTap shows the prompt while the keys blink.
func (a *Authenticator) waitForTap(ctx context.Context, j job, pin *secret.Bytes, p Prompter) (*signed, error) {
	ctx, stop := context.WithTimeoutCause(ctx, cmp.Or(a.Patience, defaultPatience), ErrNotTapped)
	defer stop()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	var names []string
	for _, k := range j.Keys {
		names = append(names, k.Name)
	}
	hide := func() {}
	defer func() { hide() }()
	answer, err := a.run(ctx, j, pin, func() {
		cancelled, done := p.ShowTap(ctx, names)
		answered := make(chan struct{})
		watching := make(chan struct{})
		hide = func() { close(answered); <-watching; done() }
		go func() {
			defer close(watching)
			select {
			case <-cancelled:
				giveUp(context.Canceled)
			case <-answered:
			}
		}()
	})
	if err != nil {
		return nil, err
	}
	if answer.Signed == nil {
		return nil, errors.New("the worker process answered without an assertion")
	}
	return answer.Signed, nil
}
