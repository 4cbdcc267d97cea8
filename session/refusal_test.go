package session

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
)

func TestAForgedAttestationIsRefused(t *testing.T) {
	tests := []struct {
		name  string
		forge func(t *testing.T, w *world)
	}{
		{"that leads to another root", func(t *testing.T, w *world) { w.Manager = w.open(newFakeCard(t)) }},
		{"that is for another key", func(t *testing.T, w *world) { w.card.attestAs = &newECDSA(t).PublicKey }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			id := w.add()
			test.forge(t, w)
			err := w.SignIn(t.Context(), id, "touch", w.password("touch"), 0)
			wantFault(t, err, "demo refused YubiKey 14725836", "attestation is not trusted")
			if c := show(t, w.Manager, id); c.State != SignedOut || c.Problem == nil {
				t.Errorf("the cluster shows %+v", c)
			}
		})
	}
}

// edit changes the resources of a user while the cluster runs.
func (w *world) edit(user, from, to string) {
	w.t.Helper()
	path := filepath.Join(w.ready.Resources, user+".yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatalf("reading a role: %v", err)
	}
	changed := strings.Replace(string(text), from, to, 1)
	if changed == string(text) {
		w.t.Fatalf("the role has no %s", from)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		w.t.Fatalf("writing a role: %v", err)
	}
}

// demand changes what a user's role demands.
func (w *world) demand(user, from, to string) {
	w.t.Helper()
	w.edit(user, "require_session_mfa: "+from, "require_session_mfa: "+to)
}

func TestCertificatesThatAreTooWeakAreRefusedAndTheNextSignInUsesTheKey(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	node := w.node(id)
	w.demand("off", "false", wire.PolicyTouch)
	const demands = "demo demands a hardware key with touch, which your certificates do not have"
	_, err := w.Servers(t.Context(), id)
	wantFault(t, err, demands, "Sign in again")
	_, err = w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: node.ID})
	wantFault(t, err, demands, "Sign in again")
	if err := w.SignIn(t.Context(), id, "off", w.password("off"), 0); err != nil {
		t.Fatalf("signing in again: %v", err)
	}
	if c := show(t, w.Manager, id); c.Policy != wire.PolicyTouch || c.Serial != fakeSerial {
		t.Errorf("the cluster shows %+v", c)
	}
	wantIssues(t, w, "", true, true) // the second round was not needed: the policy was learned from the refusal
	if _, err := w.Servers(t.Context(), id); err != nil {
		t.Errorf("listing with the new certificates: %v", err)
	}
}

func TestEndedCertificatesAreNotUsed(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("touch")
	w.clock.advance(13 * time.Hour)
	_, err := w.Servers(t.Context(), id)
	wantFault(t, err, "Your certificates for demo have ended", "Sign in again")
	_, err = w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: "x"})
	wantFault(t, err, "Your certificates for demo have ended")
	if n := len(w.card.signatures()); n != 0 {
		t.Errorf("the key signed %d times", n)
	}
	if c := show(t, w.open(w.card), id); c.State != Expired || c.User != "touch" {
		t.Errorf("the next process shows %+v", c)
	}
}

func TestSigningOutRemovesCertificatesAndKey(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).ID, Command: "cat"})
	if err := w.SignOut(t.Context(), id); err != nil {
		t.Fatalf("signing out: %v", err)
	}
	wantNoPrivateKey(t, w.home)
	if _, err := s.Wait(); err == nil {
		t.Error("the open shell ended as if its command had")
	}
	_, err := w.Servers(t.Context(), id)
	wantFault(t, err, "not signed in to demo")
	for _, m := range []*Manager{w.Manager, w.open(w.card)} {
		if c := show(t, m, id); c.State != SignedOut || c.User != "off" || len(c.Servers) != 0 || !c.Expires.IsZero() {
			t.Errorf("the cluster shows %+v", c)
		}
	}
	if err := w.SignOut(t.Context(), id); err != nil {
		t.Errorf("signing out twice: %v", err)
	}
}

