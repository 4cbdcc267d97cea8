package keystore

import (
	"context"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// Purpose says who wants a signature and what for. Every prompt shows it; keystore gives it no meaning.
type Purpose struct {
	Where   string // the cluster, for example "demo"
	What    string // for example "Sign in as alice" or "SSH to root@node-1"
	Program string // the program that asks, for example "Touchstone"
}

// CardID names a card in prompts and snapshots.
type CardID struct {
	Serial uint32
	Model  string // for example "YubiKey 5C NFC"
	Name   string // the person's own name for it, or empty (Store.SetName)
}

// PINPrompt asks for the PIN of one card.
type PINPrompt struct {
	Card         CardID
	Slot         Slot // zero when no slot is involved
	Purpose      Purpose
	AttemptsLeft int  // before the PIN is blocked
	Wrong        bool // the PIN given just before was wrong
	// MayBeDefault says that an empty answer stands for the factory PIN, which leads to AskNewPIN.
	MayBeDefault bool
	// FIDO2 says that the PIN of a security key is wanted, which is another one than the PIV PIN and has 4 to 63 bytes.
	// Card has no serial number then, and AttemptsLeft may be 0 for "not known".
	FIDO2 bool
}

// NewPINPrompt asks for a new PIN and, while the PUK is still the factory one, a new PUK as well.
type NewPINPrompt struct {
	Card    CardID
	Purpose Purpose
	// PUKIsDefault says that a new PUK must be chosen; otherwise the answer's PUK is the present one, which
	// authorises the new PIN.
	PUKIsDefault bool
	Problem      string // why the answer given just before was refused, a full sentence; empty at first
}

// TouchPrompt says that a card waits for a touch.
type TouchPrompt struct {
	Card    CardID
	Slot    Slot
	Purpose Purpose
	// Until is when the card gives up waiting. It is then asked to wait again, and shown in another prompt.
	Until time.Time
	// Missed is how often it gave up already.
	Missed int
	// Waiting is how many other requests wait for the same card; a touch serves those of them that want one within the
	// card's 15 s as well.
	Waiting int
}

// TapPrompt says that security keys wait for a tap. Tapping one of them is enough.
type TapPrompt struct {
	// Keys are their names; a key does not tell its serial number over FIDO. None means that no key is plugged in that
	// could answer, and one is waited for.
	Keys    []string
	Purpose Purpose
	// Code says that a one-time code would do as well. Calling UseCode, which is set only then, ends the assertion with
	// ErrUseCode; it returns at once and may be called more than once.
	Code    bool
	UseCode func()
}

// Prompter asks the person. Its methods are called from many goroutines; implementations show one prompt at a time.
// A refusal is context.Canceled. The secrets returned belong to the caller, who wipes them.
type Prompter interface {
	AskPIN(ctx context.Context, p PINPrompt) (*secret.Bytes, error)
	// AskNewPIN returns answers that CheckNewPIN and CheckNewPUK accept, each already typed twice.
	AskNewPIN(ctx context.Context, p NewPINPrompt) (pin, puk *secret.Bytes, err error)
	// ShowTouch returns at once. cancelled is closed when the person gives up; done closes the prompt and may be
	// called more than once.
	ShowTouch(ctx context.Context, p TouchPrompt) (cancelled <-chan struct{}, done func())
	// ShowTap is ShowTouch for security keys. At most one is shown at a time.
	ShowTap(ctx context.Context, p TapPrompt) (cancelled <-chan struct{}, done func())
}
