package app

import (
	"cmp"
	"context"
	"os"

	local "github.com/touchstone-app/touchstone/internal/program"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui"
)

// runProgram starts a program of this computer for a terminal tab.
func runProgram(ctx context.Context, p ui.Program, size session.Terminal) (ui.Terminal, error) {
	argv := p.Argv
	if len(argv) == 0 {
		argv = []string{cmp.Or(os.Getenv("SHELL"), "/bin/sh")}
	}
	env := append(os.Environ(), "TERM="+size.Type, "COLORTERM=truecolor")
	r, err := local.Start(ctx, local.Config{Argv: argv, Env: append(env, p.Env...), Cols: size.Cols, Rows: size.Rows})
	if err != nil {
		return nil, err // not a nil *local.Running in an interface
	}
	return r, nil
}
