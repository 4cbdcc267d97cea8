// Package fault holds the errors that a person reads: what happened, what to do about it, and the cause for
// whoever wants the details. It decides nothing and prints nothing; a fault is written where the fact is known.
package fault

import "errors"

// Fault is an error in two sentences. What says what happened and names the object (a serial, a cluster, a host);
// Do says what the person can do now. Err is the cause, shown only under "Details"; it may be nil.
type Fault struct {
	What string
	Do   string
	Err  error
}

// New makes a Fault without a cause.
func New(what, do string) *Fault { return &Fault{What: what, Do: do} }

// Wrap makes a Fault whose cause is err. A nil err gives a Fault without a cause, never nil.
func Wrap(err error, what, do string) *Fault { return &Fault{What: what, Do: do, Err: err} }

// Error returns both sentences, so that a Fault printed by chance is still readable.
func (f *Fault) Error() string { return f.What + " " + f.Do }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Details returns the text of the innermost technical cause chain, or "" when there is none.
func (f *Fault) Details() string {
	if f.Err == nil {
		return ""
	}
	return f.Err.Error()
}

// As returns the outermost Fault in err's chain.
func As(err error) (*Fault, bool) {
	var f *Fault
	ok := errors.As(err, &f)
	return f, ok
}

// From returns the Fault in err, or a plain one around err. Reaching the plain one is a bug worth reporting: the
// place that knew the fact should have written the sentence. A nil err gives nil.
func From(err error) *Fault {
	if err == nil {
		return nil
	}
	if f, ok := As(err); ok {
		return f
	}
	return Wrap(err, "Something went wrong.", "Try again; the details may help whoever looks after your cluster.")
}
