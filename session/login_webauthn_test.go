package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

func (w *keyWorld) signInWith(id, user string, factor Factor) error {
	return w.SignInWith(w.t.Context(), SignInRequest{Cluster: id, User: user, Password: w.password(user), Factor: factor})
}

// gestures returns every list of gestures that was published, in short.
func (w *keyWorld) gestures() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lists []string
	for _, s := range w.progress {
		var words []string
		for _, g := range s.Gestures {
			words = append(words, string(g.Kind)+" "+string(g.State))
		}
		lists = append(lists, strings.Join(words, ", "))
	}
	return slices.Compact(lists)
}

func TestASecurityKeyIsTappedOnceInEachRound(t *testing.T) {
	w := newKeyWorld(t, demo.Config{})
	id := w.add()
	if err := w.signInWith(id, "touch-mfa", AnyFactor); err != nil {
		t.Fatal(err)
	}
	w.wantTaps("Sign in as touch-mfa", "Sign in as touch-mfa once more, with the hardware key")
	if c := show(t, w.Manager, id); c.Policy != wire.PolicyTouch || c.Serial != fakeSerial {
		t.Errorf("the cluster shows %+v", c)
	}
	want := []string{"", "tap ahead", "tap now", "tap done",
		"tap done, touch ahead, tap ahead", "tap done, touch now, tap ahead", "tap done, touch done, tap ahead",
		"tap done, touch done, tap now", "tap done, touch done, tap done"}
	if diff := cmp.Diff(want, w.gestures()); diff != "" {
		t.Errorf("the published gestures differ (-want +got):\n%s", diff)
	}
}

func TestTheNextSignInTakesOneTap(t *testing.T) {
	w := newKeyWorld(t, demo.Config{})
	id := w.add()
	if err := w.signInWith(id, "touch-mfa", FactorWebauthn); err != nil {
		t.Fatal(err)
	}
	w.progress, w.key.seen = nil, nil
	if err := w.signInWith(id, "touch-mfa", FactorWebauthn); err != nil {
		t.Fatal(err)
	}
	w.wantTaps("Sign in as touch-mfa")
	if diff := cmp.Diff([]string{"", "tap ahead", "tap now", "tap done"}, w.gestures()); diff != "" {
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
			w := newKeyWorld(t, demo.Config{})
			id := w.add()
			w.key.answers = test.taps
			w.config.Prompter = &reader{codes: []string{w.code("mfa", 0)}}
			if err := w.signInWith(id, "mfa", test.factor); err != nil {
				t.Fatal(err)
			}
			requests := w.key.requests()
			if len(requests) != test.asked || len(requests) > 0 && !requests[0].Code {
				t.Errorf("taps were asked for with %+v", requests)
			}
			lists := w.gestures()
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
		"insisting on a code, which is not taken": {FactorOTP, nil, func(t *testing.T, err error) { wantFault(t, err, "demo does not ask guide for a one-time code.") }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newKeyWorld(t, demo.Config{})
			id := w.add()
			w.key.answers = []error{test.tap}
			test.want(t, w.signInWith(id, "guide", test.factor))
			if c := show(t, w.Manager, id); c.State != SignedOut || c.SignIn != nil {
				t.Errorf("the cluster shows %+v", c)
			}
			if issued := w.events("cert.create"); len(issued) != 0 {
				t.Errorf("certificates were decided about: %+v", issued)
			}
		})
	}
}

func TestAnotherKeysAnswerIsRefused(t *testing.T) {
	w := newKeyWorld(t, demo.Config{})
	id := w.add()
	other := newSoftKey(t)
	w.card.onAssert = other.assert
	wantFault(t, w.signInWith(id, "guide", AnyFactor), "demo did not accept the answer of the security key.")
}

func TestInsistingOnAKeyThatNobodyAsksForIsRefused(t *testing.T) {
	w := newWorld(t)
	err := w.SignInWith(t.Context(), SignInRequest{Cluster: w.add(), User: "off", Password: w.password("off"), Factor: FactorWebauthn})
	wantFault(t, err, "demo does not ask off for a security key.")
}
