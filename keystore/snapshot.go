package keystore

import (
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Snapshot is what the store knows at one moment. It never changes once published; Version rises by at least one
// with every change, and readers may skip versions.
type Snapshot struct {
	Version uint64
	// Problem is set when no card can be reached at all, for example because the smart-card service is not running.
	Problem *fault.Fault
	Cards   []CardState
	// Activity is how much Store.Activity has been added to since the store was opened.
	Activity uint64
}

// CardState is one plugged-in card.
type CardState struct {
	CardID          // the serial is 0 until the card could be read
	Firmware string // "5.4.3"
	Reader   string
	// PINIsDefault and PUKIsDefault are what the card itself says (firmware 5.3 and newer); Known says whether it
	// was asked and could answer.
	Known                      bool
	PINIsDefault, PUKIsDefault bool
	PINAttempts, PUKAttempts   int
	PINCachedUntil             time.Time // zero when no PIN is cached
	TouchWaiting               bool
	TouchCachedUntil           time.Time // when the card's own 15 s after a touch end; zero when none is known
	Problem                    *fault.Fault
}
