package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/touchstone-app/touchstone/keystore"
)

// ShowTap prints that a security key wants a tap, unless a code is preferred. As with a touch, interrupting ends the
// command.
func (p *terminalPrompter) ShowTap(_ context.Context, q keystore.TapPrompt) (cancelled <-chan struct{}, done func()) {
	if p.codes && q.Code {
		q.UseCode()
		return nil, func() {}
	}
	fmt.Fprintf(p.out, "Tap your %s (%s, %s).\n", strings.Join(q.Keys, " or "), q.Purpose.Where, q.Purpose.What)
	return nil, func() {}
}
