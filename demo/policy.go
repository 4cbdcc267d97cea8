package demo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// keyPolicy is a private key policy in the cluster's word (hardware-key sheet, 1.1).
type keyPolicy string

// demands lists what each policy asks of a key.
var demands = map[keyPolicy]struct{ hardware, touch, pin bool }{
	wire.PolicyNone:        {},
	wire.PolicyHardware:    {hardware: true},
	wire.PolicyTouch:       {hardware: true, touch: true},
	wire.PolicyPIN:         {hardware: true, pin: true},
	wire.PolicyTouchAndPIN: {hardware: true, touch: true, pin: true},
}

// attestedPolicy is the policy of a key that lives on attested hardware.
func attestedPolicy(touch, pin bool) keyPolicy {
	switch {
	case touch && pin:
		return wire.PolicyTouchAndPIN
	case touch:
		return wire.PolicyTouch
	case pin:
		return wire.PolicyPIN
	default:
		return wire.PolicyHardware
	}
}

// satisfies reports whether a key of policy have may be used where want is demanded (hardware-key sheet, 1.2). An
// unknown demand is satisfied by nothing, an unknown key only by the demand for none.
func (have keyPolicy) satisfies(want keyPolicy) bool {
	w, known := demands[want]
	if !known {
		return false
	}
	if have == wire.PolicyWebSession || want == wire.PolicyNone {
		return true
	}
	h := demands[have]
	return h.hardware && (h.touch || !w.touch) && (h.pin || !w.pin)
}

// countsAsMFA reports whether using a key of this policy already proves that a person is there (hardware-key sheet,
// 1.5, the rule since version 14).
func (have keyPolicy) countsAsMFA() bool { return demands[have].touch || demands[have].pin }

// combine returns the least policy that satisfies every member (hardware-key sheet, 1.3, the rule since version 14).
func combine(members ...keyPolicy) keyPolicy {
	least := keyPolicy(wire.PolicyNone)
	for _, member := range members {
		switch {
		case least.satisfies(member):
		case member.satisfies(least):
			least = member
		default:
			least = wire.PolicyTouchAndPIN // touch here, PIN there
		}
	}
	return least
}

// requirement is a value of require_session_mfa (hardware-key sheet, 1.4).
type requirement struct {
	name       string // as tctl writes it: "off", "on" or a policy
	policy     keyPolicy
	sessionMFA bool // asks for proof at every session, which only a key with touch or PIN gives here
}

var (
	requireOff = requirement{name: "off", policy: wire.PolicyNone}
	requireOn  = requirement{name: "on", policy: wire.PolicyNone, sessionMFA: true}
)

// parseRequirement accepts the words that a cluster accepts.
func parseRequirement(word string) (requirement, error) {
	word = strings.ToLower(word)
	switch {
	case slices.Contains([]string{"", "off", "false", "no", "n", "nope", "0"}, word):
		return requireOff, nil
	case slices.Contains([]string{"on", "true", "yes", "y", "yeah", "1"}, word):
		return requireOn, nil
	case demands[keyPolicy(word)].hardware:
		// The words with touch and PIN name what proves a person's presence; the key policy sees to them.
		policy := keyPolicy(word)
		return requirement{name: word, policy: policy, sessionMFA: !policy.countsAsMFA()}, nil
	default:
		return requirement{}, fmt.Errorf("RequireMFAType invalid value %s", word)
	}
}

// UnmarshalYAML reads a word or a boolean.
func (r *requirement) UnmarshalYAML(decode func(any) error) error {
	var value any
	if err := decode(&value); err != nil {
		return err
	}
	parsed, err := parseRequirement(fmt.Sprint(value))
	if err != nil {
		return fmt.Errorf("require_session_mfa: %w", err)
	}
	*r = parsed
	return nil
}
