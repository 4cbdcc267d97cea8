//go:build linux

package keystore

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestAWorkerEndsWhenTheStoreIsGone(t *testing.T) {
	command := workerFor("/nowhere")()
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	in.Close()
	if err := testkit.Receive(t, "the end of the worker", ended); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
}

func TestAWorkerEndsEvenWhileTheCardWaitsForATouch(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: touchPolicy})
	reader := b.waitForCard().Reader
	b.store.Close()
	b.clock.Advance(20 * time.Second)
	command := workerFor(b.key.Socket())()
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	q := &request{
		Op: opSign, Reader: reader, Slot: Slot9C, Policy: touchPolicy,
		Public: key.Reference().PublicKey, Digest: make([]byte, 32),
	}
	if err := writeRequest(in, q); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the card to wait for a touch", func() bool { return b.key.Status().Waiting })
	in.Close()
	if _, err := io.Copy(io.Discard, out); err != nil { // ends when the worker does
		t.Error(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
}

func TestAWorkerRefusesWhatItDoesNotUnderstand(t *testing.T) {
	l := newLink(workerFor("/nowhere"))
	defer l.close()
	_, err := l.call(t.Context(), &request{Op: "dance"}, ignore)
	var f *failure
	if !errors.As(err, &f) || f.Kind != kindOther {
		t.Errorf("got %v, want the operation to be refused", err)
	}
}

func TestAWorkerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	l := newLink(func() *exec.Cmd { return exec.Command("sleep", "600") })
	l.patience = patience{plain: time.Millisecond, touch: time.Millisecond}
	for _, policy := range []Policy{{}, touchPolicy} {
		if _, err := l.call(t.Context(), &request{Op: opInfo, Policy: policy}, ignore); !errors.Is(err, errNoAnswer) {
			t.Errorf("a worker that sleeps gives %v, want %v", err, errNoAnswer)
		}
		if l.process != nil {
			t.Error("a worker that sleeps was kept")
		}
	}
}

func TestAWorkerThatCannotBeStartedIsAFault(t *testing.T) {
	b := newBench(t)
	b.store.worker = func() *exec.Cmd { return exec.Command("/nowhere/touchstone") }
	b.key.Unplug()
	b.waitFor("no card", func(s Snapshot) bool { return len(s.Cards) == 0 })
	b.key.Plug()
	s := b.waitFor("a card that cannot be read", func(s Snapshot) bool {
		return len(s.Cards) == 1 && s.Cards[0].Problem != nil
	})
	t.Log(s.Cards[0].Problem)
	_, err := b.store.Key(t.Context(), Requirement{}, purpose)
	if _, ok := fault.As(err); !ok {
		t.Errorf("got %v, want a fault", err)
	}
}

func TestAWorkerThatDiesIsReplaced(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{})
	c, err := b.store.find(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.link.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := b.sign(t.Context(), key); err != nil {
		t.Errorf("signing after the worker died: %v", err)
	}
}

func TestAWorkerThatSawAPINIsThrownAway(t *testing.T) {
	b := newBench(t)
	key := b.prepare(Requirement{Policy: pinPolicy})
	c, err := b.store.find(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b.forgetVerifiedPIN()
	b.person.answers(goodPIN)
	if err := b.sign(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	var running bool
	if err := c.do(t.Context(), func(context.Context) error { running = c.link.process != nil; return nil }); err != nil {
		t.Fatal(err)
	}
	if running {
		t.Error("the worker that was shown a PIN is still running")
	}
}