func TestAKeyStoresFaultIsShownAsItIs(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	w.card.refuse = fault.New("The PIN of YubiKey 14725836 is blocked.", "Set a new PIN with the PUK.")
	err := w.SignIn(t.Context(), id, "touch", w.password("touch"), 0)
	if err != w.card.refuse {
		t.Errorf("SignIn() = %v, want the key store's fault", err)
	}
	w.card.refuse = nil
	if err := w.SignIn(t.Context(), id, "touch", w.password("touch"), 0); err != nil {
		t.Fatalf("the next try: %v", err)
	}
	denied := fault.New("YubiKey 14725836 was not touched in time.", "Try again and touch it when it blinks.")
	w.card.onSign = func(context.Context, keystore.Purpose) error { return denied }
	if _, err := w.Servers(t.Context(), id); err != denied {
		t.Errorf("Servers() = %v, want the key store's fault", err)
	}
	w.card.onSign = func(context.Context, keystore.Purpose) error { return context.Canceled }
	if _, err := w.Servers(t.Context(), id); err != context.Canceled {
		t.Errorf("Servers() = %v, want context.Canceled", err)
	}
	w.card.onSign = nil
	if _, err := w.Servers(t.Context(), id); err != nil {
		t.Errorf("the next try: %v", err)
	}
}

// blockingCard is a card whose key is not given before the test says so.
type blockingCard struct {
	*fakeCard
	reached chan struct{}
	release chan struct{}
}

func newBlockingCard(c *fakeCard) *blockingCard {
	return &blockingCard{fakeCard: c, reached: make(chan struct{}, 9), release: make(chan struct{})}
}

