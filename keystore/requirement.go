package keystore

import "time"

// Requirement says which key is wanted.
type Requirement struct {
	Policy Policy
	Slot   Slot   // zero: the default slot of the policy
	Serial uint32 // zero: the first YubiKey found
	// PINCacheTTL is how long a verified PIN may be kept in memory; zero keeps none.
	PINCacheTTL time.Duration
}
