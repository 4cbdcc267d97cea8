//go:build !unix

package app

import "os"

// resizeSignals holds a signal that is never sent: this system has none for a terminal that changed its size, and an
// empty list would make signal.Notify relay every signal.
var resizeSignals = []os.Signal{neverSent{}}

type neverSent struct{}

func (neverSent) String() string { return "never sent" }
func (neverSent) Signal()        {}
