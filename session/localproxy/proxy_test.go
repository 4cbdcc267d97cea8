package localproxy

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestBytesPassBothWaysAndAreCounted(t *testing.T) {
	s := newSource(t)
	p := open(t, s, Refusal{})
	if got := exchange(t, connect(t, p), "abc"); got != "cba" {
		t.Errorf("the answer is %q", got)
	}
	testkit.Eventually(t, "end of the connection", func() bool { return p.State().Clients == 0 })
	state := p.State()
	if state.Sent != 3 || state.Received != 3 || state.Problem != nil || state.Asking {
		t.Errorf("the state is %+v", state)
	}
	if want := s.clock.now().Add(time.Hour); state.Expires.Before(want.Add(-time.Minute)) {
		t.Errorf("the certificate ends at %v, want about %v", state.Expires, want)
	}
}

func TestALargeTransferArrivesWhole(t *testing.T) {
	p := open(t, newSource(t), Refusal{})
	text := strings.Repeat("0123456789abcdef", 1<<18)
	c := connect(t, p)
	if got := exchange(t, c, text); len(got) != len(text) || got[0] != 'f' {
		t.Errorf("%d bytes came back, want %d", len(got), len(text))
	}
}

func TestOneCertificateServesManyConnections(t *testing.T) {
	s := newSource(t)
	p := open(t, s, Refusal{})
	for range 3 {
		exchange(t, connect(t, p), "x")
	}
	if n := s.issued.Load(); n != 1 {
		t.Errorf("%d certificates were issued, want 1", n)
	}
}

func TestTwentyConnectionsShareOneRenewalAndAllContinue(t *testing.T) {
	s := newSource(t)
	p := open(t, s, Refusal{})
	exchange(t, connect(t, p), "x")
	s.clock.advance(2 * time.Hour)
	answered := make(chan struct{})
	s.set(func(context.Context) (Route, error) {
		<-answered
		return s.route(), nil
	})
	var all sync.WaitGroup
	for range 20 {
		c := connect(t, p)
		all.Go(func() {
			if got := exchange(t, c, "ab"); got != "ba" {
				t.Errorf("the answer is %q", got)
			}
		})
	}
	testkit.Eventually(t, "twenty that wait", func() bool { return p.State().Clients == 20 && p.State().Asking })
	close(answered)
	all.Wait()
	if n := s.issued.Load(); n != 2 {
		t.Errorf("%d certificates were issued, want one and one renewal", n)
	}
}

func TestARefusalReachesEveryWaiterAndTheNextTryWorks(t *testing.T) {
	s := newSource(t)
	refusal := fault.New("The person said no.", "Ask again.")
	s.set(func(context.Context) (Route, error) { return Route{}, refusal })
	p := open(t, s, plainRefusal)
	if got, err := io.ReadAll(connect(t, p)); string(got) != refusal.Error() {
		t.Errorf("the client got %q, %v", got, err)
	}
	if problem := p.State().Problem; !errors.Is(problem, refusal) {
		t.Errorf("the state shows %v", problem)
	}
	s.set(nil)
	if got := exchange(t, connect(t, p), "ab"); got != "ba" || p.State().Problem != nil {
		t.Errorf("the next try got %q, and the state shows %v", got, p.State().Problem)
	}
}

// plainRefusal is for clients that wait to be spoken to.
var plainRefusal = Refusal{
	Hear: func(net.Conn) error { return nil },
	Say:  func(why error) []byte { return []byte(why.Error()) },
}

func TestAProxyThatHangsUpWithoutAWordIsExplained(t *testing.T) {
	s := newSource(t)
	s.set(func(context.Context) (Route, error) {
		r := s.route()
		r.Dial = func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			return ours, theirs.Close()
		}
		return r, nil
	})
	p := open(t, s, plainRefusal)
	c := connect(t, p)
	if got, err := io.ReadAll(c); string(got) != errExplained.Error() {
		t.Errorf("the client got %q, %v", got, err)
	}
	if problem := p.State().Problem; !errors.Is(problem, errExplained) {
		t.Errorf("the state shows %v", problem)
	}
	s.set(nil)
	exchange(t, connect(t, p), "x")
	if n := s.issued.Load(); n != 2 {
		t.Errorf("%d certificates were issued, want another one after the refusal", n)
	}
}

func TestAClientThatLeavesBeforeAWordIsNoRefusal(t *testing.T) {
	s := newSource(t)
	p := open(t, s, Refusal{})
	exchange(t, connect(t, p), "")
	testkit.Eventually(t, "end of the connection", func() bool { return p.State().Clients == 0 })
	if state := p.State(); state.Problem != nil {
		t.Errorf("the state shows %v", state.Problem)
	}
}

func TestClosingEndsConnectionsAndQuestions(t *testing.T) {
	s := newSource(t)
	p := open(t, s, Refusal{})
	talking := connect(t, p)
	testkit.Eventually(t, "connection", func() bool { return s.issued.Load() == 1 && !p.State().Asking })
	s.clock.advance(2 * time.Hour)
	s.set(func(ctx context.Context) (Route, error) {
		<-ctx.Done()
		return Route{}, context.Cause(ctx)
	})
	waiting := connect(t, p)
	testkit.Eventually(t, "question", func() bool { return p.State().Asking })
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatalf("closing: %v", err)
		}
	}
	for _, c := range []net.Conn{talking, waiting} {
		if got, _ := io.ReadAll(c); len(got) != 0 {
			t.Errorf("a closed proxy sent %q", got)
		}
	}
	if state := p.State(); state.Clients != 0 || state.Problem != nil {
		t.Errorf("the state is %+v", state)
	}
	if _, err := net.Dial("tcp", p.Address()); err == nil {
		t.Error("a closed proxy takes connections")
	}
}

func TestAPortThatIsTakenIsAFault(t *testing.T) {
	s := newSource(t)
	p := open(t, s, Refusal{})
	_, err := Listen(Config{Port: p.Port(), Source: s, Now: s.clock.now})
	if f, ok := fault.As(err); !ok || !strings.Contains(f.What, "is used by another program") {
		t.Errorf("got %v", err)
	}
}
