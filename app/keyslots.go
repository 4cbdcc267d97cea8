package app

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
)

func runKeyGenerate(ctx context.Context, env *environment, o *options, _ []string) error {
	slot, err := slotFlag(o.key.slot)
	if err != nil {
		return err
	}
	policy, err := keystore.ParsePolicy(o.key.policy)
	if err != nil {
		return fault.Wrap(err, fmt.Sprintf("--policy names no policy of a key: %q.", o.key.policy), "Use none, touch, pin or touch-and-pin.")
	}
	if slot == 0 {
		slot = policy.DefaultSlot()
	}
	return withKey(ctx, env, o, func(k *keyRoom) error {
		g := keystore.Generation{Serial: k.serial, Slot: slot, Policy: policy, Overwrite: o.key.overwrite}
		if g.Overwrite == "" {
			if g.Overwrite, err = k.agreeToOverwrite(ctx, slot); err != nil {
				return err
			}
		}
		purpose := keystore.Purpose{Where: "this computer", What: "New key in slot " + slot.String(), Program: "touchstone key generate"}
		made, err := k.keys.Generate(ctx, g, purpose)
		if err != nil {
			return err
		}
		return k.printMade(ctx, made)
	})
}

// agreeToOverwrite says what is in the slot and has its name typed before it may be destroyed. An empty slot needs no
// question.
func (k *keyRoom) agreeToOverwrite(ctx context.Context, slot keystore.Slot) (contents string, err error) {
	details, err := k.keys.Describe(ctx, k.serial)
	if err != nil {
		return "", err
	}
	found := details.Slot(slot)
	if found.State == keystore.SlotEmpty {
		return "", nil
	}
	for _, user := range usersOf(k.sessions.Snapshot(), details.Serial, slot) {
		fmt.Fprintf(k.env.stderr, "The key in slot %s is used by %s.\n", slot, user)
	}
	fmt.Fprintf(k.env.stderr, "Slot %s of %s holds %s.\n", slot, details.CardID, found.Summary())
	answer, err := k.prompter.askHidden(ctx, fmt.Sprintf("Type %s to destroy that, or nothing to leave it: ", slot), false)
	if err != nil {
		return "", err
	}
	defer answer.Wipe()
	if !strings.EqualFold(string(answer.Reveal()), slot.String()) {
		return "", notDestroyed(details, slot)
	}
	return found.Contents, nil
}

func notDestroyed(details *keystore.CardDetails, slot keystore.Slot) error {
	free := []string{}
	for _, s := range details.Slots {
		if s.State == keystore.SlotEmpty {
			free = append(free, s.Slot.String())
		}
	}
	do := "Type the slot to overwrite it."
	if len(free) > 0 {
		do = fmt.Sprintf("Choose an empty slot with --slot: %s.", strings.Join(free, ", "))
	}
	return fault.Wrap(keystore.ErrSlotTaken, fmt.Sprintf("Slot %s of %s was left as it is.", slot, details.CardID), do)
}

func (k *keyRoom) printMade(ctx context.Context, made *keystore.SlotDetails) error {
	if k.options.format == "json" {
		return printJSON(k.env.stdout, slotOf(*made, nil))
	}
	_, err := fmt.Fprintf(k.env.stdout, "A new key is in slot %s of YubiKey %d: %s, %s.\n",
		made.Slot, made.Attestation.Serial, made.Algorithm, made.Attestation.Policy.Name())
	return err
}

// slotFlag reads --slot; nothing is the zero Slot.
func slotFlag(text string) (keystore.Slot, error) {
	slot, err := keystore.ParseSlot(text)
	if err != nil {
		return 0, fault.Wrap(err, fmt.Sprintf("--slot names no PIV slot: %q.", text), "Use 9a, 9c, 9d or 9e.")
	}
	return slot, nil
}

// attestation is what attest prints as JSON.
type attestation struct {
	attestLines
	Algorithm string   `json:"algorithm"`
	Chain     []string `json:"chain"` // PEM: the statement, the key's certificate, and what is known above it
}

func runKeyAttest(ctx context.Context, env *environment, o *options, _ []string) error {
	slot, err := slotFlag(o.key.slot)
	if err != nil {
		return err
	}
	return withKey(ctx, env, o, func(k *keyRoom) error {
		details, err := k.keys.Describe(ctx, k.serial)
		if err != nil {
			return err
		}
		if slot == 0 {
			if slot, err = onlyAttested(details); err != nil {
				return err
			}
		}
		found, err := k.keys.Attestation(ctx, details.Serial, slot)
		if err != nil {
			return err
		}
		return printAttestation(env.stdout, o.format, details.Slot(slot), found)
	})
}

