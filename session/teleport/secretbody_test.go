package teleport

import (
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/secret"
	"github.com/touchstone-app/touchstone/internal/wire"
)

func TestABodyWithASecretReadsAsIfEncodingJSONHadWrittenIt(t *testing.T) {
	for _, password := range []string{"", "plain", `"quoted\"`, "tab\tnewline\n\x00\x1f\x7f", "pässwörd ✓ 🔑", "<&>\u2028", "bad \xff\xfe utf-8", `","pass":"x`} {
		t.Run(password, func(t *testing.T) {
			request := wire.LoginFinishRequest{User: `al"ice","password":"`, TOTPCode: "1", CertificateRequest: wire.CertificateRequest{TTL: 5, PublicKey: []byte("key")}}
			taken := secret.New([]byte(password))
			defer taken.Wipe()
			body, err := secretBody(request, "password", taken)
			if err != nil {
				t.Fatalf("encoding: %v", err)
			}
			defer body.Wipe()
			request.Password = password
			wantEqualJSON(t, body.Reveal(), request)
			request.TOTPCode = ""
			if body, err = secretBody(wire.LoginFinishRequest{User: request.User, CertificateRequest: request.CertificateRequest}, "password", taken); err != nil {
				t.Fatalf("encoding: %v", err)
			}
			if body, err = insertSecret(body, "totp_code", taken); err != nil {
				t.Fatalf("encoding a second secret: %v", err)
			}
			defer body.Wipe()
			request.TOTPCode = password
			wantEqualJSON(t, body.Reveal(), request)
		})
	}
}

// wantEqualJSON checks that body says what encoding/json would have written of message.
func wantEqualJSON(t *testing.T, body []byte, message any) {
	t.Helper()
	plain, err := json.Marshal(message)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	var want, got any
	if err := json.Unmarshal(plain, &want); err != nil {
		t.Fatalf("decoding: %v", err)
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("our body %q is no JSON: %v", body, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the bodies differ (-encoding/json +ours):\n%s", diff)
	}
}

func TestABodyNeedsAnEmptyMemberForTheSecret(t *testing.T) {
	taken := secret.New([]byte("x"))
	defer taken.Wipe()
	if _, err := secretBody(wire.LoginBeginRequest{Password: "already there"}, "pass", taken); err == nil {
		t.Error("a member that is filled was overwritten")
	}
	if _, err := secretBody(func() {}, "pass", taken); err == nil {
		t.Error("a function was encoded")
	}
}

func FuzzSecretBody(f *testing.F) {
	f.Add("alice", []byte("secret"))
	f.Add(`","pass":"`, []byte("\"\\\x00\xff\u2028"))
	f.Fuzz(func(t *testing.T, user string, password []byte) {
		taken := secret.New(password)
		defer taken.Wipe()
		body, err := secretBody(wire.LoginBeginRequest{User: user}, "pass", taken)
		if err != nil {
			t.Fatalf("encoding: %v", err)
		}
		defer body.Wipe()
		wantEqualJSON(t, body.Reveal(), wire.LoginBeginRequest{User: user, Password: string(password)})
	})
}

func TestABodyIsReadAgainUntilItIsWiped(t *testing.T) {
	w := &wipedReader{content: secret.New([]byte("body"))}
	for range 2 {
		if got, err := io.ReadAll(w.fromStart()); string(got) != "body" || err != nil {
			t.Errorf("reading gave %q, %v", got, err)
		}
	}
	late := w.fromStart()
	if _, err := io.ReadFull(late, make([]byte, 2)); err != nil {
		t.Fatalf("reading: %v", err)
	}
	w.wipe()
	w.wipe()
	for _, r := range []io.Reader{late, w.fromStart()} {
		if got, err := io.ReadAll(r); len(got) != 0 || !errors.Is(err, errWiped) {
			t.Errorf("after wiping, reading gave %q, %v", got, err)
		}
	}
	if w.content != nil {
		t.Error("the body is still there")
	}
}
