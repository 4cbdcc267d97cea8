package ui

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session"
)

// openLocal runs a program of this computer in a terminal tab. argv may be empty for the person's own shell; env is
// "NAME=value" besides the app's own environment.
func (w *Window) openLocal(title string, argv, env []string) {
	name := "The shell"
	if len(argv) > 0 {
		name = filepath.Base(argv[0])
	}
	w.main.add(terminalConfig{
		title: title,
		name:  title,
		words: programWords(name),
		open: func(ctx context.Context, size session.Terminal) (Terminal, error) {
			if w.deps.RunProgram == nil {
				return nil, fault.New("This Touchstone cannot run programs in a tab.", "Copy the command and run it in a terminal of your own.")
			}
			return w.deps.RunProgram(ctx, Program{Argv: argv, Env: env}, size)
		},
		arrived: func() {},
	})
}

// runProxyTool runs the usual tool of an open local proxy in a terminal tab.
func (w *Window) runProxyTool(id session.ProxyID) {
	for _, p := range w.sessions.Proxies {
		if p.ID == id {
			env, argv := commandWords(p.Command)
			title := p.Name
			if len(argv) > 0 {
				title = filepath.Base(argv[0]) + " " + title
			}
			if len(argv) == 1 {
				argv = nil // a tool that wants arguments: a shell in which it finds its target
			}
			w.openLocal(title, argv, env)
			return
		}
	}
}

// commandWords takes a command apart that is quoted for a POSIX shell (XCU, 2.2.2 and 2.10.2): the variables that it sets,
// and the program with its arguments. Without a shell in between, a program that is not there can be told as such.
func commandWords(command string) (env, argv []string) {
	for _, word := range shellWords(command) {
		if name, _, found := strings.Cut(word, "="); found && len(argv) == 0 && name == strings.ToUpper(name) {
			env = append(env, word)
			continue
		}
		argv = append(argv, word)
	}
	return env, argv
}

// shellWords splits at spaces outside single quotes, and takes the quotes and backslashes away.
func shellWords(command string) []string {
	var words []string
	var word strings.Builder
	quoted, escaped, begun := false, false, false
	for _, r := range command {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\'':
			quoted, begun = !quoted, true
		case r == '\\' && !quoted:
			escaped, begun = true, true
		case r == ' ' && !quoted:
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}
