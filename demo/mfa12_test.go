package demo

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"

	"github.com/touchstone-app/touchstone/internal/wire/attestationpb"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// Per-session MFA as version 12 has it: one stream with a challenge in the middle.

func start12(t *testing.T) *world {
	t.Helper()
	return startIn(t, newState(t), newVendor(t), func(c *Config) { c.VersionProfile = 12 })
}

// loginWithCode signs in with a one-time code.
func (w *world) loginWithCode(t *testing.T, user string, c *card) *keyring {
	t.Helper()
	request := c.request(t, user, w.password(t, user))
	request["totp_code"] = w.code(t, user, -1)
	code, body := w.post(t, finish, request)
	if code != http.StatusOK {
		t.Fatalf("signing in as %s: %d %s", user, code, body)
	}
	return w.keyring(t, c, body)
}

// ceremony runs the stream and returns its certificate.
func (w *world) ceremony(t *testing.T, k *keyring, r *authpb.UserCertsRequest,
	answer func(*authpb.MFAAuthenticateChallenge) *authpb.MFAAuthenticateResponse) (*authpb.SingleUseUserCert, error) {

	t.Helper()
	stream, err := w.auth(t, k).GenerateUserSingleUseCerts(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.Send(&authpb.UserSingleUseCertsRequest{Request: &authpb.UserSingleUseCertsRequest_Init{Init: r}})
	response, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	_ = stream.Send(&authpb.UserSingleUseCertsRequest{
		Request: &authpb.UserSingleUseCertsRequest_MfaResponse{MfaResponse: answer(response.GetMfaChallenge())}})
	if response, err = stream.Recv(); err != nil {
		return nil, err
	}
	return response.GetCert(), nil
}

func TestVersion12ChecksInOneStream(t *testing.T) {
	w := start12(t)
	f := w.newFinger(t)
	k := w.loginWithStandard(t, f, "guide", softKey(t))
	answer, err := w.auth(t, k).IsMFARequired(patience(t), toNode(t, "prod"))
	if err != nil || !answer.Required || answer.MfaRequired != authpb.MFARequired_MFA_REQUIRED_UNSPECIFIED {
		t.Errorf("whether a check is wanted: %v, %v", answer, err)
	}
	if _, err := w.onServer(t, k, k, "prod"); err == nil {
		t.Error("a session without a check")
	}
	tap := func(c *authpb.MFAAuthenticateChallenge) *authpb.MFAAuthenticateResponse { return f.answer(t, c) }
	cert, err := w.ceremony(t, k, w.sshWish(t, k, "prod"), tap)
	if err != nil || len(cert.GetTls()) > 0 {
		t.Fatalf("the certificate is %v, %v", cert, err)
	}
	once := k.withSSH(t, cert.GetSsh())
	if out, err := w.onServer(t, k, once, "prod"); out != "here\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	w.wantSingleUse(t, once.sshCert, k)
	cert, err = w.ceremony(t, k, w.databaseWish(t, k, "orders-prod"), tap)
	if err != nil || len(cert.GetSsh()) > 0 {
		t.Fatalf("the certificate is %v, %v", cert, err)
	}
	tlsCert := tls.Certificate{Certificate: [][]byte{leaf(t, cert.GetTls()).Raw}, PrivateKey: k.key}
	if out, err := w.psql(t, tlsCert, "reader", "orders", "select 1"); out != "1\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// loginWithStandard is loginWith for challenges in standard base64.
func (w *world) loginWithStandard(t *testing.T, f *finger, user string, c *card) *keyring {
	t.Helper()
	_, body := w.post(t, begin, map[string]any{"user": user, "pass": w.password(t, user)})
	var offer struct {
		Webauthn struct {
			PublicKey struct {
				Challenge        []byte `json:"challenge"`
				AllowCredentials []struct {
					ID []byte `json:"id"`
				} `json:"allowCredentials"`
			} `json:"publicKey"`
		} `json:"webauthn_challenge"`
	}
	if err := json.Unmarshal(body, &offer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	o := offer.Webauthn.PublicKey
	request := c.request(t, user, w.password(t, user))
	request["webauthn_challenge_response"] = f.tap(t, o.Challenge, "localhost", [][]byte{o.AllowCredentials[0].ID}).json()
	code, body := w.post(t, finish, request)
	if code != http.StatusOK {
		t.Fatalf("signing in as %s: %d %s", user, code, body)
	}
	return w.keyring(t, c, body)
}

func TestTheMinuteOfVersion12BeginsWithTheRequest(t *testing.T) {
	w := start12(t)
	f := w.newFinger(t)
	k := w.loginWithStandard(t, f, "guide", softKey(t))
	slowly := func(c *authpb.MFAAuthenticateChallenge) *authpb.MFAAuthenticateResponse {
		w.clock.move(40 * time.Second)
		return f.answer(t, c)
	}
	r := w.databaseWish(t, k, "orders-prod")
	r.RequesterName = authpb.UserCertsRequest_TSH_DB_LOCAL_PROXY_TUNNEL // which this version does not know
	cert, err := w.ceremony(t, k, r, slowly)
	if err != nil {
		t.Fatal(err)
	}
	if end := leaf(t, cert.GetTls()).NotAfter; !near(end, w.clock.now().Add(20*time.Second)) {
		t.Errorf("a TLS certificate lives %v", end.Sub(w.clock.now()))
	}
	cert, err = w.ceremony(t, k, w.sshWish(t, k, "prod"), slowly)
	if err != nil {
		t.Fatal(err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(cert.GetSsh())
	if err != nil {
		t.Fatal(err)
	}
	if end := time.Unix(int64(public.(*ssh.Certificate).ValidBefore), 0); !near(end, w.clock.now().Add(time.Minute)) {
		t.Errorf("an SSH certificate lives %v", end.Sub(w.clock.now()))
	}
}

func TestVersion12TakesCodes(t *testing.T) {
	w := start12(t)
	w.newFinger(t)
	w.clock.move(15*time.Second - time.Duration(time.Now().Unix()%30)*time.Second)
	k := w.loginWithCode(t, "mfa", softKey(t))
	code := func(c *authpb.MFAAuthenticateChallenge) *authpb.MFAAuthenticateResponse {
		if c.Totp == nil || c.WebauthnChallenge == nil {
			t.Errorf("the challenge is %v", c)
		}
		return typed(w.code(t, "mfa", 0))
	}
	if _, err := w.ceremony(t, k, w.sshWish(t, k, "demo-node"), code); err != nil {
		t.Errorf("a code: %v", err)
	}
	_, err := w.ceremony(t, k, w.sshWish(t, k, "demo-node"), code)
	wantStatus(t, err, codes.PermissionDenied, "invalid totp token")
}

func TestTheStreamRefusesWhatIsOutOfOrder(t *testing.T) {
	w := start12(t)
	f := w.newFinger(t)
	k := w.loginWithStandard(t, f, "guide", softKey(t))
	off := w.login(t, "off", softKey(t))
	replayed := func() func(*authpb.MFAAuthenticateChallenge) *authpb.MFAAuthenticateResponse {
		var first *authpb.MFAAuthenticateResponse
		return func(c *authpb.MFAAuthenticateChallenge) *authpb.MFAAuthenticateResponse {
			if first == nil {
				first = f.answer(t, c)
			}
			return first
		}
	}()
	if _, err := w.ceremony(t, k, w.sshWish(t, k, "prod"), replayed); err != nil {
		t.Fatal(err)
	}
	_, err := w.ceremony(t, k, w.sshWish(t, k, "prod"), replayed)
	wantStatus(t, err, codes.PermissionDenied, "invalid Webauthn response")
	_, err = w.ceremony(t, off, w.sshWish(t, off, "demo-node"), nil)
	wantStatus(t, err, codes.PermissionDenied, "no MFA devices registered")
	_, err = w.ceremony(t, k, nil, nil)
	wantStatus(t, err, codes.InvalidArgument, "must specify a concrete Usage")
	_, err = w.ceremony(t, k, w.sshWish(t, k, "prod"), func(*authpb.MFAAuthenticateChallenge) *authpb.MFAAuthenticateResponse { return nil })
	wantStatus(t, err, codes.PermissionDenied, "invalid totp token")
	stream, err := w.auth(t, k).GenerateUserSingleUseCerts(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.Send(&authpb.UserSingleUseCertsRequest{Request: &authpb.UserSingleUseCertsRequest_MfaResponse{MfaResponse: typed("1")}})
	_, err = stream.Recv()
	wantStatus(t, err, codes.InvalidArgument, "expected Init")
}

func TestVersion12PassesOverWhatItDoesNotKnow(t *testing.T) {
	w := start12(t)
	f := w.newFinger(t)
	k := w.loginWithStandard(t, f, "guide", softKey(t))
	challenge := w.challenged(t, k, toNode(t, "demo-node"))
	if challenge.MfaRequired != authpb.MFARequired_MFA_REQUIRED_UNSPECIFIED || challenge.WebauthnChallenge == nil {
		t.Errorf("the challenge is %v", challenge)
	}
	r := w.databaseWish(t, k, "orders-prod")
	r.MfaResponse = f.answer(t, challenge)
	certs, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
	if err != nil {
		t.Fatal(err)
	}
	if cert := leaf(t, certs.Tls); len(values(cert, "1.3.9999.1.8")) > 0 || !near(cert.NotAfter, w.clock.now().Add(time.Hour)) || len(certs.Ssh) == 0 {
		t.Errorf("the certificate is for %v until %v", cert.Subject, cert.NotAfter)
	}
	_, err = w.auth(t, k).IsMFARequired(patience(t), toApp("whoami"))
	wantStatus(t, err, codes.InvalidArgument, "unknown Target")
}

func TestATouchDoesAwayWithChecksInVersion12(t *testing.T) {
	w := start12(t)
	w.edit(t, "cluster.yaml", "require_session_mfa: false", "require_session_mfa: true")
	k := w.login(t, "touch", w.vendor.card(t, 7))
	answer, err := w.auth(t, k).IsMFARequired(patience(t), toNode(t, "demo-node"))
	if err != nil || answer.Required {
		t.Errorf("%v, %v", answer, err)
	}
	if out, err := w.onServer(t, k, k, "demo-node"); out != "here\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	w.edit(t, "touch.yaml", "require_session_mfa: hardware_key_touch", "require_session_mfa: hardware_key")
	if out, err := w.onServer(t, k, k, "demo-node"); err == nil {
		t.Errorf("a key that may be touched is no check in this version: %q", out)
	}
}

func TestApplicationsOfVersion12KnowNoHardwareKeys(t *testing.T) {
	w := start12(t)
	k := w.login(t, "touch", w.vendor.card(t, 7))
	response, body := w.ask(t, w.appRoute(t, k, w.appSession(t, k)), nil)
	if got := response.Header.Get("X-Teleport-API-Error"); response.StatusCode != http.StatusBadRequest || got != "private key policy not met: hardware_key_touch" {
		t.Errorf("%s %q: %s", response.Status, got, body)
	}
}

func TestChallengesOfVersion12AreInStandardBase64(t *testing.T) {
	w := start12(t)
	w.newFinger(t)
	_, body := w.post(t, begin, map[string]any{"user": "guide", "pass": w.password(t, "guide")})
	want := members(t, []byte(`{"webauthn_challenge":{"publicKey":{"challenge":"","timeout":1,"rpId":"","allowCredentials":[],"userVerification":""}},"totp_challenge":false}`))
	for path, kind := range members(t, body) {
		if want[path] != kind {
			t.Errorf("%s is %s", path, kind)
		}
		delete(want, path)
	}
	if len(want) > 0 {
		t.Errorf("the challenge lacks %v", want)
	}
	text := string(body)
	_, text, _ = strings.Cut(text, `"challenge":"`)
	text, _, _ = strings.Cut(text, `"`)
	if _, err := base64.StdEncoding.DecodeString(text); err != nil || !strings.HasSuffix(text, "=") {
		t.Errorf("%q: %v", text, err)
	}
}

func TestAStatementIsNotAcceptedWithAReissueInVersion12(t *testing.T) {
	w := start12(t)
	k := w.login(t, "touch", w.vendor.card(t, 7))
	other := w.vendor.card(t, 8)
	r := w.wish(t, k)
	r.PublicKey, r.AttestationStatement = other.authorizedKey(t), &attestationpb.AttestationStatement{
		AttestationStatement: &attestationpb.AttestationStatement_YubikeyAttestationStatement{
			YubikeyAttestationStatement: &attestationpb.YubiKeyAttestationStatement{SlotCert: other.slot.Raw, AttestationCert: other.device.Raw}}}
	_, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
	wantStatus(t, err, codes.InvalidArgument, "private key policy not met: hardware_key_touch")
}
