package keystore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// SlotPrompt asks what to do about a slot that holds something that is not ours to overwrite.
type SlotPrompt struct {
	Card    CardID
	Purpose Purpose
	Want    Policy
	Found   SlotDetails
	// Why has the two sentences: what is in the way, and what to do if everything is left as it is.
	Why *fault.Fault
	// Usable says that the key in the slot is good enough, although another program made it.
	Usable bool
	// Free are the slots that are empty, the first one to be offered first; none if all are taken.
	Free []Slot
}

// SlotDecision is what to do about a slot that is taken.
type SlotDecision string

// The decisions. The zero SlotDecision leaves everything as it is.
const (
	SlotLeave     SlotDecision = ""
	SlotUse       SlotDecision = "use"       // sign in with the key of the other program; only if Usable
	SlotElsewhere SlotDecision = "elsewhere" // make the key in one of the free slots
	SlotOverwrite SlotDecision = "overwrite" // destroy what is in the slot
)

// SlotAnswer is the answer to a SlotPrompt; Slot is the free one for SlotElsewhere.
type SlotAnswer struct {
	Decision SlotDecision
	Slot     Slot
}

// SlotPrompter is a Prompter that can ask about a slot that is taken. With any other Prompter it is left alone.
type SlotPrompter interface {
	// AskSlot returns what the person has decided. A refusal is context.Canceled; a decision to overwrite was confirmed.
	AskSlot(ctx context.Context, p SlotPrompt) (SlotAnswer, error)
}

// decide has the person decide about a slot that is taken and changes the wish accordingly, or returns why the slot
// cannot be used.
func (p *preparation) decide(ctx context.Context, taken *takenError) error {
	prompter, ok := p.store.prompter.(SlotPrompter)
	if !ok {
		return taken.why
	}
	details, err := p.store.describe(ctx, p.card)
	if err != nil {
		return err
	}
	prompt := SlotPrompt{
		Card: p.card.id(), Purpose: p.purpose, Want: p.want.Policy, Found: details.Slot(p.want.Slot),
		Why: taken.why, Usable: taken.usable != nil, Free: details.free(p.want),
	}
	answer, err := p.askSlot(ctx, prompter, prompt)
	if err != nil {
		return err
	}
	return p.obey(answer, prompt, taken)
}

func (p *preparation) askSlot(ctx context.Context, prompter SlotPrompter, prompt SlotPrompt) (SlotAnswer, error) {
	ctx, release := p.card.whilePlugged(ctx)
	defer release()
	answer, err := prompter.AskSlot(ctx, prompt)
	if err == nil {
		return answer, nil
	}
	if cause := context.Cause(ctx); cause != nil || errors.Is(err, context.Canceled) {
		return SlotAnswer{}, p.card.promptError(ctx, err)
	}
	return SlotAnswer{}, prompt.Why // nobody could be asked
}

// obey changes the wish as the person has decided.
func (p *preparation) obey(answer SlotAnswer, prompt SlotPrompt, taken *takenError) error {
	switch {
	case answer.Decision == SlotUse && prompt.Usable:
		p.accepted = taken.usable
	case answer.Decision == SlotElsewhere && slices.Contains(prompt.Free, answer.Slot):
		p.want.Slot, p.custom = answer.Slot, true
	case answer.Decision == SlotOverwrite:
		p.overwrite = prompt.Found.Contents
	case answer.Decision == SlotLeave:
		return taken.why
	default:
		return fault.Wrap(ErrSlotTaken, fmt.Sprintf("Slot %s of %s cannot be used in that way.", p.want.Slot, p.card.id().inside()),
			"Nothing was changed. Choose one of the slots that were offered.")
	}
	return nil
}

// free is the slots that are empty, the usual one of the policy first.
func (d *CardDetails) free(want Requirement) []Slot {
	var free []Slot
	for _, s := range d.Slots {
		if s.Slot != want.Slot && (s.State == SlotEmpty || s.State == SlotUnsure) {
			free = append(free, s.Slot)
		}
	}
	usual := want.Policy.DefaultSlot()
	slices.SortStableFunc(free, func(a, b Slot) int { return rank(a, usual) - rank(b, usual) })
	return free
}

func rank(s, usual Slot) int {
	if s == usual {
		return 0
	}
	return 1
}
