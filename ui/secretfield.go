package ui

import (
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// maxPassword is more than any cluster takes, and maxPIN more than a card takes, so that one digit too many is seen.
const (
	maxPassword = 512
	maxPIN      = 16
)

// secretField is an entry and the memory that it types into: locked where the system allows, given back by wipe. It is no
// canvas object itself, so that nobody puts it on a screen in the place of its entry.
type secretField struct {
	entry *widget.SecretEntry
	store *secret.Bytes
}

func newSecretField(name string, size int) *secretField {
	store := secret.New(make([]byte, size))
	return &secretField{entry: widget.NewSecretEntry(name, store.Reveal()), store: store}
}

// take copies what was typed into a secret that the caller owns and wipes.
func (f *secretField) take() *secret.Bytes { return secret.New(f.entry.Bytes()) }

// wipe ends the field. Wiping twice is allowed; what is typed afterwards is dropped.
func (f *secretField) wipe() {
	f.entry.Discard()
	f.store.Wipe()
}
