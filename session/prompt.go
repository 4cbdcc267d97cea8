package session

import (
	"context"
	"errors"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// PasswordPrompt asks for a cluster password.
type PasswordPrompt struct {
	Cluster string
	User    string
	Reason  string // why now, as a sentence; empty when the person has asked to sign in
}

// OTPPrompt asks for the one-time code that an authenticator app shows at the moment.
type OTPPrompt struct {
	Cluster string
	User    string
	Reason  string // why another one, as a sentence; empty for the first
}

// ErrNobodyAnswers is in the error of a prompter that has nobody to ask. What was to be asked for is refused, and the
// person reads why it was wanted instead.
var ErrNobodyAnswers = errors.New("there is nobody to ask")

// Prompter asks the person for what proves who they are. A refusal is context.Canceled. The secret returned belongs
// to the caller, who wipes it.
type Prompter interface {
	AskPassword(ctx context.Context, p PasswordPrompt) (*secret.Bytes, error)
	AskOTP(ctx context.Context, p OTPPrompt) (*secret.Bytes, error)
}
