package session

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// party stands before the demo cluster's web API and wants a security key besides the password, or a code.
type party struct {
	t     *testing.T
	world *world
	key   *softKey
	code  string // that it takes as well; empty for none
	http  *http.Client

	origin string

	mu        sync.Mutex
	challenge []byte // of the round, until it is answered; guarded by mu
	rounds    int    // guarded by mu
}

const partyID = "127.0.0.1"

// newParty adds the demo cluster through a party and signs nobody in yet.
func newParty(t *testing.T) (p *party, id string) {
	t.Helper()
	w := newWorld(t)
	p = &party{t: t, world: w, key: newSoftKey(t)}
	w.card.onAssert = p.key.assert
	authority, err := os.ReadFile(w.ready.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	p.http = &http.Client{Transport: transport}
	address, caFile := impostor(t, p.serve)
	p.origin = "https://" + address
	if id, err = w.AddCluster(t.Context(), address, caFile); err != nil {
		t.Fatalf("adding the cluster: %v", err)
	}
	return p, id
}

func (p *party) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Errorf("reading a request: %v", err)
	}
	if r.URL.Path == wire.PathLoginFinish {
		if body, err = p.check(body); err != nil {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"error":{"message":%q}}`, err)
			return
		}
	}
	status, answer := p.forward(r, body)
	if status == http.StatusOK && r.URL.Path == wire.PathLoginBegin {
		answer = p.challenges()
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// forward asks the demo, and keeps its own address to itself.
func (p *party) forward(r *http.Request, body []byte) (int, []byte) {
	request, err := http.NewRequestWithContext(r.Context(), r.Method, "https://"+p.world.ready.Proxy+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		p.t.Errorf("forwarding a request: %v", err)
		return http.StatusBadGateway, nil
	}
	response, err := p.http.Do(request)
	if err != nil {
		p.t.Errorf("forwarding a request: %v", err)
		return http.StatusBadGateway, nil
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return response.StatusCode, bytes.ReplaceAll(answer, []byte(p.world.ready.Proxy), nil)
}

func (p *party) challenges() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.challenge = make([]byte, 32)
	_, _ = rand.Read(p.challenge)
	p.rounds++
	type encoded = fido.Assertion // for its base64url
	answer, err := json.Marshal(map[string]any{
		"totp_challenge": p.code != "",
		"webauthn_challenge": map[string]any{"publicKey": map[string]any{
			"challenge": encoded{ClientDataJSON: p.challenge}.ClientDataJSON, "rpId": partyID, "timeout": 60000,
			"allowCredentials": []any{map[string]any{"type": "public-key", "id": encoded{Signature: p.key.id}.Signature}},
		}},
	})
	if err != nil {
		p.t.Errorf("encoding challenges: %v", err)
	}
	return answer
}

// check takes one answer to each challenge and returns what is left for the demo.
func (p *party) check(body []byte) ([]byte, error) {
	var r wire.LoginFinishRequest
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, err
	}
	p.mu.Lock()
	challenge := p.challenge
	p.challenge = nil
	p.mu.Unlock()
	switch {
	case p.code != "" && r.TOTPCode != "":
		if r.TOTPCode != p.code {
			return nil, errors.New("invalid username, password or second factor")
		}
	case challenge == nil || r.WebauthnChallengeResponse == nil:
		return nil, errors.New("missing second factor authentication")
	default:
		if err := p.key.verify(r.WebauthnChallengeResponse, challenge, p.origin, partyID); err != nil {
			return nil, err
		}
	}
	r.WebauthnChallengeResponse, r.TOTPCode = nil, ""
	return json.Marshal(r)
}

func (p *party) signIn(id, user string, factor Factor) error {
	return p.world.SignInWith(p.t.Context(), SignInRequest{Cluster: id, User: user, Password: p.world.password(user), Factor: factor})
}

// wantTaps checks what taps were asked for.
func (p *party) wantTaps(what ...string) {
	p.t.Helper()
	var got []string
	for _, r := range p.key.requests() {
		got = append(got, r.Purpose.What)
		if r.Purpose.Where != "demo" || r.Origin != p.origin || r.RPID != partyID {
			p.t.Errorf("a tap was asked for with %+v", r)
		}
	}
	if !slices.Equal(got, what) {
		p.t.Errorf("taps were asked for to %q, want %q", got, what)
	}
}

// gestures returns every list of gestures that was published, in short.
func (p *party) gestures() []string {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	var lists []string
	for _, s := range p.world.progress {
		var words []string
		for _, g := range s.Gestures {
			words = append(words, string(g.Kind)+" "+string(g.State))
		}
		lists = append(lists, strings.Join(words, ", "))
	}
	return slices.Compact(lists)
}

func TestASecurityKeyIsTappedOnceInEachRound(t *testing.T) {
	p, id := newParty(t)
	if err := p.signIn(id, "touch", AnyFactor); err != nil {
		t.Fatal(err)
	}
	p.wantTaps("Sign in as touch", "Sign in as touch once more, with the hardware key")
	if c := show(t, p.world.Manager, id); c.Policy != wire.PolicyTouch || p.rounds != 2 {
		t.Errorf("after %d rounds the cluster shows %+v", p.rounds, c)
	}
	want := []string{"", "tap ahead", "tap now", "tap done",
		"tap done, touch ahead, tap ahead", "tap done, touch now, tap ahead", "tap done, touch done, tap ahead",
		"tap done, touch done, tap now", "tap done, touch done, tap done"}
	if diff := cmp.Diff(want, p.gestures()); diff != "" {
		t.Errorf("the published gestures differ (-want +got):\n%s", diff)
	}
}

func TestTheNextSignInTakesOneTap(t *testing.T) {
	p, id := newParty(t)
	if err := p.signIn(id, "touch", FactorWebauthn); err != nil {
		t.Fatal(err)
	}
	p.world.progress, p.key.seen = nil, nil
	if err := p.signIn(id, "touch", FactorWebauthn); err != nil {
		t.Fatal(err)
	}
	p.wantTaps("Sign in as touch")
	if diff := cmp.Diff([]string{"", "tap ahead", "tap now", "tap done"}, p.gestures()); diff != "" {
		t.Errorf("the published gestures differ (-want +got):\n%s", diff)
	}
}

func TestACodeMayTakeThePlaceOfATap(t *testing.T) {
	noKey := noSecurityKey()
	for name, test := range map[string]struct {
		taps   []error
		factor Factor
		asked  int // taps
	}{
		"because the person wants it":                {[]error{keystore.ErrUseCode}, AnyFactor, 1},
		"because no key is plugged in":               {[]error{noKey}, AnyFactor, 1},
		"because the person insisted from the start": {nil, FactorOTP, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, id := newParty(t)
			p.code, p.key.answers = "123456", test.taps
			p.world.config.Prompter = &reader{codes: []string{p.code}}
			if err := p.signIn(id, "off", test.factor); err != nil {
				t.Fatal(err)
			}
			requests := p.key.requests()
			if len(requests) != test.asked || len(requests) > 0 && !requests[0].Code {
				t.Errorf("taps were asked for with %+v", requests)
			}
			lists := p.gestures()
			if got := lists[len(lists)-1]; got != "code done" {
				t.Errorf("the last gestures were %q", got)
			}
		})
	}
}

func TestARefusedTapSignsNobodyIn(t *testing.T) {
	noTap := fault.Wrap(fido.ErrNotTapped, "The security key was not tapped in time.", "Tap it.")
	for name, test := range map[string]struct {
		factor Factor
		tap    error
		want   func(*testing.T, error)
	}{
		"by the person": {AnyFactor, context.Canceled, func(t *testing.T, err error) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("SignIn() = %v", err)
			}
		}},
		"by waiting":                              {AnyFactor, noTap, func(t *testing.T, err error) { wantFault(t, err, "not tapped in time") }},
		"without a key, insisting on one":         {FactorWebauthn, noSecurityKey(), func(t *testing.T, err error) { wantFault(t, err, "No security key is plugged in") }},
		"insisting on a code, which is not taken": {FactorOTP, nil, func(t *testing.T, err error) { wantFault(t, err, "demo does not ask off for a one-time code.") }},
	} {
		t.Run(name, func(t *testing.T) {
			p, id := newParty(t)
			p.key.answers = []error{test.tap}
			test.want(t, p.signIn(id, "off", test.factor))
			if c := show(t, p.world.Manager, id); c.State != SignedOut || c.SignIn != nil {
				t.Errorf("the cluster shows %+v", c)
			}
			if issued := p.world.events("cert.create"); len(issued) != 0 {
				t.Errorf("certificates were decided about: %+v", issued)
			}
		})
	}
}

func TestAnotherKeysAnswerIsRefused(t *testing.T) {
	p, id := newParty(t)
	other := newSoftKey(t)
	p.world.card.onAssert = other.assert
	wantFault(t, p.signIn(id, "off", AnyFactor), "demo did not accept the answer of the security key.")
}

func TestInsistingOnAKeyThatNobodyAsksForIsRefused(t *testing.T) {
	w := newWorld(t)
	err := w.SignInWith(t.Context(), SignInRequest{Cluster: w.add(), User: "off", Password: w.password("off"), Factor: FactorWebauthn})
	wantFault(t, err, "demo does not ask off for a security key.")
}
