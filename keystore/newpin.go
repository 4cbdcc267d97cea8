package keystore

import (
	"bytes"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// The factory PIN and PUK of every YubiKey, and the lengths that clients of these clusters allow (hardware-key
// sheet, 6.1).
const (
	factoryPIN = "123456"
	factoryPUK = "12345678"
	minSecret  = 6
	maxPIV     = 8
)

// CheckNewPIN tells whether pin may become the PIN of a card: 6 to 8 printable ASCII characters and not the factory
// PIN. The error is a *fault.Fault whose sentences can be shown while the person types.
func CheckNewPIN(pin []byte) error {
	if err := checkNewSecret("PIN", pin); err != nil {
		return err
	}
	if string(pin) == factoryPIN {
		return fault.New("This is the PIN that every new YubiKey has.", "Choose another one.")
	}
	return nil
}

// CheckNewPUK tells whether puk may become the PUK of a card beside the new PIN: 6 to 8 printable ASCII
// characters, not the factory PUK and not the PIN. The error is as CheckNewPIN's.
func CheckNewPUK(puk, pin []byte) error {
	if err := checkNewSecret("PUK", puk); err != nil {
		return err
	}
	if string(puk) == factoryPUK {
		return fault.New("This is the PUK that every new YubiKey has.", "Choose another one.")
	}
	if bytes.Equal(puk, pin) {
		return fault.New("The PUK is the same as the PIN.", "Choose a different one: it is for the day when the PIN is lost.")
	}
	return nil
}

// checkNewSecret applies the rules that PIN and PUK share. The card counts bytes, so only ASCII is sure to mean the
// same everywhere.
func checkNewSecret(name string, text []byte) error {
	for _, b := range text {
		if b < 0x20 || b > 0x7e {
			return fault.New(fmt.Sprintf("The %s has a character that not every program can type.", name),
				"Use only unaccented letters, digits and signs.")
		}
	}
	if len(text) < minSecret {
		return fault.New(fmt.Sprintf("The %s is too short.", name), "Use 6 to 8 characters.")
	}
	if len(text) > maxPIV {
		return fault.New(fmt.Sprintf("The %s is too long.", name), "Use 6 to 8 characters.")
	}
	return nil
}
