package demo

import (
	"testing"
)

func TestWhichKeySatisfiesWhichPolicy(t *testing.T) {
	// The table of the hardware-key sheet, 1.2.
	have := []keyPolicy{"none", "hardware_key", "hardware_key_touch", "hardware_key_pin", "hardware_key_touch_and_pin", "web_session", "", "future"}
	tests := map[keyPolicy]string{
		"none":                       "yyyyyyyy",
		"hardware_key":               "nyyyyynn",
		"hardware_key_touch":         "nnynyynn",
		"hardware_key_pin":           "nnnyyynn",
		"hardware_key_touch_and_pin": "nnnnyynn",
		"web_session":                "nnnnnnnn",
		"":                           "nnnnnnnn",
		"future":                     "nnnnnnnn",
	}
	for want, row := range tests {
		for i, key := range have {
			if got := key.satisfies(want); got != (row[i] == 'y') {
				t.Errorf("a key of policy %q satisfies %q: %v", key, want, got)
			}
		}
	}
}

func TestPoliciesCombine(t *testing.T) {
	tests := []struct {
		members []keyPolicy
		want    keyPolicy
	}{
		{nil, "none"},
		{[]keyPolicy{"none", "none"}, "none"},
		{[]keyPolicy{"none", "hardware_key"}, "hardware_key"},
		{[]keyPolicy{"hardware_key_touch", "hardware_key"}, "hardware_key_touch"},
		{[]keyPolicy{"hardware_key_touch", "hardware_key_pin"}, "hardware_key_touch_and_pin"},
		{[]keyPolicy{"hardware_key_pin", "none", "hardware_key_touch"}, "hardware_key_touch_and_pin"},
		{[]keyPolicy{"hardware_key_touch_and_pin", "hardware_key_pin"}, "hardware_key_touch_and_pin"},
	}
	for _, test := range tests {
		if got := combine(test.members...); got != test.want {
			t.Errorf("combine(%v) = %s, want %s", test.members, got, test.want)
		}
		for _, member := range test.members {
			if !combine(test.members...).satisfies(member) {
				t.Errorf("combine(%v) does not satisfy %s", test.members, member)
			}
		}
	}
}

func TestWordsOfRequireSessionMFA(t *testing.T) {
	tests := map[string]requirement{
		"false": requireOff, "off": requireOff, "no": requireOff, "0": requireOff, "": requireOff, "Nope": requireOff,
		"true": requireOn, "on": requireOn, "YES": requireOn, "1": requireOn, "yeah": requireOn,
		"hardware_key":               {"hardware_key", "hardware_key", true},
		"hardware_key_touch":         {"hardware_key_touch", "hardware_key_touch", false},
		"hardware_key_touch_and_pin": {"hardware_key_touch_and_pin", "hardware_key_touch_and_pin", false},
	}
	for word, want := range tests {
		if got, err := parseRequirement(word); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", word, got, err, want)
		}
	}
	for _, word := range []string{"web_session", "maybe", "hardware_key_"} {
		if _, err := parseRequirement(word); err == nil {
			t.Errorf("%q is accepted", word)
		}
	}
}
