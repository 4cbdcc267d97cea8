package session

import (
	"bytes"
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
	webauthn := challenges.WebauthnChallenge
	l.wantsOTP = challenges.TOTPChallenge // any one answer is enough (login sheet, 5.3)
	if !l.wantsOTP && len(webauthn) > 0 && !bytes.Equal(webauthn, []byte("null")) {
		return secondFactorFault(l.profile, "a security key")
	}
	return l.insist()
}

func secondFactorFault(p profile, what string) error {
	return fault.New(p.name()+" wants "+what+" besides the password, which this Touchstone cannot give yet.",
		"Install a newer Touchstone, or use the cluster's own client.")
}
