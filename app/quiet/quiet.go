// Package quiet silences the standard logger while the program's packages are initialised. Fyne complains there about
// the locale C, before main could direct its words into a log, and every command would begin with three lines that
// help nobody.
//
// The order is Go's (language specification, "Program initialization"): packages are initialised in the order of
// their import paths, as soon as all that they import is. This one imports the standard library only; Fyne's lang
// package needs golang.org/x/text, which comes later in that order.
package quiet

import (
	"io"
	"log"
)

func init() { log.SetOutput(io.Discard) }
