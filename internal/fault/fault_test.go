package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestAsFindsAFaultThroughWrapping(t *testing.T) {
	f := Wrap(io.EOF, "The proxy closed the connection.", "Try again.")
	err := fmt.Errorf("signing in: %w", f)
	got, ok := As(err)
	if !ok || got != f {
		t.Fatalf("As(%v) = %v, %v, want the fault that was wrapped", err, got, ok)
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the cause %v is not reachable through %v", io.EOF, err)
	}
	if got.Details() != "EOF" {
		t.Errorf("Details() = %q, want %q", got.Details(), "EOF")
	}
}

func TestFromKeepsWhatItDoesNotKnow(t *testing.T) {
	if got := From(nil); got != nil {
		t.Errorf("From(nil) = %v, want nil", got)
	}
	got := From(io.ErrUnexpectedEOF)
	if !errors.Is(got, io.ErrUnexpectedEOF) {
		t.Errorf("From(%v) lost its cause", io.ErrUnexpectedEOF)
	}
	if got.What == "" || got.Do == "" {
		t.Errorf("From(%v) = %+v, want two sentences", io.ErrUnexpectedEOF, got)
	}
}

func TestErrorReadsAsTwoSentences(t *testing.T) {
	f := New("The PIN is wrong.", "Try again.")
	if got, want := f.Error(), "The PIN is wrong. Try again."; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if f.Details() != "" {
		t.Errorf("Details() = %q, want none", f.Details())
	}
}
