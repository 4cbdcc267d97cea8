package session

import (
	"context"
	"crypto"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
)

// captured reads a recorded answer; internal/wire/testdata/README.md says where it is from.
func captured(t testing.TB, name string) wire.LoginResponse {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "internal", "wire", "testdata", name))
	if err != nil {
		t.Fatalf("reading a capture: %v", err)
	}
	var r wire.LoginResponse
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatalf("decoding a capture: %v", err)
	}
	return r
}

// publicKey is the key of recorded certificates, of which only the public half is known.
type publicKey struct{ public crypto.PublicKey }

func (k publicKey) Public() crypto.PublicKey                            { return k.public }
func (k publicKey) For(context.Context, keystore.Purpose) crypto.Signer { return nil }
func (k publicKey) Serial() uint32                                      { return 0 }
func (k publicKey) Slot() keystore.Slot                                 { return 0 }
func (k publicKey) slow() bool                                          { return false }
func (k publicKey) attestation() *wire.AttestationStatement             { return nil }
func (k publicKey) encode() ([]byte, error)                             { return nil, nil }

func certifiedKey(t testing.TB, r wire.LoginResponse) publicKey {
	t.Helper()
	cert, err := parsePEMCertificate(r.TLSCert)
	if err != nil {
		t.Fatalf("reading a captured certificate: %v", err)
	}
	return publicKey{cert.PublicKey}
}

// recorded is when the captures were made.
var recorded = time.Date(2026, 11, 21, 1, 23, 0, 0, time.UTC)

func TestCapturedCertificatesAreReadAndAccepted(t *testing.T) {
	tests := []struct{ name, user, policy string }{
		{"login-alice.response.json", "alice", wire.PolicyNone},
		{"login-otp.response.json", "otto", wire.PolicyNone},
		{"login-webauthn.response.json", "wanda", wire.PolicyNone},
		{"hk-always.response.json", "carol", wire.PolicyTouch},
		{"hk-cached.response.json", "carol", wire.PolicyTouch},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := captured(t, test.name)
			ring, err := newKeyring(certifiedKey(t, r), &r, recorded)
			if err != nil {
				t.Fatalf("the answer was refused: %v", err)
			}
			if ring.User != test.user || ring.Policy != test.policy || ring.Cluster != "lab" || len(ring.Roles) == 0 {
				t.Errorf("the certificates say %+v", ring.claims)
			}
			if want := []string{"root", "labuser"}; !slices.Equal(ring.Logins, want) {
				t.Errorf("the certificates allow the logins %q, want %q", ring.Logins, want)
			}
			if left := ring.Expires.Sub(recorded); left < 30*time.Minute || left > 2*time.Hour {
				t.Errorf("the certificates end at %v", ring.Expires)
			}
			if len(ring.hostTLS) != 1 || len(ring.hostSSH) != 1 {
				t.Errorf("the host authorities are %d and %d, want one each", len(ring.hostTLS), len(ring.hostSSH))
			}
		})
	}
}

func TestCertificatesThatDoNotFitAreRefused(t *testing.T) {
	good := captured(t, "hk-always.response.json")
	other := captured(t, "login-alice.response.json")
	key := certifiedKey(t, good)
	tests := []struct {
		name   string
		key    signingKey
		now    time.Time
		change func(r *wire.LoginResponse)
	}{
		{"for another key", publicKey{newECDSA(t).Public()}, recorded, func(*wire.LoginResponse) {}},
		{"that have ended", key, recorded.Add(2 * time.Hour), func(*wire.LoginResponse) {}},
		{"with the SSH certificate of another", key, recorded, func(r *wire.LoginResponse) { r.SSHCert = other.SSHCert }},
		{"with the TLS certificate of another", key, recorded, func(r *wire.LoginResponse) { r.TLSCert = other.TLSCert }},
		{"for another user than the answer says", key, recorded, func(r *wire.LoginResponse) { r.Username = "mallory" }},
		{"with a plain SSH key", key, recorded, func(r *wire.LoginResponse) { r.SSHCert = r.HostSigners[0].CheckingKeys[0] }},
		{"without an SSH certificate", key, recorded, func(r *wire.LoginResponse) { r.SSHCert = nil }},
		{"without a TLS certificate", key, recorded, func(r *wire.LoginResponse) { r.TLSCert = []byte("-----BEGIN") }},
		{"without a host authority", key, recorded, func(r *wire.LoginResponse) { r.HostSigners = nil }},
		{"with the host authority of another cluster", key, recorded, func(r *wire.LoginResponse) {
			r.HostSigners = []wire.HostSigner{{ClusterName: "evil", CheckingKeys: r.HostSigners[0].CheckingKeys, TLSCerts: r.HostSigners[0].TLSCerts}}
		}},
		{"with half a host authority", key, recorded, func(r *wire.LoginResponse) {
			r.HostSigners = []wire.HostSigner{{ClusterName: "lab", CheckingKeys: r.HostSigners[0].CheckingKeys}}
		}},
		{"with a broken host authority", key, recorded, func(r *wire.LoginResponse) {
			r.HostSigners = []wire.HostSigner{{ClusterName: "lab", CheckingKeys: [][]byte{[]byte("x")}, TLSCerts: r.HostSigners[0].TLSCerts}}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := good
			test.change(&r)
			if ring, err := newKeyring(test.key, &r, test.now); err == nil {
				t.Errorf("they were accepted: %+v", ring.claims)
			}
		})
	}
	if ring, err := newKeyring(key, &good, recorded); err != nil {
		t.Errorf("unchanged they are refused: %v, %v", ring, err)
	}
}

