package app

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

func runLogin(ctx context.Context, env *environment, o *options, _ []string) error {
	if o.proxy == "" || o.user == "" {
		return &usageError{"Signing in needs --proxy and --user.", `"touchstone login --help" shows how it is used.`}
	}
	slot, err := chosenSlot(o.pivSlot)
	if err != nil {
		return err
	}
	prompter := &codePrompter{prompter: newTerminalPrompter(env), code: o.otp}
	r, err := openRooms(roomsConfig{home: o.home, prompter: prompter, pivSlot: env.getenv(session.SlotVariable), progress: sayProgress(env.stderr)})
	if err != nil {
		return err
	}
	defer r.Close()
	id, err := r.sessions.AddCluster(ctx, o.proxy, o.caFile)
	if err != nil {
		return err
	}
	request := session.SignInRequest{Cluster: id, User: o.user, Slot: slot, SlotFrom: session.SlotFromFlag, Factor: chosenFactor(o)}
	if err := r.sessions.SignInWith(ctx, request); err != nil {
		return err
	}
	printSummary(env.stdout, clusterByID(r.sessions.Snapshot(), id))
	return nil
}

// codePrompter answers the first question for a one-time code with the one from the command line.
type codePrompter struct {
	prompter
	mu   sync.Mutex
	code string // empty once given; guarded by mu
}

// AskOTP gives the code, or asks.
func (p *codePrompter) AskOTP(ctx context.Context, q session.OTPPrompt) (*secret.Bytes, error) {
	p.mu.Lock()
	code := p.code
	p.code = ""
	p.mu.Unlock()
	if code != "" {
		return secret.New([]byte(code)), nil
	}
	return p.prompter.AskOTP(ctx, q)
}

// chosenFactor is the second factor that the flags insist on: whoever gives a code wants it to be used.
func chosenFactor(o *options) session.Factor {
	if o.otp != "" && o.auth == "" {
		return session.FactorOTP
	}
	return session.Factor(o.auth)
}

// chosenSlot is the slot of the flag.
func chosenSlot(flag string) (keystore.Slot, error) {
	slot, err := keystore.ParseSlot(flag)
	if err != nil {
		return 0, fault.Wrap(err, fmt.Sprintf("--piv-slot names no PIV slot: %q.", flag), "Use 9a, 9c, 9d or 9e.")
	}
	return slot, nil
}

// sayProgress says on w, once each, that the first round did not meet the cluster's policy, and where the key lives.
func sayProgress(w io.Writer) func(string, session.SignIn) {
	var said session.SignIn
	return func(_ string, s session.SignIn) {
		if s.Unmet != "" && said.Unmet == "" {
			fmt.Fprintf(w, "The private key policy %s is not met. Signing in again with a hardware key.\n", s.Unmet)
		}
		if s.Slot.Slot != 0 && s.Slot != said.Slot {
			fmt.Fprintf(w, "The key lives in slot %s, %s.\n", s.Slot.Slot, s.Slot.Reason())
		}
		said = s
	}
}

func printSummary(w io.Writer, c session.Cluster) {
	key := "a key in software"
	if c.Serial != 0 {
		key = fmt.Sprintf("YubiKey %d, slot %s", c.Serial, c.Slot)
	}
	fmt.Fprintf(w, "Signed in to %s as %s with %s, until %s.\n", c.Name, c.User, key, c.Expires.Local().Format("2006-01-02 15:04"))
}

func clusterByID(s session.Snapshot, id string) session.Cluster {
	for _, c := range s.Clusters {
		if c.ID == id {
			return c
		}
	}
	return session.Cluster{ID: id, Name: id}
}
