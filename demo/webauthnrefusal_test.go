package demo

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// Each of these is an assertion that proves nothing, and is sent all the same.

func TestAssertionsThatProveNothingAreRefused(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	const user = "guide"
	offer := func(t *testing.T) *assertionOptions {
		keys, _ := w.beginLogin(t, user)
		return keys
	}
	signedBy := func(t *testing.T, f *finger) map[string]any { return f.tapFor(t, offer(t)).json() }
	elsewhere, err := f.key.Register("bank.example.com", []byte("g"), user)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(t *testing.T) map[string]any{
		"for another relying party": func(t *testing.T) map[string]any {
			o := offer(t)
			phished := &finger{key: f.key, origin: f.origin, rpID: "bank.example.com"}
			return phished.tap(t, decodeURL(t, o.Challenge), o.RPID, [][]byte{elsewhere.ID}).json()
		},
		"from another origin": func(t *testing.T) map[string]any {
			return signedBy(t, &finger{key: f.key, origin: "https://localhost.example.com"})
		},
		"from another port": func(t *testing.T) map[string]any {
			return signedBy(t, &finger{key: f.key, origin: "https://localhost:1"})
		},
		"without TLS": func(t *testing.T) map[string]any {
			return signedBy(t, &finger{key: f.key, origin: "http://" + w.ready.Proxy})
		},
		"to a challenge that nobody made": func(t *testing.T) map[string]any {
			o := offer(t)
			return f.tap(t, bytes.Repeat([]byte{7}, 32), o.RPID, [][]byte{decodeURL(t, o.AllowCredentials[0].ID)}).json()
		},
		"to another user's challenge": func(t *testing.T) map[string]any {
			theirs, _ := w.beginLogin(t, "mfa")
			theirs.AllowCredentials = offer(t).AllowCredentials
			return f.tapFor(t, theirs).json()
		},
		"with another user's credential": func(t *testing.T) map[string]any {
			theirs, _ := w.beginLogin(t, "mfa")
			o := offer(t)
			o.AllowCredentials = theirs.AllowCredentials
			return f.tapFor(t, o).json()
		},
		"with a credential that nobody registered": func(t *testing.T) map[string]any {
			stranger, err := virtual.Start(virtual.Config{FIDO: true, AutoTouchDelay: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = stranger.Close() }()
			c, err := stranger.Register("localhost", []byte("g"), user)
			if err != nil {
				t.Fatal(err)
			}
			forged := &finger{key: stranger, origin: f.origin}
			a := forged.tap(t, decodeURL(t, offer(t).Challenge), "localhost", [][]byte{c.ID})
			a.id = decodeURL(t, offer(t).AllowCredentials[0].ID) // under the name of one that was
			return a.json()
		},
		"that was changed": func(t *testing.T) map[string]any {
			a := f.tapFor(t, offer(t))
			a.authData[len(a.authData)-1]++
			return a.json()
		},
		"without a person": func(t *testing.T) map[string]any {
			a := f.tapFor(t, offer(t))
			a.authData[32] &^= 1 // the flag UP
			return a.json()
		},
		"too late": func(t *testing.T) map[string]any {
			a := signedBy(t, f)
			w.clock.move(5*time.Minute + time.Second)
			return a
		},
		"twice": func(t *testing.T) map[string]any {
			a := signedBy(t, f)
			if code, body := w.finishWith(t, user, w.password(t, user), a); code != http.StatusOK {
				t.Fatalf("the first time: %d %s", code, body)
			}
			return a
		},
		"after a try that failed": func(t *testing.T) map[string]any {
			a := f.tapFor(t, offer(t))
			broken := a
			broken.signature = append([]byte{}, a.signature[:len(a.signature)-1]...)
			if code, body := w.finishWith(t, user, w.password(t, user), broken.json()); code == http.StatusOK {
				t.Fatalf("half a signature: %d %s", code, body)
			}
			return a.json()
		},
		"of nothing at all": func(*testing.T) map[string]any { return map[string]any{} },
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			w.beginLogin(t, user) // which forgets the wrong tries before
			code, body := w.finishWith(t, user, w.password(t, user), answer(t))
			if code != http.StatusForbidden || errorText(t, body) != "invalid Webauthn response" {
				t.Errorf("%d %s", code, body)
			}
		})
	}
}

// finishWith sends an assertion with a password.
func (w *world) finishWith(t *testing.T, user, password string, assertion map[string]any) (int, []byte) {
	t.Helper()
	request := softKey(t).request(t, user, password)
	request["webauthn_challenge_response"] = assertion
	return w.post(t, finish, request)
}

