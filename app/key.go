package app

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
)

// keyCommands are what a YubiKey does for its owner.
func keyCommands() []command {
	return []command{
		{name: "list", summary: "the keys that are plugged in", flags: printingFlags, run: runKeyList},
		{name: "info", summary: "what is in a key, and the state of its PIN and PUK", flags: keyShowFlags, run: runKeyInfo},
		{name: "pin", summary: "change the PIN", flags: keySecretFlags, run: runKeyPIN},
		{name: "puk", summary: "change the PUK", flags: keySecretFlags, run: runKeyPUK},
		{name: "unblock", summary: "set a new PIN with the PUK", flags: keySecretFlags, run: runKeyUnblock},
		{name: "generate", summary: "make a key in a slot", flags: keyGenerateFlags, run: runKeyGenerate},
		{name: "attest", summary: "print what a key proves about one of its slots", flags: keyAttestFlags, run: runKeyAttest},
		{name: "reset", summary: "destroy all PIV keys and start anew", flags: keyResetFlags, run: runKeyReset},
		{name: "activity", summary: "who had what signed, when and with which key", flags: printingFlags, run: runKeyActivity},
		{name: "agent", summary: "sign for tsh, tctl and other programs until interrupted", flags: homeFlag, run: runKeyAgent},
	}
}

// keyOptions are the flags of these commands that no other has.
type keyOptions struct {
	slot, policy     string
	overwrite        string
	lastAttempt      bool
	destroy          string
	attestationRoots string
}

func keyFlags(f *flag.FlagSet, o *options) {
	printingFlags(f, o)
	f.UintVar(&o.serial, "serial", 0, "serial number of the key, where several are plugged in")
}

func keyShowFlags(f *flag.FlagSet, o *options) {
	keyFlags(f, o)
	f.StringVar(&o.key.attestationRoots, "attestation-roots", "", "PEM file of attestation roots to recognise besides Yubico's")
}

func keySecretFlags(f *flag.FlagSet, o *options) {
	keyFlags(f, o)
	f.BoolVar(&o.key.lastAttempt, "last-attempt", false, "go on although only one attempt is left")
}

func keyGenerateFlags(f *flag.FlagSet, o *options) {
	keyShowFlags(f, o)
	f.StringVar(&o.key.slot, "slot", "", "9a, 9c, 9d or 9e (default: the one that the policy has by custom)")
	f.StringVar(&o.key.policy, "policy", "touch", "what a signature costs: none, touch, pin or touch-and-pin, or a cluster's word for it")
	f.StringVar(&o.key.overwrite, "overwrite", "", "destroy what is in the slot, if it still has these contents, as \"key info\" prints them")
}

func keyAttestFlags(f *flag.FlagSet, o *options) {
	keyShowFlags(f, o)
	f.StringVar(&o.key.slot, "slot", "", "9a, 9c, 9d or 9e (default: the only one with a key that is attested)")
}

func keyResetFlags(f *flag.FlagSet, o *options) {
	keyFlags(f, o)
	f.StringVar(&o.key.destroy, "yes-destroy", "", "serial number of the key whose PIV keys are destroyed, instead of the question for it")
}

// withKey opens the rooms, waits until the keys that are plugged in have been read, and picks the one that --serial
// names or that is the only one.
func withKey(ctx context.Context, env *environment, o *options, do func(*keyRoom) error) error {
	if o.serial > math.MaxUint32 {
		return &usageError{fmt.Sprintf("%d is no serial number of a YubiKey.", o.serial), `"touchstone key list" shows those that are plugged in.`}
	}
	roots, err := attestationRoots(o.key.attestationRoots)
	if err != nil {
		return err
	}
	prompter := newTerminalPrompter(env)
	r, err := openRooms(roomsConfig{home: o.home, prompter: prompter, attestationRoots: roots})
	if err != nil {
		return err
	}
	serial, err := pickKey(ctx, r.keys, uint32(o.serial))
	if err == nil {
		err = do(&keyRoom{rooms: r, serial: serial, prompter: prompter, env: env, options: o})
	}
	if err != nil {
		return closeAfter(err, r)
	}
	return r.Close()
}

