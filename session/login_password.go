package session

import (
	"context"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// askPassword asks the person, unless the password came with the request.
func (l *ceremony) askPassword(ctx context.Context) (err error) {
	if l.password != nil {
		return nil
	}
	if l.m.config.Prompter == nil {
		return fault.Wrap(ErrNobodyAnswers, "No password was given.", "Sign in with a password.")
	}
	l.password, err = l.m.config.Prompter.AskPassword(ctx, PasswordPrompt{Cluster: l.profile.name(), User: l.user, Reason: l.reason})
	return err
}

// prove presents the password and learns what else is wanted. Each round needs a proof of its own: policy is checked
// only after it was accepted (login sheet, section 8).
func (l *ceremony) prove(ctx context.Context) error {
	challenges, err := l.client.BeginLogin(ctx, l.user, l.password)
	if err != nil {
		return err
	}
	l.accepted = true
	return l.offer(challenges)
}
