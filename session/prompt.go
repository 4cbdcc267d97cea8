package session

import (
	"context"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// PasswordPrompt asks for a cluster password.
type PasswordPrompt struct {
	Cluster string
	User    string
}

// Prompter asks the person for what proves who they are. A refusal is context.Canceled. The secret returned belongs
// to the caller, who wipes it.
type Prompter interface {
	AskPassword(ctx context.Context, p PasswordPrompt) (*secret.Bytes, error)
}