// shape is a JSON value with its texts and numbers replaced by the names of their types.
func shape(value any) any {
	switch v := value.(type) {
	case map[string]any:
		members := map[string]any{}
		for name, member := range v {
			members[name] = shape(member)
		}
		return members
	case string:
		return "text"
	case float64:
		return "number"
	default:
		return v
	}
}

func shapeOf(t testing.TB, text []byte) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("decoding: %v", err)
	}
	return shape(value).(map[string]any)
}

func TestOurRequestHasTheMembersOfTheCapturedOnes(t *testing.T) {
	tests := []struct{ name, capture, answer, policy string }{
		{"with a software key", "login-alice.request.json", `{"host_signers":[]}`, wire.PolicyNone},
		{"with a hardware key", "hk-cached.request.json", `{"host_signers":[]}`, wire.PolicyTouch},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &script{
				ping:  `{"cluster_name":"lab","server_version":"12.0.0-dev","auth":{"type":"local","private_key_policy":"` + test.policy + `"}}`,
				begin: `{"webauthn_challenge":null,"totp_challenge":false}`, status: 200, finish: test.answer,
			}
			_ = against(t, s, newFakeCard(t))
			if len(s.bodies) != 1 {
				t.Fatalf("certificates were asked for %d times, want once", len(s.bodies))
			}
			data, err := os.ReadFile(filepath.Join("..", "internal", "wire", "testdata", test.capture))
			if err != nil {
				t.Fatalf("reading a capture: %v", err)
			}
			want := shapeOf(t, data)
			// The recorded client made one call; beginning and finishing have these two members instead of the code.
			delete(want, "otp_token")
			want["totp_code"], want["webauthn_challenge_response"] = "text", nil
			if diff := cmp.Diff(want, shapeOf(t, []byte(s.bodies[0]))); diff != "" {
				t.Errorf("the members differ (-capture +ours):\n%s", diff)
			}
			wantEncodings(t, []byte(s.bodies[0]))
		})
	}
}

// wantEncodings checks what a shape cannot show: the texts inside a request.
func wantEncodings(t *testing.T, body []byte) {
	t.Helper()
	var r wire.LoginFinishRequest
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("decoding our request: %v", err)
	}
	if r.User != "alice" || r.Password != "secret" || r.TTL != 12*time.Hour {
		t.Errorf("our request says user %q, password %q, %v", r.User, r.Password, r.TTL)
	}
	key, _, _, rest, err := ssh.ParseAuthorizedKey(r.PublicKey)
	if err != nil || key.Type() != ssh.KeyAlgoECDSA256 || len(rest) != 0 {
		t.Errorf("our request holds the public key %q: %v", r.PublicKey, err)
	}
}

func TestNewServersGetSplitKeys(t *testing.T) {
	s := &script{
		ping:  `{"cluster_name":"lab","server_version":"17.2.1","auth":{"type":"local","private_key_policy":"hardware_key_touch","default_session_ttl":"1h30m0s"}}`,
		begin: `{}`, status: 200, finish: `{"host_signers":[]}`,
	}
	_ = against(t, s, newFakeCard(t))
	var r wire.LoginFinishRequest
	if err := json.Unmarshal([]byte(s.bodies[0]), &r); err != nil {
		t.Fatalf("decoding our request: %v", err)
	}
	if r.PublicKey != nil || r.Attestation != nil || r.SSHAttestation == nil || r.TLSAttestation == nil {
		t.Errorf("our request is %+v, want split members only", r)
	}
	if r.TTL != 90*time.Minute {
		t.Errorf("our request asks for %v, want what the cluster proposes", r.TTL)
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey(r.SSHPublicKey); err != nil {
		t.Errorf("the SSH key is %q: %v", r.SSHPublicKey, err)
	}
	if string(r.TLSPublicKey[:26]) != "-----BEGIN PUBLIC KEY-----" {
		t.Errorf("the TLS key is %q", r.TLSPublicKey)
	}
}

func FuzzCertificatesAreReadWithoutHarm(f *testing.F) {
	for _, name := range []string{"login-alice.response.json", "hk-always.response.json"} {
		r := captured(f, name)
		f.Add(r.SSHCert, r.TLSCert)
	}
	f.Fuzz(func(t *testing.T, sshCert, tlsCert []byte) {
		r := wire.LoginResponse{SSHCert: sshCert, TLSCert: tlsCert}
		ring := &keyring{}
		if ring.parse(&r) == nil && ring.User == "" {
			t.Error("certificates without a user were read")
		}
	})
}
