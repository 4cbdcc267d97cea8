package session

import (
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
)

// demands says what each private key policy wants of a key (hardware-key sheet, 1.1). The policy web_session is not
// here: certificates carry it, clusters never demand it.
var demands = map[string]struct {
	hardware bool
	key      keystore.Policy
}{
	wire.PolicyNone:        {},
	wire.PolicyHardware:    {hardware: true},
	wire.PolicyTouch:       {hardware: true, key: keystore.Policy{Touch: true}},
	wire.PolicyPIN:         {hardware: true, key: keystore.Policy{PIN: true}},
	wire.PolicyTouchAndPIN: {hardware: true, key: keystore.Policy{Touch: true, PIN: true}},
}

// knownPolicy reports whether Touchstone can meet a policy at all.
func knownPolicy(policy string) bool {
	_, ok := demands[policy]
	return ok
}

// satisfies reports whether a key with policy has is good enough where want is demanded (hardware-key sheet, 1.2). A
// demand that we do not know is satisfied by nothing.
func satisfies(has, want string) bool {
	if has == wire.PolicyWebSession {
		return knownPolicy(want)
	}
	wanted, known := demands[want]
	given := demands[has] // an unknown word counts as none
	return known && (given.hardware || !wanted.hardware) && given.key.Satisfies(wanted.key)
}

// raise returns the least policy that satisfies both a and b, and never one lower than either. Words that we do not
// know win, so that the person hears of them instead of being refused by the cluster.
func raise(a, b string) string {
	a, b = orNone(a), orNone(b)
	switch {
	case !knownPolicy(a) || satisfies(a, b):
		return a
	case !knownPolicy(b) || satisfies(b, a):
		return b
	default:
		return wire.PolicyTouchAndPIN
	}
}

// orNone reads the absence of a policy as the cluster's word for it.
func orNone(policy string) string {
	if policy == "" {
		return wire.PolicyNone
	}
	return policy
}
