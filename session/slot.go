package session

import (
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore"
)

// SlotSource says whose word decided in which slot a key lives.
type SlotSource string

// The sources, in the order in which they are listened to (hardware-key sheet, 2.2). A choice in the window counts as
// much as the flag.
const (
	SlotFromFlag        SlotSource = "flag"
	SlotFromPerson      SlotSource = "person"
	SlotFromEnvironment SlotSource = "environment"
	SlotFromProfile     SlotSource = "profile"
	SlotFromCluster     SlotSource = "cluster"
	SlotFromPolicy      SlotSource = "policy"
)

// SlotVariable is the environment variable that names a slot.
const SlotVariable = "TELEPORT_PIV_SLOT"

// SlotChoice is the slot of a key and why it is that one. The zero SlotChoice is that of a key in software.
type SlotChoice struct {
	Slot keystore.Slot
	From SlotSource
}

// Reason says in words, for the end of a sentence, why the slot is that one; empty for a key in software.
func (c SlotChoice) Reason() string {
	switch c.From {
	case SlotFromFlag:
		return "chosen with --piv-slot"
	case SlotFromPerson:
		return "chosen for this sign-in"
	case SlotFromEnvironment:
		return "named by " + SlotVariable
	case SlotFromProfile:
		return "chosen at an earlier sign-in"
	case SlotFromCluster:
		return "wanted by the cluster"
	case SlotFromPolicy:
		return "the usual one for this policy"
	default:
		return ""
	}
}

// slotWords is what each source says about the slot; empty texts say nothing.
type slotWords struct {
	chosen      keystore.Slot // by the flag or in the window
	chosenBy    SlotSource
	environment string
	profile     string
	cluster     string
	name        string // of the cluster, for sentences
}

// choose listens to the sources in their order; the usual slot of the policy is the last. A word that names no slot is
// refused unless another one counts for more.
func (w slotWords) choose(policy keystore.Policy) (SlotChoice, error) {
	if w.chosen != 0 {
		return SlotChoice{w.chosen, w.chosenBy}, nil
	}
	for _, word := range []struct {
		from SlotSource
		text string
	}{{SlotFromEnvironment, w.environment}, {SlotFromProfile, w.profile}, {SlotFromCluster, w.cluster}} {
		slot, err := keystore.ParseSlot(word.text)
		if err != nil {
			return SlotChoice{}, w.refuse(word.from, word.text, err)
		}
		if slot != 0 {
			return SlotChoice{slot, word.from}, nil
		}
	}
	return SlotChoice{policy.DefaultSlot(), SlotFromPolicy}, nil
}

// refuse says where a word came from that names no slot.
func (w slotWords) refuse(from SlotSource, text string, err error) error {
	switch from {
	case SlotFromEnvironment:
		return fault.Wrap(err, fmt.Sprintf("%s names no PIV slot: %q.", SlotVariable, text), "Use 9a, 9c, 9d or 9e, or unset it.")
	case SlotFromProfile:
		return fault.Wrap(err, fmt.Sprintf("The slot that is remembered for %s is none: %q.", w.name, text),
			"Choose one now: 9a, 9c, 9d or 9e.")
	default:
		return fault.Wrap(err, fmt.Sprintf("%s wants keys in slot %q, which no person's keys live in.", w.name, text),
			"Choose a slot yourself: 9a, 9c, 9d or 9e.")
	}
}

// chooseSlot settles where the key for a policy lives.
func (l *ceremony) chooseSlot(policy keystore.Policy) (SlotChoice, error) {
	words := slotWords{
		chosen: l.slot, chosenBy: l.slotFrom, environment: l.m.config.PIVSlot, profile: l.profile.Slot,
		cluster: l.ping.Auth.PIVSlot, name: l.profile.name(),
	}
	return words.choose(policy)
}

// want is the requirement for a key in that slot. The usual slot is left to the key store, which asks more before it
// takes a key there that another program made.
func (c SlotChoice) want(policy keystore.Policy) keystore.Requirement {
	r := keystore.Requirement{Policy: policy}
	if c.From != SlotFromPolicy {
		r.Slot = c.Slot
	}
	return r
}

// settleSlot publishes where the key is to live, or where the person had it go when that slot was taken, which is
// remembered.
func (l *ceremony) settleSlot(choice SlotChoice) {
	l.choice = choice
	l.report(func(p *SignIn) { p.Slot = choice })
}

// noteSlot takes over in which slot the key is.
func (l *ceremony) noteSlot(got keystore.Slot) {
	if got != l.choice.Slot {
		l.slot, l.slotFrom = got, SlotFromPerson
		l.settleSlot(SlotChoice{got, SlotFromPerson})
	}
}

// rememberSlot is what the profile keeps of the choice: what the person chose, for the next time, and why the present
// key is where it is.
func (l *ceremony) rememberSlot() {
	if l.slot != 0 {
		l.profile.Slot = l.slot.String()
	}
	l.profile.SlotFrom = l.choice.From
}

// checkEnvironment refuses a slot in the environment that is none before anything is asked.
func (m *Manager) checkEnvironment(chosen keystore.Slot) error {
	if chosen != 0 {
		return nil
	}
	_, err := slotWords{environment: m.config.PIVSlot}.choose(keystore.Policy{})
	return err
}
