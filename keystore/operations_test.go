//go:build linux

package keystore

import (
	"fmt"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// refusals are what the owner of a card is told when an operation is not done.
var refusals = []struct {
	name string
	do   func(changing) error
}{
	{"a wrong PIN", func(c changing) error { return c.pin("111111", goodPIN, KeepLast) }},
	{"the last attempt for the PIN", func(c changing) error {
		_, _ = c.pin("111111", goodPIN, KeepLast), c.pin("111111", goodPIN, KeepLast)
		return c.pin(factoryPIN, goodPIN, KeepLast)
	}},
	{"the last attempt for the PUK", func(c changing) error {
		_, _ = c.puk("11111111", goodPUK, KeepLast), c.puk("11111111", goodPUK, KeepLast)
		return c.unblock(factoryPUK, goodPIN, KeepLast)
	}},
	{"a blocked PUK", func(c changing) error {
		for range 3 {
			_ = c.puk("11111111", goodPUK, SpendLast)
		}
		return c.unblock(factoryPUK, goodPIN, SpendLast)
	}},
	{"a PIN that no card can have", func(c changing) error { return c.pin("12345", goodPIN, KeepLast) }},
	{"a PIN that is the PUK", func(c changing) error { return c.unblock(goodPUK, goodPUK, KeepLast) }},
	{"a PIN that the card finds too simple", func(c changing) error {
		c.key.FailCommand(insChangeReference, 0x6a80, 1)
		return c.pin(factoryPIN, goodPIN, KeepLast)
	}},
	{"a change that broke off", func(c changing) error {
		c.key.FailTransmit(insChangeReference, scardNotTransacted, 1)
		return c.pin(factoryPIN, goodPIN, KeepLast)
	}},
	{"a reset that is not confirmed", func(c changing) error {
		_, err := c.store.ResetPIV(c.Context(), c.serial, "yes")
		return err
	}},
	{"a reset that breaks off again and again", func(c changing) error {
		c.key.FailTransmit(insReset, scardNotTransacted, 1000)
		_, err := c.store.ResetPIV(c.Context(), c.serial, fmt.Sprint(c.serial))
		return err
	}},
	{"a key in a slot that is taken", func(c changing) error {
		c.another("makes a key and a certificate in 9c")
		_, err := c.store.Generate(c.Context(), Generation{Policy: touchPolicy}, purpose)
		return err
	}},
	{"a key in a slot that has changed", func(c changing) error {
		c.another("makes a key without a certificate in 9c")
		_, err := c.store.Generate(c.Context(), Generation{Policy: touchPolicy, Overwrite: "0123456789abcdef"}, purpose)
		return err
	}},
	{"a key in a slot for something else", func(c changing) error {
		_, err := c.store.Generate(c.Context(), Generation{Slot: 0xf9}, purpose)
		return err
	}},
	{"the attestation of an empty slot", func(c changing) error {
		_, err := c.store.Attestation(c.Context(), c.serial, Slot9A)
		return err
	}},
	{"the attestation of an imported key", func(c changing) error {
		c.another("imports a marked key into 9c")
		_, err := c.store.Attestation(c.Context(), c.serial, Slot9C)
		return err
	}},
	{"a card that is not there", func(c changing) error {
		_, err := c.store.Describe(c.Context(), 7654321)
		return err
	}},
}

// Commands of the card (virtual-key sheet, 2.3).
const (
	insChangeReference = 0x24
	insReset           = 0xfb
)

// TestEveryRefusedOperationIsToldInTwoSentences compares with testdata/operations.golden; -update rewrites it.
func TestEveryRefusedOperationIsToldInTwoSentences(t *testing.T) {
	told := make([]string, len(refusals))
	t.Run("all", func(t *testing.T) {
		for i, r := range refusals {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				c := newChanging(t, virtual.DefaultFirmware)
				f, ok := fault.As(r.do(c))
				if !ok {
					t.Fatal("it is no fault")
				}
				text := fmt.Sprintf("%s\n\t%s\n\t%s\n", r.name, f.What, f.Do)
				told[i] = strings.ReplaceAll(text, fmt.Sprint(c.serial), "12345678")
			})
		}
	})
	testkit.Golden(t, "operations.golden", []byte(strings.Join(told, "\n")))
}
