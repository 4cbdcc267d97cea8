package ui

import (
	"context"
	"errors"
	"fmt"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// tabWords is what a terminal tab says around its screen.
type tabWords struct {
	starting  string
	ended     func(status int) string
	again     string       // the button that starts it once more
	cancelled *fault.Fault // a prompt was refused before anything was open
}

// serverWords are for a session on a server.
func serverWords(name string) tabWords {
	return tabWords{
		starting: "Connecting to " + name + "…",
		ended: func(status int) string {
			if status == 0 {
				return "The session on " + name + " has ended."
			}
			return fmt.Sprintf("Ended with status %d. What %s sent stays readable until you close the tab.", status, name)
		},
		again:     "Reconnect",
		cancelled: fault.New("The connection to "+name+" was cancelled.", "Try again when you are ready."),
	}
}

// programWords are for a program of this computer.
func programWords(name string) tabWords {
	return tabWords{
		starting: "Starting " + name + "…",
		ended: func(status int) string {
			if status == 0 {
				return name + " has ended."
			}
			return fmt.Sprintf("%s ended with status %d. What it printed stays readable until you close the tab.", name, status)
		},
		again:     "Run again",
		cancelled: fault.New(name+" was not started.", "Try again when you are ready."),
	}
}

// endFault is what ended a tab's session; a refused prompt is one here, because the tab stays.
func endFault(words tabWords, err error) *fault.Fault {
	if f, ok := fault.As(err); ok {
		return f
	}
	if errors.Is(err, context.Canceled) {
		return words.cancelled
	}
	return fault.From(err)
}