func TestATapDoesNotReplaceThePassword(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	keys, _ := w.beginLogin(t, "guide")
	assertion := f.tapFor(t, keys).json()
	if code, body := w.finishWith(t, "guide", "wrong", assertion); code != http.StatusForbidden || errorText(t, body) != "invalid Webauthn response" {
		t.Errorf("%d %s", code, body)
	}
	if code, body := w.finishWith(t, "guide", w.password(t, "guide"), assertion); code != http.StatusOK {
		t.Errorf("the wrong password used the challenge up: %d %s", code, body)
	}
}

func TestACopyOfASecurityKeyIsFound(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	keys, _ := w.beginLogin(t, "guide")
	// The other copy was used a thousand times meanwhile.
	if err := w.factors.devices.count("guide", decodeURL(t, keys.AllowCredentials[0].ID), 1000); err != nil {
		t.Fatal(err)
	}
	keys, _ = w.beginLogin(t, "guide")
	code, body := w.finishWith(t, "guide", w.password(t, "guide"), f.tapFor(t, keys).json())
	if code != http.StatusForbidden || errorText(t, body) != "invalid Webauthn response" {
		t.Errorf("%d %s", code, body)
	}
}

func TestChallengesOfOneTimeMayBeAnsweredInAnyOrder(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	first, _ := w.beginLogin(t, "guide")
	second, _ := w.beginLogin(t, "guide")
	early, late := f.tapFor(t, first).json(), f.tapFor(t, second).json()
	for _, answer := range []map[string]any{late, early} {
		if code, body := w.finishWith(t, "guide", w.password(t, "guide"), answer); code != http.StatusOK {
			t.Errorf("%d %s", code, body)
		}
	}
}

func TestAskingForChallengesIsLimited(t *testing.T) {
	w := start(t)
	request := map[string]any{"user": "nobody", "pass": "wrong"}
	code, body := 0, []byte(nil)
	for range 200 { // more than are given back while the test asks
		if code, body = w.post(t, begin, request); code != http.StatusForbidden {
			break
		}
	}
	if code != http.StatusTooManyRequests || errorText(t, body) != "rate limit exceeded" {
		t.Fatalf("%d %s", code, body)
	}
	w.clock.move(3 * time.Second)
	if code, body := w.post(t, begin, request); code != http.StatusForbidden {
		t.Errorf("a while later: %d %s", code, body)
	}
}

func TestALimiterGivesBackWhatWasTaken(t *testing.T) {
	now := time.Now()
	l := newLimiter(2, time.Minute, func() time.Time { return now })
	for i, step := range []struct {
		wait    time.Duration
		address string
		ok      bool
	}{
		{0, "a", true}, {0, "a", true}, {0, "a", false}, {0, "b", true}, // each address for itself
		{59 * time.Second, "a", false}, {time.Second, "a", true}, {0, "a", false},
		{time.Minute, "a", true}, {0, "a", false},
		{time.Hour, "a", true}, {0, "a", true}, {0, "a", false}, // never more than the burst
	} {
		now = now.Add(step.wait)
		if err := l.take(step.address); (err == nil) != step.ok {
			t.Errorf("step %d: %v, want %v", i, err, step.ok)
		}
	}
	now = now.Add(time.Hour)
	if err := l.take("c"); err != nil || len(l.made) != 1 {
		t.Errorf("%v; %d addresses are remembered", err, len(l.made))
	}
}

func FuzzAnswersAreReadOrRefused(f *testing.F) {
	f.Add([]byte(`null`))
	f.Add([]byte(`{"id":"AQI","rawId":"AQI","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}`))
	f.Add([]byte(`{"id":"AQI","rawId":"AQI","type":"public-key","response":{"clientDataJSON":"eyJjaGFsbGVuZ2UiOiJBUUkifQ",` +
		`"authenticatorData":"SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MBAAAAAw","signature":"AA","userHandle":""}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		answer, err := parseAssertion(raw)
		if err != nil || answer == nil {
			return
		}
		party := newRelyingParty("localhost:3080", time.Now)
		h := &holder{name: "ann", handle: []byte("a"), credentials: []credential{{ID: []byte{1, 2}, PublicKey: []byte{0xa0}}}}
		session, err := party.begin("localhost", h, scopeLogin)
		if err != nil {
			t.Fatal(err)
		}
		party.open["AQI"] = party.open[session.Challenge.String()]
		if used, err := party.finish("localhost", "ann", scopeLogin, answer); err == nil {
			t.Errorf("%q is an answer of %x", raw, used.ID)
		}
	})
}
