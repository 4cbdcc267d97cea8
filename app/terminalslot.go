package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// AskSlot shows what is in a slot and asks what to do. Everything stays as it is unless the answer is one of the words
// that are offered, and nothing is destroyed without a typed "yes". Where nobody answers, nothing is changed.
func (p *terminalPrompter) AskSlot(ctx context.Context, q keystore.SlotPrompt) (keystore.SlotAnswer, error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	fmt.Fprintln(p.out, q.Why.What)
	for _, f := range q.Found.Facts() {
		fmt.Fprintf(p.out, "  %-12s %s\n", f.Name, f.Value)
	}
	answer, err := p.decideSlot(ctx, q)
	if errors.Is(err, session.ErrNobodyAnswers) {
		return keystore.SlotAnswer{}, nil
	}
	return answer, err
}

func (p *terminalPrompter) decideSlot(ctx context.Context, q keystore.SlotPrompt) (keystore.SlotAnswer, error) {
	word, err := p.askOpenly(ctx, fmt.Sprintf("Type %s; anything else leaves everything as it is: ", slotChoices(q)))
	if err != nil {
		return keystore.SlotAnswer{}, err
	}
	slot, _ := keystore.ParseSlot(word)
	switch {
	case slot != 0 && slices.Contains(q.Free, slot):
		return keystore.SlotAnswer{Decision: keystore.SlotElsewhere, Slot: slot}, nil
	case word == "use" && q.Usable:
		return keystore.SlotAnswer{Decision: keystore.SlotUse}, nil
	case word == "overwrite":
		return p.confirmOverwriting(ctx, q)
	default:
		return keystore.SlotAnswer{}, nil
	}
}

func (p *terminalPrompter) confirmOverwriting(ctx context.Context, q keystore.SlotPrompt) (keystore.SlotAnswer, error) {
	word, err := p.askOpenly(ctx, fmt.Sprintf("What is in slot %s of %s is destroyed for good. Type yes to go on: ", q.Found.Slot, q.Card))
	if err != nil || word != "yes" {
		return keystore.SlotAnswer{}, err
	}
	return keystore.SlotAnswer{Decision: keystore.SlotOverwrite}, nil
}

// slotChoices lists what can be typed, what does least harm first.
func slotChoices(q keystore.SlotPrompt) string {
	var free []string
	for _, s := range q.Free {
		free = append(free, s.String())
	}
	var choices []string
	if len(free) > 0 {
		choices = append(choices, strings.Join(free, " or ")+" to make the key in that free slot")
	}
	if q.Usable {
		choices = append(choices, `"use" to sign in with the key that is there`)
	}
	return strings.Join(append(choices, `"overwrite" to destroy what is there`), ", ")
}

// askOpenly asks for a word that is no secret.
func (p *terminalPrompter) askOpenly(ctx context.Context, question string) (string, error) {
	answer, err := p.askHidden(ctx, question, false)
	if err != nil {
		return "", err
	}
	defer answer.Wipe()
	return strings.TrimSpace(string(answer.Reveal())), nil
}
