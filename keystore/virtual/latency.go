package virtual

import "time"

// Latency is how long a card takes, besides waiting for a touch.
type Latency struct {
	PrivateKey  time.Duration // a signature, or another use of a private key
	GenerateKey time.Duration
	Other       time.Duration // every other command
}

// RealLatency is about that of a YubiKey 5 with P-256 keys (virtual-key sheet, 2.8). How long it takes to make a key is
// assumed.
var RealLatency = Latency{PrivateKey: 70 * time.Millisecond, GenerateKey: 150 * time.Millisecond, Other: 6500 * time.Microsecond}

func (l Latency) of(ins byte) time.Duration {
	switch ins {
	case insAuthenticate, insAttest:
		return l.PrivateKey
	case insGenerate:
		return l.GenerateKey
	default:
		return l.Other
	}
}