// onlyAttested is the one slot that has a key to be attested.
func onlyAttested(details *keystore.CardDetails) (slot keystore.Slot, err error) {
	attested := []string{}
	for _, s := range details.Slots {
		if s.Attestation != nil {
			slot, attested = s.Slot, append(attested, s.Slot.String())
		}
	}
	switch len(attested) {
	case 1:
		return slot, nil
	case 0:
		return 0, fault.Wrap(keystore.ErrNotAttested, fmt.Sprintf("%s holds no key that it can attest.", details.CardID),
			`Make one with "touchstone key generate"; imported keys cannot be attested.`)
	default:
		return 0, fault.New(fmt.Sprintf("%s attests keys in several slots: %s.", details.CardID, strings.Join(attested, ", ")),
			"Say which one with --slot.")
	}
}

func printAttestation(w io.Writer, format string, slot keystore.SlotDetails, a *keystore.Attestation) error {
	out := attestation{attestLines: *attestedOf(a), Algorithm: slot.Algorithm}
	for _, cert := range a.Chain {
		out.Chain = append(out.Chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
	}
	if format == "json" {
		return printJSON(w, out)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "A cluster reads\t%s\n", out.Policy)
	fmt.Fprintf(table, "Key\t%s in slot %s, made in YubiKey %d\n", out.Algorithm, out.Slot, out.Serial)
	fmt.Fprintf(table, "Asks for\tPIN %s, touch %s\n", out.PINPolicy, out.Touch)
	fmt.Fprintf(table, "Firmware\t%s\n", out.Firmware)
	fmt.Fprintf(table, "Form factor\t%s\n", orDash(out.FormFactor))
	fmt.Fprintf(table, "Vouched for by\t%s\n", vouchers(out))
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(w, "\n"+strings.Join(out.Chain, ""))
	return err
}

func vouchers(a attestation) string {
	if a.VerifiedBy == "" {
		return "nobody known: a cluster that trusts Yubico only refuses this key"
	}
	return a.VerifiedBy
}

func runKeyReset(ctx context.Context, env *environment, o *options, _ []string) error {
	return withKey(ctx, env, o, func(k *keyRoom) error {
		details, err := k.keys.Describe(ctx, k.serial)
		if err != nil {
			return err
		}
		confirm, err := k.confirmReset(ctx, details)
		if err != nil {
			return err
		}
		destroyed, err := k.keys.ResetPIV(ctx, details.Serial, confirm)
		if err != nil {
			return err
		}
		return k.printReset(destroyed)
	})
}

// confirmReset says what a reset destroys and has the serial number typed.
func (k *keyRoom) confirmReset(ctx context.Context, details *keystore.CardDetails) (string, error) {
	if given := k.options.key.destroy; given != "" {
		return given, nil
	}
	fmt.Fprintf(k.env.stderr, "This destroys all PIV keys and certificates on %s:\n", details.CardID)
	for _, line := range k.losses(details) {
		fmt.Fprintln(k.env.stderr, "  "+line)
	}
	fmt.Fprintln(k.env.stderr, "Its PIN, PUK and management key become the factory ones. Security key credentials stay.")
	answer, err := k.prompter.askHidden(ctx, fmt.Sprintf("Type the serial number %d to destroy them: ", details.Serial), false)
	if err != nil {
		return "", err
	}
	defer answer.Wipe()
	return string(answer.Reveal()), nil
}

// losses is what a reset destroys, line by line.
func (k *keyRoom) losses(details *keystore.CardDetails) []string {
	lines := []string{}
	for _, s := range details.Slots {
		if s.State == keystore.SlotEmpty || s.State == keystore.SlotUnsure {
			continue
		}
		line := fmt.Sprintf("slot %s: %s", s.Slot, s.Summary())
		for _, user := range usersOf(k.sessions.Snapshot(), details.Serial, s.Slot) {
			line += ", used by " + user
		}
		lines = append(lines, line)
	}
	return lines
}

func (k *keyRoom) printReset(destroyed *keystore.CardDetails) error {
	lines := k.losses(destroyed)
	if k.options.format == "json" {
		return printJSON(k.env.stdout, map[string]any{"serial": destroyed.Serial, "destroyed": lines})
	}
	_, err := fmt.Fprintf(k.env.stdout, "%s was reset.\n", destroyed.CardID)
	for _, line := range lines {
		_, werr := fmt.Fprintf(k.env.stdout, "Destroyed: %s\n", line)
		err = errors.Join(err, werr)
	}
	return err
}
