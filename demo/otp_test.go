package demo

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// code is what an authenticator app shows, steps of 30 s from now (RFC 6238), written without the cluster's code.
func (w *world) code(t *testing.T, user string, steps int) string {
	t.Helper()
	for _, u := range w.ready.Users {
		if u.Name != user {
			continue
		}
		secret, err := base32.StdEncoding.DecodeString(u.OTPSecret)
		if err != nil || len(secret) != 20 {
			t.Fatalf("the secret is %q, %v", u.OTPSecret, err)
		}
		mac := hmac.New(sha1.New, secret)
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(w.clock.now().Unix()/30+int64(steps))))
		sum := mac.Sum(nil)
		return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])<<1>>1%1000000)
	}
	t.Fatalf("there is no user %q", user)
	return ""
}

// startWanting starts a cluster with a second factor.
func startWanting(t *testing.T, factor string) *world {
	t.Helper()
	w := start(t)
	w.edit(t, "cluster.yaml", "second_factor: optional", "second_factor: "+factor)
	// The middle of a step, so that none ends while the test counts them.
	w.clock.move(15*time.Second - time.Duration(time.Now().Unix()%30)*time.Second)
	return w
}

func TestCodesAreThoseOfTheStandard(t *testing.T) {
	for seconds, want := range map[int64]string{ // RFC 6238, appendix B, the last six digits
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := codeAt([]byte("12345678901234567890"), seconds/30); got != want {
			t.Errorf("the code at %d s is %s, want %s", seconds, got, want)
		}
	}
}

func TestACodeIsWantedBesidesThePassword(t *testing.T) {
	for _, factor := range []string{"otp", `"on"`} {
		t.Run(factor, func(t *testing.T) {
			w := startWanting(t, factor)
			password := w.password(t, "off")
			code, body := w.post(t, begin, map[string]any{"user": "off", "pass": password})
			if code != http.StatusOK || strings.TrimSpace(string(body)) != `{"webauthn_challenge":null,"totp_challenge":true}` {
				t.Fatalf("begin: %d %s", code, body)
			}
			request := softKey(t).request(t, "off", password)
			request["totp_code"] = w.code(t, "off", 0)
			if code, body := w.post(t, finish, request); code != http.StatusOK {
				t.Errorf("finish: %d %s", code, body)
			}
			request["otp_token"] = w.code(t, "off", 1)
			if code, body := w.post(t, oneCall, request); code != http.StatusOK {
				t.Errorf("the one-call form: %d %s", code, body)
			}
		})
	}
}

func TestWithoutTheRightCodeNobodySignsIn(t *testing.T) {
	w := startWanting(t, "otp")
	const wrong = "invalid username, password or second factor"
	password := w.password(t, "off")
	tests := []struct{ name, user, password, code, text string }{
		{"no code", "off", password, "", "missing second factor"},
		{"no code and a wrong password", "off", "wrong", "", "missing second factor"},
		{"a wrong code", "off", password, "000000x", wrong},
		{"a code of long ago", "off", password, w.code(t, "off", -2), wrong},
		{"a code of later", "off", password, w.code(t, "off", 2), wrong},
		{"another user's code", "off", password, w.code(t, "touch", 0), wrong},
		{"a wrong password", "off", "wrong", w.code(t, "off", 0), wrong},
		{"a user who is not there", "nobody", password, w.code(t, "off", 0), wrong},
		{"the right code", "off", password, w.code(t, "off", 0), ""}, // which the wrong password did not use up
		{"the same code again", "off", password, w.code(t, "off", 0), wrong},
		{"the code before", "off", password, w.code(t, "off", -1), ""},
		{"the code after", "off", password, w.code(t, "off", 1), ""},
	}
	for _, test := range tests {
		w.post(t, begin, map[string]any{"user": "off", "pass": password}) // forgets the wrong tries before
		request := softKey(t).request(t, test.user, test.password)
		request["totp_code"] = test.code
		code, body := w.post(t, finish, request)
		switch {
		case test.text == "" && code != http.StatusOK:
			t.Errorf("%s: %d %s", test.name, code, body)
		case test.text != "" && (code != http.StatusForbidden || errorText(t, body) != test.text):
			t.Errorf("%s: %d %s, want %q", test.name, code, body, test.text)
		}
	}
}

func TestWrongCodesLockTheAccount(t *testing.T) {
	w := startWanting(t, "otp")
	request := softKey(t).request(t, "off", w.password(t, "off"))
	for range 5 {
		request["totp_code"] = "wrong"
		w.post(t, finish, request)
	}
	request["totp_code"] = w.code(t, "off", 0)
	code, body := w.post(t, finish, request)
	if code != http.StatusForbidden || errorText(t, body) != "too many incorrect attempts, please try again later" {
		t.Errorf("the right code during the lock: %d %s", code, body)
	}
}

func TestTheSecondRoundNeedsACodeOfItsOwn(t *testing.T) {
	w := startWanting(t, "otp")
	password := w.password(t, "touch")
	soft := softKey(t).request(t, "touch", password)
	soft["totp_code"] = w.code(t, "touch", 0)
	if code, body := w.post(t, finish, soft); code != http.StatusBadRequest || errorText(t, body) != "private key policy not met: hardware_key_touch" {
		t.Fatalf("a key on disk: %d %s", code, body)
	}
	hard := w.vendor.card(t, 7).request(t, "touch", password)
	hard["totp_code"] = soft["totp_code"]
	if code, body := w.post(t, finish, hard); code != http.StatusForbidden {
		t.Errorf("the same code: %d %s", code, body)
	}
	hard["totp_code"] = w.code(t, "touch", 1)
	if code, body := w.post(t, finish, hard); code != http.StatusOK {
		t.Errorf("the next code: %d %s", code, body)
	}
}

func TestSecretsOfCodesSurviveARestart(t *testing.T) {
	w := start(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, w.ready.State, w.vendor)
	for i, u := range again.ready.Users {
		if u.OTPSecret == "" || u.OTPSecret != w.ready.Users[i].OTPSecret {
			t.Errorf("%s: %q became %q", u.Name, w.ready.Users[i].OTPSecret, u.OTPSecret)
		}
	}
}
