package wire

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// captures returns the recorded messages whose names match a pattern; testdata/README.md says what they are.
func captures(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no capture matches %q: %v", pattern, err)
	}
	found := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("reading a capture: %v", err)
		}
		found[filepath.Base(path)] = data
	}
	return found
}

// decode reads a capture and refuses members that the shape lacks.
func decode(t testing.TB, data []byte, into any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Errorf("decoding: %v", err)
	}
}

// wantSame checks that a shape, decoded from data, encodes to the same members and values again. It may add members
// that are in added.
func wantSame(t testing.TB, data []byte, shape any, added ...string) {
	t.Helper()
	again, err := json.Marshal(shape)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	var want, got map[string]any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatalf("decoding the capture: %v", err)
	}
	if err := json.Unmarshal(again, &got); err != nil {
		t.Fatalf("decoding our own: %v", err)
	}
	for _, name := range added {
		delete(got, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what we encode differs from the capture (-capture +ours):\n%s", diff)
	}
}

func TestEveryPingDecodesAndEncodesAlike(t *testing.T) {
	for name, data := range captures(t, "[pf]in[gd]-[hms]*.json") { // whole answers; ping-auth-* hold the member auth alone
		t.Run(name, func(t *testing.T) {
			var ping Ping
			decode(t, data, &ping)
			wantSame(t, data, ping)
			if ping.ClusterName != "lab" || ping.ServerVersion != "12.0.0-dev" || ping.Proxy.SSH.PublicAddr != "localhost:13080" {
				t.Errorf("the ping reads %+v", ping)
			}
			if multiplex := name != "ping-separate.json"; ping.Proxy.TLSRoutingEnabled != multiplex {
				t.Errorf("TLS routing reads %v, want %v", ping.Proxy.TLSRoutingEnabled, multiplex)
			}
		})
	}
}

func TestEverySecondFactorDecodes(t *testing.T) {
	for name, data := range captures(t, "ping-auth-*.json") {
		t.Run(name, func(t *testing.T) {
			var auth PingAuth
			decode(t, data, &auth)
			wantSame(t, data, auth)
			factor := strings.TrimSuffix(strings.TrimPrefix(name, "ping-auth-"), ".json")
			if auth.Type != "local" || auth.SecondFactor != factor || auth.PrivateKeyPolicy != PolicyNone {
				t.Errorf("the member auth reads %+v", auth)
			}
		})
	}
}

func TestEveryRequestDecodesAndEncodesAlike(t *testing.T) {
	for name, data := range captures(t, "*.request.json") {
		t.Run(name, func(t *testing.T) {
			var certificates CertificateRequest
			if name == "login-webauthn.request.json" {
				var r LoginFinishRequest
				decode(t, data, &r)
				wantSame(t, data, r, "totp_code")
				certificates = r.CertificateRequest
			} else {
				var r LoginSSHRequest
				decode(t, data, &r)
				wantSame(t, data, r)
				certificates = r.CertificateRequest
			}
			if certificates.TTL != time.Hour || len(certificates.PublicKey) == 0 {
				t.Errorf("the request reads %+v", certificates)
			}
			attested := strings.HasPrefix(name, "hk-") && name != "hk-refused-no-attestation.request.json"
			if (certificates.Attestation != nil) != attested {
				t.Errorf("the attestation reads %+v", certificates.Attestation)
			}
		})
	}
}

func TestEveryAnswerDecodesAndEncodesAlike(t *testing.T) {
	for name, data := range captures(t, "*.response.json") {
		t.Run(name, func(t *testing.T) {
			if bytes.Contains(data, []byte(`"error"`)) {
				var body ErrorBody
				decode(t, data, &body)
				wantSame(t, data, body)
				return
			}
			var r LoginResponse
			decode(t, data, &r)
			wantSame(t, data, r)
			if len(r.HostSigners) != 1 || r.HostSigners[0].ClusterName != "lab" || len(r.HostSigners[0].CheckingKeys) == 0 || len(r.HostSigners[0].TLSCerts) == 0 {
				t.Errorf("the host authorities read %+v", r.HostSigners)
			}
		})
	}
}

func TestTheRefusalOfAWeakKeyBeginsAsWritten(t *testing.T) {
	for _, data := range captures(t, "hk-[nr]*.response.json") {
		var body ErrorBody
		decode(t, data, &body)
		if want := PolicyNotMet + PolicyTouch; body.Error.Message != want {
			t.Errorf("the refusal reads %q, want %q", body.Error.Message, want)
		}
	}
}

func TestDurationsAreTextOrNanoseconds(t *testing.T) {
	for text, want := range map[string]time.Duration{`"12h0m0s"`: 12 * time.Hour, `3600000000000`: time.Hour, `"0s"`: 0} {
		var d Duration
		if err := json.Unmarshal([]byte(text), &d); err != nil || time.Duration(d) != want {
			t.Errorf("%s reads %v, %v, want %v", text, time.Duration(d), err, want)
		}
	}
	for _, text := range []string{`"12 hours"`, `{}`, `1.5`} {
		var d Duration
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s reads %v, want an error", text, time.Duration(d))
		}
	}
	if out, err := json.Marshal(Duration(90 * time.Minute)); err != nil || string(out) != `"1h30m0s"` {
		t.Errorf("90 minutes are written as %s, %v", out, err)
	}
}

func FuzzPing(f *testing.F) {
	for _, data := range captures(f, "ping-*.json") {
		f.Add(data)
	}
	f.Add([]byte(`{"auth":{"default_session_ttl":"12h0m0s","piv_pin_cache_ttl":60000000000,"piv_slot":"9c"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var ping, again Ping
		if json.Unmarshal(data, &ping) != nil {
			return
		}
		out, err := json.Marshal(ping)
		if err != nil {
			t.Fatalf("a ping that was read cannot be written: %v", err)
		}
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("a ping that was written cannot be read: %v", err)
		}
		if diff := cmp.Diff(ping, again); diff != "" {
			t.Errorf("writing and reading changes a ping (-first +second):\n%s", diff)
		}
	})
}
