package session

import (
	"testing"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// policies are those of the hardware-key sheet, in the order of its table 1.2.
var policies = []string{wire.PolicyNone, wire.PolicyHardware, wire.PolicyTouch, wire.PolicyPIN, wire.PolicyTouchAndPIN, wire.PolicyWebSession}

func TestWhichKeySatisfiesWhichDemand(t *testing.T) {
	table := map[string]string{ // demand: yes or no for every policy that a key may have
		wire.PolicyNone:        "yyyyyy",
		wire.PolicyHardware:    "nyyyyy",
		wire.PolicyTouch:       "nnynyy",
		wire.PolicyPIN:         "nnnyyy",
		wire.PolicyTouchAndPIN: "nnnnyy",
		wire.PolicyWebSession:  "nnnnnn", // carried, never demanded
		"hardware_key_face":    "nnnnnn",
	}
	for want, row := range table {
		for i, has := range policies {
			if got := satisfies(has, want); got != (row[i] == 'y') {
				t.Errorf("satisfies(%q, %q) = %v", has, want, got)
			}
		}
		if satisfies("hardware_key_face", want) != (want == wire.PolicyNone) {
			t.Errorf("a key of an unknown policy and the demand %q", want)
		}
	}
}

func TestDemandsAreRaisedNeverLowered(t *testing.T) {
	tests := []struct{ a, b, want string }{
		{"", "", wire.PolicyNone},
		{wire.PolicyNone, wire.PolicyTouch, wire.PolicyTouch},
		{wire.PolicyTouch, wire.PolicyHardware, wire.PolicyTouch},
		{wire.PolicyTouch, wire.PolicyPIN, wire.PolicyTouchAndPIN},
		{wire.PolicyTouchAndPIN, wire.PolicyPIN, wire.PolicyTouchAndPIN},
		{"hardware_key_face", wire.PolicyTouchAndPIN, "hardware_key_face"},
		{wire.PolicyTouch, "hardware_key_face", "hardware_key_face"},
	}
	for _, test := range tests {
		if got := raise(test.a, test.b); got != test.want {
			t.Errorf("raise(%q, %q) = %q, want %q", test.a, test.b, got, test.want)
		}
		if got := raise(test.b, test.a); got != test.want {
			t.Errorf("raise(%q, %q) = %q, want %q", test.b, test.a, got, test.want)
		}
	}
	for _, a := range policies[:5] {
		for _, b := range policies[:5] {
			if c := raise(a, b); !satisfies(c, a) || !satisfies(c, b) {
				t.Errorf("raise(%q, %q) = %q, which does not satisfy both", a, b, c)
			}
		}
	}
}

func TestEveryKnownDemandHasWords(t *testing.T) {
	seen := map[string]bool{}
	for policy := range demands {
		text := demandText(policy)
		if text == "" || seen[text] {
			t.Errorf("demandText(%q) = %q", policy, text)
		}
		seen[text] = true
	}
}