func (b *blockingCard) key(ctx context.Context, r keystore.Requirement, p keystore.Purpose) (signingKey, error) {
	b.reached <- struct{}{}
	select {
	case <-b.release:
		return b.fakeCard.key(ctx, r, p)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestGivingUpASignInIsSilent(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	card := newBlockingCard(w.card)
	m := w.open(card)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	password := w.password("touch")
	go func() { done <- m.SignIn(ctx, id, "touch", password, 0) }()
	testkit.Receive(t, "question for a key", card.reached)
	if c := show(t, m, id); c.State != SigningIn || c.SignIn == nil || c.SignIn.Current != StepKey || c.SignIn.Unmet != wire.PolicyTouch {
		t.Errorf("while signing in the cluster shows %+v", c)
	}
	cancel()
	if err := testkit.Receive(t, "end of the sign-in", done); err != context.Canceled {
		t.Errorf("SignIn() = %v, want context.Canceled", err)
	}
	if c := show(t, m, id); c.State != SignedOut || c.Problem != nil || c.SignIn != nil {
		t.Errorf("afterwards the cluster shows %+v", c)
	}
	if password.Len() != 0 {
		t.Error("the password was not wiped")
	}
}

func TestTwoWhoWantTheSameShareOneSignIn(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	card := newBlockingCard(w.card)
	m := w.open(card)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { first <- m.SignIn(ctx, id, "touch", w.password("touch"), 0) }()
	testkit.Receive(t, "question for a key", card.reached)
	others := make(chan error, 2)
	for range 2 {
		go func() { others <- m.SignIn(t.Context(), id, "touch", w.password("touch"), 0) }()
	}
	eventually(t, "three waiters", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.clusters[id].ceremony.waiters == 3
	})
	err := m.SignIn(t.Context(), id, "pin", w.password("pin"), 0)
	wantFault(t, err, "demo is being signed in to as touch")
	wantFault(t, m.SignOut(t.Context(), id), "demo is being signed in to")
	cancel() // the first gives up; the others go on
	if err := testkit.Receive(t, "end for the first", first); err != context.Canceled {
		t.Errorf("the first got %v, want context.Canceled", err)
	}
	close(card.release)
	for range 2 {
		if err := testkit.Receive(t, "end for the others", others); err != nil {
			t.Errorf("another got %v", err)
		}
	}
	if len(w.card.asked) != 1 {
		t.Errorf("the card was asked %d times, want once", len(w.card.asked))
	}
}

func TestClosingTheManagerEndsASignIn(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	card := newBlockingCard(w.card)
	m := w.open(card)
	done := make(chan error, 1)
	go func() { done <- m.SignIn(t.Context(), id, "touch", w.password("touch"), 0) }()
	testkit.Receive(t, "question for a key", card.reached)
	_ = m.Close()
	if err := testkit.Receive(t, "end of the sign-in", done); !errors.Is(err, context.Canceled) {
		t.Errorf("SignIn() = %v, want context.Canceled", err)
	}
	if err := m.SignIn(t.Context(), id, "touch", nil, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("SignIn() after Close = %v, want context.Canceled", err)
	}
}

// script is a proxy that answers sign-ins as a test wants.
type script struct {
	mu     sync.Mutex
	ping   string
	begin  string
	status int
	finish string
	bodies []string // of finish
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	answer, status := s.ping, http.StatusOK
	switch r.URL.Path {
	case wire.PathLoginBegin:
		answer = s.begin
	case wire.PathLoginFinish:
		s.bodies = append(s.bodies, string(body))
		answer, status = s.finish, s.status
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// against adds a scripted proxy to a manager and signs alice in.
func against(t *testing.T, s *script, keys keySource) error {
	t.Helper()
	address, caFile := impostor(t, s.ServeHTTP)
	m, err := newManager(Config{Home: t.TempDir(), Log: slogTo(t)}, keys)
	if err != nil {
		t.Fatalf("opening the sessions: %v", err)
	}
	t.Cleanup(func() { _ = m.Close() })
	id, err := m.AddCluster(t.Context(), address, caFile)
	if err != nil {
		t.Fatalf("adding the cluster: %v", err)
	}
	return m.SignIn(t.Context(), id, "alice", secret.New([]byte("secret")), 0)
}

func TestARefusedSignInHasItsOwnTwoSentences(t *testing.T) {
	const none = `{"webauthn_challenge":null,"totp_challenge":false}`
	const plain = `{"cluster_name":"lab","server_version":"15.0.0","auth":{"type":"local"}}`
	message := func(text string) string { return `{"error":{"message":"` + text + `"}}` }
	tests := []struct {
		name   string
		script *script
		keys   keySource
		want   []string
		rounds int // requests for certificates
	}{
		{"a policy that we do not know", &script{ping: plain, begin: none, status: 400, finish: message("private key policy not met: hardware_key_face")}, noKeys{},
			[]string{`demands the private key policy "hardware_key_face"`, "newer Touchstone"}, 1},
		{"a policy in newer words, wrapped, without a card", &script{ping: plain, begin: none, status: 400, finish: message("sso: private key policy not satisfied: hardware_key_pin, sorry")}, noKeys{},
			[]string{"No YubiKey is plugged in."}, 1},
		{"a policy that we do not know, announced", &script{ping: `{"cluster_name":"lab","auth":{"private_key_policy":"hardware_key_face"}}`}, noKeys{},
			[]string{`demands the private key policy "hardware_key_face"`}, 0},
		{"a second factor with codes, with nobody to ask", &script{ping: plain, begin: `{"totp_challenge":true}`}, noKeys{}, []string{"lab wants a one-time code"}, 0},
		{"a second factor with a security key, without one", &script{ping: plain, begin: `{"webauthn_challenge":{"publicKey":{}}}`}, noKeys{}, []string{"No security key is plugged in."}, 0},
		{"a challenge that is none", &script{ping: plain, begin: `{"webauthn_challenge":["publicKey"]}`}, noKeys{}, []string{"lab asks for a tap in a way that Touchstone does not understand."}, 0},
		{"an identity provider", &script{ping: `{"cluster_name":"lab","auth":{"type":"saml"}}`}, noKeys{}, []string{"through saml"}, 0},
		{"a locked account", &script{ping: plain, begin: none, status: 403, finish: message("too many incorrect attempts")}, noKeys{},
			[]string{"accepted the password but gave no certificates", "too many incorrect attempts"}, 1},
		{"too many requests", &script{ping: plain, begin: none, status: 429, finish: message("rate limit exceeded")}, noKeys{}, []string{"too many attempts", "Wait a minute"}, 1},
		{"a path that is not there", &script{ping: plain, begin: none, status: 404, finish: "404 page not found"}, noKeys{}, []string{"does not offer this way"}, 1},
		{"a broken cluster", &script{ping: plain, begin: none, status: 504, finish: message("no auth")}, noKeys{}, []string{"cannot check passwords"}, 1},
		{"no host authority", &script{ping: plain, begin: none, status: 200, finish: `{"host_signers":[]}`}, noKeys{}, []string{"not the ones that were asked for"}, 1},
		{"no certificates", &script{ping: plain, begin: none, status: 200, finish: `{"host_signers":[{"domain_name":"lab"}]}`}, noKeys{}, []string{"issued certificates that cannot be used"}, 1},
		{"a slot for no person", &script{ping: `{"cluster_name":"lab","auth":{"private_key_policy":"hardware_key","piv_slot":"82"}}`, begin: none}, noKeys{}, []string{`slot "82"`}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantFault(t, against(t, test.script, test.keys), test.want...)
			if got := len(test.script.bodies); got != test.rounds {
				t.Errorf("certificates were asked for %d times, want %d", got, test.rounds)
			}
		})
	}
}

func TestASecondRefusalForThePolicyIsFinal(t *testing.T) {
	s := &script{
		ping:  `{"cluster_name":"lab","server_version":"15.0.0","auth":{"type":"local"}}`,
		begin: `{}`, status: 400, finish: `{"error":{"message":"private key policy not met: hardware_key_touch"}}`,
	}
	card := newFakeCard(t)
	wantFault(t, against(t, s, card), "lab demands a hardware key with touch and did not accept")
	if len(s.bodies) != 2 || len(card.asked) != 1 {
		t.Errorf("certificates were asked for %d times with %d keys, want twice and one key", len(s.bodies), len(card.asked))
	}
}

func TestAMissingPasswordIsAskedFor(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	wantFault(t, w.SignIn(t.Context(), id, "off", nil, 0), "No password was given")
	w.config.Prompter = prompter{func(p PasswordPrompt) (*secret.Bytes, error) {
		if p != (PasswordPrompt{Cluster: "demo", User: "off"}) {
			t.Errorf("the prompt was %+v", p)
		}
		return w.password("off"), nil
	}}
	if err := w.SignIn(t.Context(), id, "off", nil, 0); err != nil {
		t.Errorf("signing in: %v", err)
	}
	w.config.Prompter = prompter{func(PasswordPrompt) (*secret.Bytes, error) { return nil, context.Canceled }}
	if err := w.SignIn(t.Context(), id, "off", nil, 0); err != context.Canceled {
		t.Errorf("SignIn() = %v where the prompt was refused, want context.Canceled", err)
	}
	if c := show(t, w.Manager, id); c.State != SignedIn || c.Problem != nil {
		t.Errorf("a refused prompt left %+v", c)
	}
	wantFault(t, w.SignIn(t.Context(), w.add(), "", secret.New([]byte("x")), keystore.Slot9A), "did not accept")
}

type prompter struct {
	ask func(PasswordPrompt) (*secret.Bytes, error)
}

func (p prompter) AskOTP(context.Context, OTPPrompt) (*secret.Bytes, error) {
	return nil, ErrNobodyAnswers
}

func (p prompter) AskPassword(_ context.Context, prompt PasswordPrompt) (*secret.Bytes, error) {
	return p.ask(prompt)
}
