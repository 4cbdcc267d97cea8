package session

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/wire"
)

// newCodeWorld is a world whose cluster wants one-time codes.
func newCodeWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.edit("cluster", "second_factor: optional", "second_factor: otp")
	return w
}

// code is what the user's authenticator app shows, steps of 30 s from now (RFC 6238).
func (w *world) code(user string, steps int) string {
	w.t.Helper()
	for _, u := range w.ready.Users {
		if u.Name != user {
			continue
		}
		key, err := base32.StdEncoding.DecodeString(u.OTPSecret)
		if err != nil {
			w.t.Fatalf("reading the secret of %s: %v", user, err)
		}
		mac := hmac.New(sha1.New, key)
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30+int64(steps))))
		sum := mac.Sum(nil)
		return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1000000)
	}
	w.t.Fatalf("the demo has no user %q", user)
	return ""
}

// reader types codes from a list, and remembers why each was asked for.
type reader struct {
	codes   []string
	reasons []string
}

func (r *reader) AskPassword(context.Context, PasswordPrompt) (*secret.Bytes, error) {
	return nil, ErrNobodyAnswers
}

func (r *reader) AskOTP(_ context.Context, p OTPPrompt) (*secret.Bytes, error) {
	r.reasons = append(r.reasons, p.Reason)
	if len(r.codes) == 0 {
		return nil, ErrNobodyAnswers
	}
	code := r.codes[0]
	r.codes = r.codes[1:]
	return secret.New([]byte(code)), nil
}

// wantReasons checks why codes were asked for, by parts of the sentences.
func (r *reader) wantReasons(t *testing.T, parts ...string) {
	t.Helper()
	if !slices.EqualFunc(r.reasons, parts, func(got, part string) bool { return strings.Contains(got, part) && (part != "") == (got != "") }) {
		t.Errorf("codes were asked for with the reasons %q, want %q", r.reasons, parts)
	}
}

func TestACodeIsAskedForBesidesThePassword(t *testing.T) {
	w := newCodeWorld(t)
	r := &reader{codes: []string{" " + w.code("off", 0)[:3] + " " + w.code("off", 0)[3:]}}
	w.config.Prompter = r
	id := w.signIn("off")
	if c := show(t, w.Manager, id); c.State != SignedIn {
		t.Errorf("the cluster shows %+v", c)
	}
	r.wantReasons(t, "")
}

func TestTheSecondRoundAsksForTheNextCodeAndNotForThePassword(t *testing.T) {
	w := newCodeWorld(t)
	first, next := w.code("touch", 0), w.code("touch", 1)
	r := &reader{codes: []string{first, first, "", next}} // the same code is not even sent, nor is none
	w.config.Prompter = r
	id := w.signIn("touch")
	if c := show(t, w.Manager, id); c.Policy != wire.PolicyTouch || c.Serial != fakeSerial {
		t.Errorf("the cluster shows %+v", c)
	}
	again := "demo demands a hardware key with touch, so you are signed in once more. Wait for the next code"
	r.wantReasons(t, "", again, "sent before", "sent before")
	wantIssues(t, w, wire.PolicyTouch, false, true)
	for _, e := range w.events("user.login") {
		if !e.Success {
			t.Errorf("the cluster saw a refused try: %+v", e)
		}
	}
}

func TestACodeIsNotSentAgainByTheNextSignIn(t *testing.T) {
	w := newCodeWorld(t)
	first, next := w.code("off", 0), w.code("off", 1)
	r := &reader{codes: []string{first, first, next}}
	w.config.Prompter = r
	w.signIn("off")
	w.signIn("off")
	r.wantReasons(t, "", "", "sent before")
	w.clock.advance(codeLife)
	if !w.maySend("localhost", "off", secret.New([]byte(first))) {
		t.Error("a code of long ago cannot be sent, although it may come again by chance")
	}
}

func TestAWrongCodeIsAskedForAgainAFewTimes(t *testing.T) {
	w := newCodeWorld(t)
	r := &reader{codes: []string{"000 00x", w.code("off", 0)}}
	w.config.Prompter = r
	id := w.signIn("off")
	r.wantReasons(t, "", "demo did not accept that code")

	r.codes, r.reasons = []string{"00000a", "00000b", "00000c", "00000d"}, nil
	err := w.SignIn(t.Context(), id, "off", w.password("off"), 0)
	wantFault(t, err, "demo did not accept the one-time code", "Wait for the next code")
	r.wantReasons(t, "", "did not accept", "did not accept")

	r.codes, r.reasons = []string{"00000e"}, nil // and then nobody is there any more
	err = w.SignIn(t.Context(), id, "off", w.password("off"), 0)
	wantFault(t, err, "demo did not accept the one-time code")
}

func TestRefusedPromptsForCodesEndTheSignIn(t *testing.T) {
	w := newCodeWorld(t)
	id := w.add()
	wantFault(t, w.SignIn(t.Context(), id, "off", w.password("off"), 0), "demo wants a one-time code besides the password")
	w.config.Prompter = refusingPrompter{}
	if err := w.SignIn(t.Context(), id, "off", w.password("off"), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("SignIn() = %v where the prompt was refused", err)
	}
	if c := show(t, w.Manager, id); c.State != SignedOut {
		t.Errorf("the cluster shows %+v", c)
	}
	if issued := w.events("cert.create"); len(issued) != 0 {
		t.Errorf("certificates were decided about: %+v", issued)
	}
}

type refusingPrompter struct{}

func (refusingPrompter) AskPassword(context.Context, PasswordPrompt) (*secret.Bytes, error) {
	return nil, context.Canceled
}

func (refusingPrompter) AskOTP(context.Context, OTPPrompt) (*secret.Bytes, error) {
	return nil, context.Canceled
}

func TestInsistingOnACodeThatNobodyAsksForIsRefused(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	err := w.SignInWith(t.Context(), SignInRequest{Cluster: id, User: "off", Password: w.password("off"), Factor: FactorOTP})
	wantFault(t, err, "demo does not ask off for a one-time code")
	w.edit("cluster", "second_factor: optional", `second_factor: "on"`)
	w.config.Prompter = &reader{codes: []string{w.code("off", 0)}}
	err = w.SignInWith(t.Context(), SignInRequest{Cluster: id, User: "off", Password: w.password("off"), Factor: FactorOTP})
	if err != nil {
		t.Errorf("signing in with a code: %v", err)
	}
}

// both types a password and a code.
type both struct {
	reader
	password string
}

func (b *both) AskPassword(context.Context, PasswordPrompt) (*secret.Bytes, error) {
	return secret.New([]byte(b.password)), nil
}

func TestASignInInBetweenAsksForPasswordAndCode(t *testing.T) {
	w, id, _ := weakened(t)
	w.edit("cluster", "second_factor: optional", "second_factor: otp")
	b := &both{reader: reader{codes: []string{w.code("off", 0)}}, password: string(w.password("off").Reveal())}
	w.config.Prompter = b
	if _, err := w.Servers(t.Context(), id); err != nil {
		t.Fatalf("the request ended with %v", err)
	}
	b.wantReasons(t, "")
	if c := show(t, w.Manager, id); c.Policy != wire.PolicyTouch {
		t.Errorf("the cluster shows %+v", c)
	}
}
