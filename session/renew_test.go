package session

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/internal/wire"
)

// weakened is a world with a user who signed in with a software key, whose role demands hardware since.
func weakened(t *testing.T) (w *world, id string, node Server) {
	t.Helper()
	w = newWorld(t)
	id = w.signIn("off")
	node = w.node(id)
	w.demand("off", "false", wire.PolicyTouch)
	return w, id, node
}

func TestARequestThatNeedsAStricterKeySignsInAgainAndFinishes(t *testing.T) {
	requests := map[string]func(w *world, id string, node Server) error{
		"for the list of servers": func(w *world, id string, _ Server) error {
			servers, err := w.Servers(w.t.Context(), id)
			if err == nil && len(servers) == 0 {
				err = errors.New("the list is empty")
			}
			return err
		},
		"for a shell": func(w *world, id string, node Server) error {
			s, err := w.OpenShell(w.t.Context(), ShellRequest{Cluster: id, Host: node.ID, Command: "exit 0"})
			if err == nil {
				err = s.Close()
			}
			return err
		},
		"for a stream": func(w *world, id string, node Server) error {
			conn, err := w.DialServer(w.t.Context(), StreamRequest{Cluster: id, Host: node.ID})
			if err == nil {
				err = conn.Close()
			}
			return err
		},
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			w, id, node := weakened(t)
			asked := 0
			w.config.Prompter = prompter{func(p PasswordPrompt) (*secret.Bytes, error) {
				asked++
				if p.Cluster != "demo" || p.User != "off" || p.Reason != "demo now demands a hardware key with touch." {
					t.Errorf("the prompt was %+v", p)
				}
				return w.password("off"), nil
			}}
			if err := request(w, id, node); err != nil {
				t.Fatalf("the request ended with %v", err)
			}
			if err := request(w, id, node); err != nil || asked != 1 {
				t.Errorf("the next one ended with %v after %d prompts, want 1", err, asked)
			}
			if c := show(t, w.Manager, id); c.Policy != wire.PolicyTouch || c.Serial != fakeSerial || c.Problem != nil {
				t.Errorf("the cluster shows %+v", c)
			}
		})
	}
}

func TestManyRequestsShareOneSignIn(t *testing.T) {
	w, id, _ := weakened(t)
	var asked atomic.Int32
	release := make(chan struct{})
	w.config.Prompter = prompter{func(PasswordPrompt) (*secret.Bytes, error) {
		asked.Add(1)
		<-release
		return w.password("off"), nil
	}}
	const callers = 8
	answers := make(chan error, callers)
	for range callers {
		go func() { _, err := w.Servers(t.Context(), id); answers <- err }()
	}
	eventually(t, "waiters for one sign-in", func() bool {
		w.Manager.mu.Lock()
		defer w.Manager.mu.Unlock()
		c := w.clusters[id].ceremony
		return c != nil && c.waiters == callers
	})
	close(release)
	for range callers {
		if err := testkit.Receive(t, "answer", answers); err != nil {
			t.Errorf("a request ended with %v", err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("the person was asked %d times, want once", asked.Load())
	}
}

func TestASignInThatFailsEndsTheRequest(t *testing.T) {
	w, id, node := weakened(t)
	w.config.Prompter = prompter{func(PasswordPrompt) (*secret.Bytes, error) { return nil, context.Canceled }}
	if _, err := w.Servers(t.Context(), id); !errors.Is(err, context.Canceled) {
		t.Errorf("a refused prompt ended the request with %v", err)
	}
	w.config.Prompter = prompter{func(PasswordPrompt) (*secret.Bytes, error) { return secret.New([]byte("wrong")), nil }}
	_, err := w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: node.ID})
	wantFault(t, err, "demo did not accept the user name or the password")
	w.config.Prompter = nil
	_, err = w.Servers(t.Context(), id)
	wantFault(t, err, "which your certificates do not have", "Sign in again")
	if c := show(t, w.Manager, id); c.State != SignedIn || c.Policy != wire.PolicyNone {
		t.Errorf("the cluster shows %+v", c)
	}
}

func TestARefusalAfterSigningInAgainIsFinal(t *testing.T) {
	w, id, _ := weakened(t)
	asked := 0
	w.config.Prompter = prompter{func(PasswordPrompt) (*secret.Bytes, error) {
		asked++
		return w.password("off"), nil
	}}
	var calls int
	err := w.withSession(t.Context(), id, func(_ profile, l *link) error {
		if calls++; calls == 2 {
			w.demand("off", wire.PolicyTouch, wire.PolicyTouchAndPIN)
		}
		_, err := listServers(t.Context(), l)
		return err
	})
	if policy, _ := unmetPolicy(err); policy != wire.PolicyTouchAndPIN || calls != 2 || asked != 1 {
		t.Errorf("after %d calls and %d prompts the request ended with %v", calls, asked, err)
	}
}

func TestAShellAfterTheEndOfTheCertificatesSignsInAgain(t *testing.T) {
	w, person := newMovableWorld(t, "off")
	id := w.signIn("off")
	node := w.node(id)
	w.clock.advance(13 * time.Hour)
	conn, err := w.DialServer(t.Context(), StreamRequest{Cluster: id, Host: node.ID})
	if err != nil {
		t.Fatalf("dialling: %v", err)
	}
	_ = conn.Close()
	s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "exit 0"})
	if status, err := s.Wait(); status != 0 || err != nil || person.asked != 1 {
		t.Errorf("after %d prompts the command ended with %d, %v", person.asked, status, err)
	}
}
