package keystore

import (
	"fmt"
	"strings"
)

// Slot is a PIV key slot by its key reference (SP 800-73-4 part 1, table 4b). The zero Slot means "none chosen".
type Slot byte

// The four slots that hold keys of people. F9 and the retired slots are never used for signing in.
const (
	Slot9A Slot = 0x9a
	Slot9C Slot = 0x9c
	Slot9D Slot = 0x9d
	Slot9E Slot = 0x9e
)

// String is the slot in hex, as every tool prints it: "9a".
func (s Slot) String() string {
	if s == 0 {
		return ""
	}
	return fmt.Sprintf("%02x", byte(s))
}

// ParseSlot reads two hex digits without a prefix (hardware-key sheet, 2.2). An empty text is the zero Slot.
func ParseSlot(text string) (Slot, error) {
	for _, s := range []Slot{0, Slot9A, Slot9C, Slot9D, Slot9E} {
		if strings.EqualFold(strings.TrimSpace(text), s.String()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is not a PIV slot: use 9a, 9c, 9d or 9e", text)
}

// Policy is what a signature with a key costs the person.
type Policy struct {
	Touch bool
	PIN   bool
}

// Satisfies reports whether a key with policy p is good enough where want is demanded.
func (p Policy) Satisfies(want Policy) bool {
	return (p.Touch || !want.Touch) && (p.PIN || !want.PIN)
}

// DefaultSlot is the slot that holds a key of this policy by convention (hardware-key sheet, 2.1).
func (p Policy) DefaultSlot() Slot {
	switch {
	case p.Touch && p.PIN:
		return Slot9D
	case p.Touch:
		return Slot9C
	case p.PIN:
		return Slot9E
	default:
		return Slot9A
	}
}

// String is for logs and screens: "touch and PIN".
func (p Policy) String() string {
	switch {
	case p.Touch && p.PIN:
		return "touch and PIN"
	case p.Touch:
		return "touch"
	case p.PIN:
		return "PIN"
	default:
		return "no touch, no PIN"
	}
}
