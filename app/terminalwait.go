package app

import (
	"context"
	"fmt"
	"strconv"

	"golang.org/x/term"

	"github.com/touchstone-app/touchstone/keystore"
)

// cardPrompter is whom the key store asks through. Only somebody at a terminal is told what is waited for, and has it
// waited for: a script or a program that runs us is told at once what is wrong, instead of hanging.
func cardPrompter(p prompter) keystore.Prompter {
	if code, ok := p.(*codePrompter); ok {
		p = code.prompter
	}
	if t, ok := p.(*terminalPrompter); ok && term.IsTerminal(int(t.in.Fd())) {
		return &patientTerminal{t}
	}
	return p
}

// patientTerminal is a terminalPrompter with somebody in front of it. It implements keystore.WaitPrompter and
// keystore.CardChooser.
type patientTerminal struct{ *terminalPrompter }

var (
	_ keystore.WaitPrompter = (*patientTerminal)(nil)
	_ keystore.CardChooser  = (*patientTerminal)(nil)
)

// ShowWait prints what is waited for. As with a touch, interrupting ends the command.
func (p *patientTerminal) ShowWait(_ context.Context, q keystore.WaitPrompt) (cancelled <-chan struct{}, done func()) {
	fmt.Fprintf(p.out, "%s (%s, %s)\n%s\n", q.Fault.What, q.Purpose.Where, q.Purpose.What, q.Fault.Do)
	return nil, func() {}
}

// ChooseCard lists the cards and asks for the number of one until there is such a one.
func (p *patientTerminal) ChooseCard(ctx context.Context, q keystore.ChoosePrompt) (uint32, error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	fmt.Fprintf(p.out, "Several keys are plugged in. Which one is to be used (%s, %s)?\n", q.Purpose.Where, q.Purpose.What)
	for i, c := range q.Cards {
		fmt.Fprintf(p.out, "  %d  %s, %s\n", i+1, c.CardID, c.Model)
	}
	for {
		answer, err := p.askHidden(ctx, fmt.Sprintf("Number of the key, 1 to %d: ", len(q.Cards)), false)
		if err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(string(answer.Reveal()))
		answer.Wipe()
		if err == nil && n >= 1 && n <= len(q.Cards) {
			return q.Cards[n-1].Serial, nil
		}
	}
}
