package app

import (
	"context"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
)

// AskManagementKey asks for the management key of a card, and shows how the same is done with ykman.
func (p *terminalPrompter) AskManagementKey(ctx context.Context, q keystore.ManagementPrompt) (*secret.Bytes, error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	if q.Problem != "" {
		fmt.Fprintln(p.out, q.Problem)
	} else {
		fmt.Fprintf(p.out, "%s has a management key of its own, which is needed to make a key in slot %s.\n", q.Card, q.Slot)
	}
	fmt.Fprintln(p.out, "These lines do the same, for whoever would rather give it to ykman:")
	for _, line := range q.Commands {
		fmt.Fprintf(p.out, "  %s\n", line)
	}
	return p.ask(ctx, fmt.Sprintf("Management key (%s), or nothing once those lines have run: ", managementKeyForm(q)))
}

// managementKeyForm says what the key looks like.
func managementKeyForm(q keystore.ManagementPrompt) string {
	form := fmt.Sprintf("%d hexadecimal digits", q.Digits)
	if q.Algorithm != "" {
		form = q.Algorithm + ", " + form
	}
	return form
}
