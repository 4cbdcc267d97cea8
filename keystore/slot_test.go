package keystore

import "testing"

func TestSlotsAreReadAndPrintedInHex(t *testing.T) {
	for text, want := range map[string]Slot{"9a": Slot9A, "9C": Slot9C, " 9d ": Slot9D, "9e": Slot9E, "": 0} {
		if got, err := ParseSlot(text); err != nil || got != want {
			t.Errorf("ParseSlot(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"9b", "82", "f9", "0x9a", "154", "nine"} {
		if got, err := ParseSlot(text); err == nil {
			t.Errorf("ParseSlot(%q) = %s, want it refused", text, got)
		}
	}
}

func TestPoliciesSatisfyWhatTheyInclude(t *testing.T) {
	none, touch, pin, both := Policy{}, Policy{Touch: true}, Policy{PIN: true}, Policy{Touch: true, PIN: true}
	rows := []struct {
		has, want Policy
		ok        bool
	}{
		{none, none, true}, {none, touch, false}, {none, pin, false}, {none, both, false},
		{touch, none, true}, {touch, touch, true}, {touch, pin, false}, {touch, both, false},
		{pin, none, true}, {pin, touch, false}, {pin, pin, true}, {pin, both, false},
		{both, none, true}, {both, touch, true}, {both, pin, true}, {both, both, true},
	}
	for _, row := range rows {
		if got := row.has.Satisfies(row.want); got != row.ok {
			t.Errorf("a key with %q where %q is required: %t, want %t", row.has, row.want, got, row.ok)
		}
	}
}
