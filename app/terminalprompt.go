package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// longestAnswer bounds a line of standard input; passwords are shorter than this.
const longestAnswer = 1024

// terminalPrompter asks on standard error and reads answers from standard input: without echo from a terminal, line
// by line from anything else. It implements the prompters of keystore and session.
type terminalPrompter struct {
	in    *os.File
	out   io.Writer
	codes bool // a code is preferred to a tap wherever it would do

	asking sync.Mutex // one question at a time, answered in the order asked
}

func newTerminalPrompter(env *environment) *terminalPrompter {
	return &terminalPrompter{in: env.stdin, out: env.stderr}
}

// AskPassword asks for the cluster password.
func (p *terminalPrompter) AskPassword(ctx context.Context, q session.PasswordPrompt) (*secret.Bytes, error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	if q.Reason != "" {
		fmt.Fprintln(p.out, q.Reason)
	}
	return p.ask(ctx, fmt.Sprintf("Password of %s on %s: ", q.User, q.Cluster))
}

// AskOTP asks for a one-time code.
func (p *terminalPrompter) AskOTP(ctx context.Context, q session.OTPPrompt) (*secret.Bytes, error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	if q.Reason != "" {
		fmt.Fprintln(p.out, q.Reason)
	}
	return p.ask(ctx, fmt.Sprintf("One-time code of %s on %s: ", q.User, q.Cluster))
}

// AskPIN asks for the PIN of a card.
func (p *terminalPrompter) AskPIN(ctx context.Context, q keystore.PINPrompt) (*secret.Bytes, error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	if q.Wrong {
		fmt.Fprintf(p.out, "The PIN is wrong. %s left on %s.\n", count(q.AttemptsLeft, "attempt"), q.Card)
	}
	hint := ""
	if q.MayBeDefault {
		hint = ", empty for the factory PIN"
	}
	return p.ask(ctx, fmt.Sprintf("PIN of %s (%s, %s%s): ", q.Card, q.Purpose.Where, q.Purpose.What, hint))
}

// AskNewPIN asks for a new PIN twice and then for the PUK: a new one twice, or the present one once.
func (p *terminalPrompter) AskNewPIN(ctx context.Context, q keystore.NewPINPrompt) (pin, puk *secret.Bytes, err error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	if q.Problem != "" {
		fmt.Fprintln(p.out, q.Problem)
	} else {
		fmt.Fprintf(p.out, "%s still has its factory PIN. Choose a new one now: 6 to 8 characters.\n", q.Card)
	}
	pin, err = p.askTwice(ctx, "PIN", keystore.CheckNewPIN)
	if err != nil {
		return nil, nil, err
	}
	if q.PUKIsDefault {
		puk, err = p.askTwice(ctx, "PUK", func(puk []byte) error { return keystore.CheckNewPUK(puk, pin.Reveal()) })
	} else {
		puk, err = p.ask(ctx, fmt.Sprintf("Present PUK of %s: ", q.Card))
	}
	if err != nil {
		pin.Wipe()
		return nil, nil, err
	}
	return pin, puk, nil
}

// ShowTouch prints that a touch is wanted. A terminal cannot cancel one prompt: interrupting ends the command.
func (p *terminalPrompter) ShowTouch(_ context.Context, q keystore.TouchPrompt) (cancelled <-chan struct{}, done func()) {
	if q.Missed > 0 {
		fmt.Fprintf(p.out, "No touch came, and %s waits once more. ", q.Card)
	}
	fmt.Fprintf(p.out, "Touch %s (%s, %s).\n", q.Card, q.Purpose.Where, q.Purpose.What)
	return nil, func() {}
}

// askTwice asks until both answers are the same and check accepts them.
func (p *terminalPrompter) askTwice(ctx context.Context, what string, check func([]byte) error) (*secret.Bytes, error) {
	for {
		first, err := p.ask(ctx, "New "+what+": ")
		if err != nil {
			return nil, err
		}
		again, err := p.ask(ctx, "New "+what+" again: ")
		if err != nil {
			first.Wipe()
			return nil, err
		}
		err = check(first.Reveal())
		if err == nil && !first.Equal(again) {
			err = fault.New("The two are not the same.", "Type the "+what+" twice.")
		}
		again.Wipe()
		if err == nil {
			return first, nil
		}
		first.Wipe()
		f := fault.From(err)
		fmt.Fprintln(p.out, f.What, f.Do)
	}
}

// ask prints question and reads one secret answer. It returns when ctx ends, even if nobody answers.
func (p *terminalPrompter) ask(ctx context.Context, question string) (*secret.Bytes, error) {
	return p.askHidden(ctx, question, true)
}

// askHidden is ask with a choice whether the terminal shows what is typed.
func (p *terminalPrompter) askHidden(ctx context.Context, question string, hidden bool) (*secret.Bytes, error) {
	fmt.Fprint(p.out, question)
	answer := make(chan *secret.Bytes, 1)
	failed := make(chan error, 1)
	isTerminal := hidden && term.IsTerminal(int(p.in.Fd()))
	restore := func() {}
	if isTerminal {
		if state, err := term.GetState(int(p.in.Fd())); err == nil {
			restore = func() { _ = term.Restore(int(p.in.Fd()), state) }
		}
	}
	go func() { // ends with the process when nobody answers: a blocked read of standard input cannot be taken back
		text, err := p.read(isTerminal)
		if err != nil {
			failed <- err
			return
		}
		answer <- text
	}()
	select {
	case text := <-answer:
		fmt.Fprintln(p.out)
		return text, nil
	case err := <-failed:
		fmt.Fprintln(p.out)
		return nil, err
	case <-ctx.Done():
		restore()
		fmt.Fprintln(p.out)
		return nil, context.Cause(ctx)
	}
}

func (p *terminalPrompter) read(isTerminal bool) (*secret.Bytes, error) {
	if isTerminal {
		line, err := term.ReadPassword(int(p.in.Fd()))
		if err != nil {
			return nil, noAnswer(err)
		}
		return secret.Take(line), nil
	}
	line, err := readLine(p.in)
	if err != nil {
		return nil, noAnswer(err)
	}
	return secret.Take(line), nil
}

// readLine reads one byte at a time, so that what follows the answer is left for whoever reads next: the command
// that ssh runs on the server.
func readLine(in io.Reader) ([]byte, error) {
	line := make([]byte, 0, longestAnswer) // never grows, so that no copy of the answer is left behind
	for {
		var b [1]byte
		n, err := in.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return bytes.TrimSuffix(line, []byte("\r")), nil
		case n == 1 && len(line) == longestAnswer:
			clear(line)
			return nil, errors.New("the line is too long")
		case n == 1:
			line = append(line, b[0])
		case err == io.EOF && len(line) > 0:
			return line, nil
		case err != nil:
			clear(line)
			return nil, err
		}
	}
}

func noAnswer(err error) error {
	return fault.Wrap(errors.Join(session.ErrNobodyAnswers, err), "There was no answer on standard input.",
		"Run the command in a terminal, or give one line for each question.")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