// keyRoom is one command at work on one key.
type keyRoom struct {
	*rooms
	serial   uint32
	prompter *terminalPrompter
	env      *environment
	options  *options
}

// pickKey is the serial number of the key to use. Where several are plugged in, even if only one of them can be read, it
// has to be said.
func pickKey(ctx context.Context, keys *keystore.Store, serial uint32) (uint32, error) {
	cards, err := pluggedIn(ctx, keys)
	switch {
	case err != nil || serial != 0:
		return serial, err
	case len(cards) > 1:
		names := []string{}
		for _, c := range cards {
			names = append(names, nameOf(c))
		}
		return 0, fault.New(fmt.Sprintf("Several YubiKeys are plugged in: %s.", strings.Join(names, ", ")), "Say which one with --serial.")
	case len(cards) == 1 && cards[0].Problem != nil:
		return 0, cards[0].Problem
	case len(cards) == 1:
		return cards[0].Serial, nil
	default:
		return 0, nil // the store has the sentences for what is missing
	}
}

// nameOf is the serial number of a key in a list of several.
func nameOf(c keystore.CardState) string {
	if c.Serial == 0 {
		return "one that cannot be read"
	}
	return fmt.Sprint(c.Serial)
}

// pluggedIn is the keys that are plugged in, those among them too that cannot be read now.
func pluggedIn(ctx context.Context, keys *keystore.Store) ([]keystore.CardState, error) {
	if err := keys.Refresh(ctx); err != nil {
		return nil, err
	}
	s := keys.Snapshot()
	if s.Problem != nil {
		return nil, s.Problem
	}
	return s.Cards, nil
}

// keyLine is what list prints of a key.
type keyLine struct {
	Serial      uint32 `json:"serial"`
	Name        string `json:"name,omitempty"`
	Model       string `json:"model"`
	Firmware    string `json:"firmware"`
	Reader      string `json:"reader"`
	PINAttempts *int   `json:"pin_attempts,omitempty"` // left, where the key tells
	PUKAttempts *int   `json:"puk_attempts,omitempty"`
	// Problem says why the key cannot be read; then its serial is 0.
	Problem string `json:"problem,omitempty"`
}

func runKeyList(ctx context.Context, env *environment, o *options, _ []string) error {
	return withSessions(env, o, func(r *rooms) error {
		cards, err := pluggedIn(ctx, r.keys)
		if err != nil {
			return err
		}
		lines := []keyLine{}
		for _, c := range cards {
			line := keyLine{Serial: c.Serial, Name: r.keys.Name(c.Serial), Model: c.Model, Firmware: c.Firmware, Reader: c.Reader}
			if c.Known {
				line.PINAttempts, line.PUKAttempts = &c.PINAttempts, &c.PUKAttempts
			}
			if c.Problem != nil {
				line.Problem = c.Problem.Error()
			}
			lines = append(lines, line)
		}
		if o.format == "json" {
			return printJSON(env.stdout, lines)
		}
		return printKeys(env.stdout, lines)
	})
}

func printKeys(w io.Writer, lines []keyLine) error {
	if len(lines) == 0 {
		_, err := fmt.Fprintln(w, "No YubiKey is plugged in.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERIAL\tNAME\tMODEL\tFIRMWARE\tPIN ATTEMPTS\tPUK ATTEMPTS")
	for _, l := range lines {
		if l.Problem != "" {
			fmt.Fprintf(table, "-\t-\t%s\n", l.Problem)
			continue
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", l.Serial, orDash(l.Name), l.Model, l.Firmware, left(l.PINAttempts), left(l.PUKAttempts))
	}
	return table.Flush()
}

func left(attempts *int) string {
	if attempts == nil {
		return "not told"
	}
	return fmt.Sprint(*attempts)
}
