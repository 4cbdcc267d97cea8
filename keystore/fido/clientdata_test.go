package fido

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/fault"
)

func testRequest() Request {
	return Request{Origin: "https://demo.example.com:3080", RPID: "demo.example.com", Challenge: bytes.Repeat([]byte{0xfb}, 32)}
}

func TestOnlyTheSiteItselfMayAskForATap(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*Request)
		ok     bool
	}{
		"the host itself":                     {func(*Request) {}, true},
		"without a port":                      {func(r *Request) { r.Origin = "https://demo.example.com" }, true},
		"a domain above the host":             {func(r *Request) { r.RPID = "example.com" }, true},
		"a host in capitals":                  {func(r *Request) { r.Origin = "https://Demo.Example.com" }, true},
		"a host of one word":                  {func(r *Request) { r.Origin, r.RPID = "https://localhost:3080", "localhost" }, true},
		"an application of the same host":     {func(r *Request) { r.AppID = "https://demo.example.com:3080" }, true},
		"an address as itself":                {func(r *Request) { r.Origin, r.RPID = "https://127.0.0.1:3080", "127.0.0.1" }, true},
		"another host":                        {func(r *Request) { r.RPID = "bank.example.org" }, false},
		"a host below":                        {func(r *Request) { r.RPID = "x.demo.example.com" }, false},
		"a neighbour with the same end":       {func(r *Request) { r.RPID = "mo.example.com" }, false},
		"a top-level domain":                  {func(r *Request) { r.RPID = "com" }, false},
		"nobody":                              {func(r *Request) { r.RPID = "" }, false},
		"a relying party that begins with .":  {func(r *Request) { r.RPID = ".example.com" }, false},
		"a relying party in capitals":         {func(r *Request) { r.RPID = "EXAMPLE.COM" }, false},
		"a part of an address":                {func(r *Request) { r.Origin, r.RPID = "https://127.0.0.1:3080", "0.0.1" }, false},
		"plain HTTP":                          {func(r *Request) { r.Origin = "http://demo.example.com" }, false},
		"an origin with a path":               {func(r *Request) { r.Origin = "https://demo.example.com/x" }, false},
		"an origin with a user":               {func(r *Request) { r.Origin = "https://demo.example.com@evil.example.org" }, false},
		"an origin with two ports":            {func(r *Request) { r.Origin = "https://demo.example.com:1:2" }, false},
		"no origin":                           {func(r *Request) { r.Origin = "" }, false},
		"a short challenge":                   {func(r *Request) { r.Challenge = r.Challenge[:15] }, false},
		"an application of another host":      {func(r *Request) { r.AppID = "https://evil.example.org" }, false},
		"an application that is not a secure": {func(r *Request) { r.AppID = "http://demo.example.com" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := testRequest()
			row.change(&r)
			err := r.check()
			if (err == nil) != row.ok {
				t.Fatalf("check: %v", err)
			}
			if _, isFault := fault.As(err); err != nil && (!isFault || !errors.Is(err, ErrSuspicious)) {
				t.Errorf("check: %v, want a fault of kind %v", err, ErrSuspicious)
			}
		})
	}
}

func TestClientDataIsWhatBrowsersSend(t *testing.T) {
	r := testRequest()
	r.Challenge = []byte{0xfb, 0xff, 0xfe}
	text, hash, err := r.clientDataJSON()
	want := `{"type":"webauthn.get","challenge":"-__-","origin":"https://demo.example.com:3080","crossOrigin":false}`
	if sum := sha256.Sum256([]byte(want)); err != nil || string(text) != want || !bytes.Equal(hash, sum[:]) {
		t.Errorf("client data: %s, %v, want %s", text, err, want)
	}
}

func TestAChallengeIsReadAsClustersSendIt(t *testing.T) {
	text := `{"publicKey":{"challenge":"AAEC_v8","timeout":60000,"rpId":"demo.example.com","userVerification":"required",
		"allowCredentials":[{"type":"public-key","id":"AQI"},{"type":"other","id":"AQ"},{"type":"public-key","id":"AwQ="}],
		"extensions":{"appid":"https://demo.example.com:3080"}}}`
	got, err := ParseChallenge("https://demo.example.com:3080", []byte(text))
	want := Request{
		Origin: "https://demo.example.com:3080", RPID: "demo.example.com", Challenge: []byte{0, 1, 2, 0xfe, 0xff},
		Allowed: [][]byte{{1, 2}, {3, 4}}, AppID: "https://demo.example.com:3080", VerifyUser: true,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("ParseChallenge: %v (-want +got):\n%s", err, diff)
	}
	old := strings.ReplaceAll(text, "AAEC_v8", "AAEC/v8=")
	if got, err := ParseChallenge("https://demo.example.com:3080", []byte(old)); err != nil || !cmp.Equal(got, want) {
		t.Errorf("in standard base64, as older clusters write it: %+v, %v", got, err)
	}
	for _, bad := range []string{``, `{`, `{"publicKey":{"challenge":"*"}}`, `{"publicKey":{"challenge":7}}`,
		`{"publicKey":{"allowCredentials":[{"type":"other","id":"AQ"}]}}`} {
		if got, err := ParseChallenge("https://x", []byte(bad)); err == nil {
			t.Errorf("ParseChallenge(%s) = %+v", bad, got)
		}
	}
}

func TestAResponseIsWrittenAsClustersReadIt(t *testing.T) {
	r := Response{ID: "AQI", Type: "public-key", RawID: []byte{1, 2}, Response: Assertion{
		ClientDataJSON: []byte("{}"), AuthenticatorData: []byte{0xff}, Signature: []byte{0xfe},
	}}
	want := `{"id":"AQI","type":"public-key","rawId":"AQI","response":{"clientDataJSON":"e30","authenticatorData":"_w","signature":"_g"}}`
	if got, err := json.Marshal(r); err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	r.Extensions, r.Response.UserHandle = &Extension{AppID: true}, []byte{3}
	want = `{"id":"AQI","type":"public-key","rawId":"AQI","extensions":{"appid":true},"response":{"clientDataJSON":"e30","authenticatorData":"_w","signature":"_g","userHandle":"Aw"}}`
	if got, err := json.Marshal(r); err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func FuzzOriginHost(f *testing.F) {
	f.Add("https://demo.example.com:3080")
	f.Add("https://[::1]:3080")
	f.Fuzz(func(t *testing.T, origin string) {
		host, ok := originHost(origin)
		if ok && (host == "" || bytes.ContainsAny([]byte(host), "/@?# ")) {
			t.Errorf("originHost(%q) = %q", origin, host)
		}
	})
}
