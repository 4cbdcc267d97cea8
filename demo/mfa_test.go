package demo

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// Per-session MFA as version 15 has it: a challenge, its answer, a certificate for one session.

func TestASessionInProductionWantsATap(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "guide", softKey(t))
	if out, err := w.onServer(t, k, k, "demo-node"); out != "here\n" || err != nil {
		t.Errorf("in development: %q, %v", out, err)
	}
	if out, err := w.onServer(t, k, k, "prod"); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Errorf("in production without a tap: %q, %v", out, err)
	}
	refused := w.find(t, EventAuth)
	if len(refused) != 1 || refused[0].Reason != "access to resource requires MFA" || refused[0].User != "guide" {
		t.Errorf("the audit log has %+v", refused)
	}
	r := w.sshWish(t, k, "prod")
	r.MfaResponse = f.answer(t, w.challenged(t, k, toNode(t, "prod")))
	certs, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(certs.Tls) > 0 {
		t.Error("there is a TLS certificate for a session over SSH")
	}
	once := k.withSSH(t, certs.Ssh)
	if out, err := w.onServer(t, k, once, "prod"); out != "here\n" || err != nil {
		t.Errorf("with a tap: %q, %v", out, err)
	}
	w.wantSingleUse(t, once.sshCert, k)
	w.clock.move(time.Minute + time.Second)
	if _, err := w.onServer(t, k, once, "prod"); err == nil {
		t.Error("the certificate is good for more than its minute")
	}
}

// wantSingleUse checks what a certificate for one session says.
func (w *world) wantSingleUse(t *testing.T, cert *ssh.Certificate, login *keyring) {
	t.Helper()
	validated := w.find(t, EventMFAValidate)
	last := validated[len(validated)-1]
	if !last.Success || last.MFADevice != "blue key" || cert.Extensions["mfa-verified"] != last.MFADeviceID || last.MFADeviceID == "" {
		t.Errorf("the certificate says %q, the audit log %+v", cert.Extensions["mfa-verified"], last)
	}
	if got := cert.Extensions["prev-identity-expires"]; got != login.tlsCert.NotAfter.UTC().Format(time.RFC3339) {
		t.Errorf("the certificate before ended %q", got)
	}
	if end := time.Unix(int64(cert.ValidBefore), 0); end.After(w.clock.now().Add(time.Minute)) {
		t.Errorf("valid until %v at %v", end, w.clock.now())
	}
	started := w.find(t, EventSessionStart)
	if last := started[len(started)-1]; last.MFADeviceID != cert.Extensions["mfa-verified"] || last.Node != "prod" {
		t.Errorf("the session is written down as %+v", last)
	}
}

func TestWhoMustProveThemselves(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	keys := map[string]*keyring{
		"off": w.login(t, "off", softKey(t)), "touch": w.login(t, "touch", w.vendor.card(t, 7)),
		"guide": w.loginWith(t, f, "guide", softKey(t)), "mfa": w.loginWith(t, f, "mfa", softKey(t)),
		"key": w.loginWith(t, f, "key", w.vendor.cardWith(t, 7, never, never)), "touch-mfa": w.loginWith(t, f, "touch-mfa", w.vendor.card(t, 7)),
	}
	strongKey := w.loginWith(t, f, "key", w.vendor.cardWith(t, 8, never, always))
	nobodys := toNode(t, "demo-node")
	nobodys.GetNode().Login = "nobody-at-all"
	tests := map[string]struct {
		k      *keyring
		target *authpb.IsMFARequiredRequest
		want   bool
	}{
		"no role asks":                  {keys["off"], toNode(t, "demo-node"), false},
		"a touch is proof":              {keys["touch"], toNode(t, "demo-node"), false},
		"a touch at sign-in as well":    {keys["touch-mfa"], toDatabase("orders", "reader", "orders"), false},
		"a hardware key alone is none":  {keys["key"], toNode(t, "demo-node"), true},
		"but one that is touched is":    {strongKey, toNode(t, "demo-node"), false},
		"only not for applications":     {strongKey, toApp("whoami"), true},
		"the role of a server":          {keys["guide"], toNode(t, "prod"), true},
		"the role of another":           {keys["guide"], toNode(t, "demo-node"), false},
		"of a database":                 {keys["guide"], toDatabase("orders-prod", "reader", "orders"), true},
		"of another database":           {keys["guide"], toDatabase("orders", "reader", "orders"), false},
		"of a page":                     {keys["guide"], toApp("whoami-prod"), true},
		"of a page by its address":      {keys["guide"], toApp("whoami-prod.localhost"), true},
		"of another page":               {keys["guide"], toApp("whoami"), false},
		"a server that is not there":    {keys["mfa"], toNode(t, "elsewhere"), false},
		"a server that is out of sight": {keys["mfa"], toNode(t, "prod"), false},
		"a login that is not allowed":   {keys["mfa"], nobodys, false},
		"a user who is not allowed":     {keys["mfa"], toDatabase("orders", "postgres", "orders"), false},
		"everyone with that role":       {keys["mfa"], toDatabase("orders", "reader", "orders"), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer, err := w.auth(t, test.k).IsMFARequired(patience(t), test.target)
			if err != nil {
				t.Fatal(err)
			}
			want := authpb.MFARequired_MFA_REQUIRED_NO
			if test.want {
				want = authpb.MFARequired_MFA_REQUIRED_YES
			}
			if answer.Required != test.want || answer.MfaRequired != want {
				t.Errorf("the answer is %v", answer)
			}
		})
	}
}

func TestAClusterCanAskForEverySession(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "guide", softKey(t))
	w.edit(t, "cluster.yaml", "require_session_mfa: false", "require_session_mfa: true")
	for name, target := range map[string]*authpb.IsMFARequiredRequest{
		"a server": toNode(t, "demo-node"), "one that is not there": toNode(t, "elsewhere"), "a database": toDatabase("none", "", ""),
	} {
		answer, err := w.auth(t, k).IsMFARequired(patience(t), target)
		if err != nil || !answer.Required {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
	if _, err := w.onServer(t, k, k, "demo-node"); err == nil {
		t.Error("a session without a check")
	}
}

func TestTargetsThatAreNotThereAreNamed(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	tests := map[string]struct {
		target *authpb.IsMFARequiredRequest
		code   codes.Code
		text   string
	}{
		"a database":                   {toDatabase("none", "u", "n"), codes.NotFound, `database service "none" not found`},
		"a Kubernetes cluster":         {toKube("none"), codes.NotFound, `kubernetes cluster "none" not found`},
		"an application":               {toApp("none"), codes.NotFound, `app "none" not found`},
		"a server without a name":      {toNode(t, ""), codes.InvalidArgument, "empty Node field"},
		"nothing":                      {&authpb.IsMFARequiredRequest{}, codes.InvalidArgument, "unknown Target <nil>"},
		"a server without a login":     {&authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_Node{Node: &authpb.NodeLogin{Node: "prod"}}}, codes.InvalidArgument, "empty Login field"},
		"a server without either name": {&authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_Node{}}, codes.InvalidArgument, "empty Node field"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := w.auth(t, k).IsMFARequired(patience(t), test.target)
			wantStatus(t, err, test.code, test.text)
			_, err = w.auth(t, k).CreateAuthenticateChallenge(patience(t), forSession(test.target))
			wantStatus(t, err, test.code, test.text)
		})
	}
}

func TestWhereNoCheckIsWantedThereIsNoChallenge(t *testing.T) {
	w := start(t)
	k := w.loginWith(t, w.newFinger(t), "guide", softKey(t))
	challenge := w.challenged(t, k, toNode(t, "demo-node"))
	if challenge.MfaRequired != authpb.MFARequired_MFA_REQUIRED_NO || challenge.Totp != nil || challenge.WebauthnChallenge != nil {
		t.Errorf("the challenge is %v", challenge)
	}
}

func TestChallengesOfferWhatTheUserHas(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	both := w.challenged(t, w.loginWith(t, f, "mfa", softKey(t)), toNode(t, "demo-node"))
	o := both.GetWebauthnChallenge().GetPublicKey()
	if both.MfaRequired != authpb.MFARequired_MFA_REQUIRED_YES || both.Totp == nil || o.GetRpId() != "localhost" || o.GetTimeoutMs() != 300000 ||
		len(o.GetChallenge()) < 32 || len(o.GetAllowCredentials()) != 1 || o.GetUserVerification() != "discouraged" {
		t.Errorf("the challenge is %v", both)
	}
	w.edit(t, "off.yaml", "require_session_mfa: false", "require_session_mfa: true")
	none := w.challenged(t, w.login(t, "off", softKey(t)), toNode(t, "demo-node"))
	if none.MfaRequired != authpb.MFARequired_MFA_REQUIRED_YES || none.Totp != nil || none.WebauthnChallenge != nil {
		t.Errorf("somebody without a second factor is offered %v", none)
	}
}

func TestADatabaseInProductionWantsATap(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "guide", softKey(t))
	if out, err := w.psql(t, w.databaseRoute(t, k, "orders", "reader"), "reader", "orders", "select 1"); out != "1\n" || err != nil {
		t.Errorf("in development: %q, %v", out, err)
	}
	// A route certificate without a check is issued all the same; the database's agent asks for one.
	out, err := w.psql(t, w.databaseRoute(t, k, "orders-prod", "reader"), "reader", "orders", "select 1")
	if err == nil || !strings.Contains(out, "access to resource requires MFA") {
		t.Errorf("without a tap: %q, %v", out, err)
	}
	r := w.databaseWish(t, k, "orders-prod")
	r.MfaResponse = f.answer(t, w.challenged(t, k, toDatabase("orders-prod", "reader", "orders")))
	certs, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
	if err != nil {
		t.Fatal(err)
	}
	cert := leaf(t, certs.Tls)
	if len(certs.Ssh) > 0 || len(values(cert, "1.3.9999.1.8")) != 1 || values(cert, "1.3.9999.2.12")[0] != k.tlsCert.NotAfter.UTC().Format(time.RFC3339) ||
		values(cert, "2.5.4.11")[0] != "usage:db" || cert.NotAfter.After(w.clock.now().Add(time.Minute)) {
		t.Errorf("the certificate is for %v until %v", cert.Subject, cert.NotAfter)
	}
	once := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: k.key}
	if out, err := w.psql(t, once, "reader", "orders", "select 1"); out != "1\n" || err != nil {
		t.Errorf("with a tap: %q, %v", out, err)
	}
	w.clock.move(time.Minute + time.Second)
	if out, err := w.psql(t, once, "reader", "orders", "select 1"); err == nil {
		t.Errorf("after its minute: %q", out)
	}
}

func TestALocalProxyKeepsItsCertificateAsLongAsTheSignIn(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "guide", softKey(t))
	tests := map[string]struct {
		requester authpb.UserCertsRequest_Requester
		want      time.Time
	}{
		"nobody in particular":          {authpb.UserCertsRequest_UNSPECIFIED, w.clock.now().Add(time.Minute)},
		"a local proxy for databases":   {authpb.UserCertsRequest_TSH_DB_LOCAL_PROXY_TUNNEL, k.tlsCert.NotAfter},
		"a local proxy of another kind": {authpb.UserCertsRequest_TSH_KUBE_LOCAL_PROXY, w.clock.now().Add(time.Minute)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := w.databaseWish(t, k, "orders-prod")
			r.RequesterName, r.Expires = test.requester, timestamppb.New(w.clock.now().Add(20*time.Hour))
			r.MfaResponse = f.answer(t, w.challenged(t, k, toDatabase("orders-prod", "reader", "orders")))
			certs, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
			if err != nil {
				t.Fatal(err)
			}
			if end := leaf(t, certs.Tls).NotAfter; end.After(k.tlsCert.NotAfter) || !near(end, test.want) {
				t.Errorf("until %v, want %v", end, test.want)
			}
		})
	}
}

func TestACodeOpensASession(t *testing.T) {
	w := startWanting(t, "optional")
	f := w.newFinger(t)
	k := w.loginWith(t, f, "mfa", softKey(t))
	r := w.sshWish(t, k, "demo-node")
	r.MfaResponse = typed(w.code(t, "mfa", 0))
	certs, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := w.onServer(t, k, k.withSSH(t, certs.Ssh), "demo-node"); out != "here\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	_, err = w.auth(t, k).GenerateUserCerts(patience(t), r)
	wantStatus(t, err, codes.PermissionDenied, "invalid totp token")
}

func TestAnApplicationInProductionWantsATap(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "guide", softKey(t))
	const addr = "whoami-prod.localhost"
	page := func(answer *authpb.MFAAuthenticateResponse) (*http.Response, string) {
		response, err := w.auth(t, k).CreateAppSession(patience(t), &authpb.CreateAppSessionRequest{
			Username: k.user, PublicAddr: addr, ClusterName: "demo", MfaResponse: answer})
		if err != nil {
			t.Fatal(err)
		}
		r := w.wish(t, k)
		r.Usage = authpb.UserCertsRequest_App
		r.RouteToApp = &authpb.RouteToApp{Name: "whoami-prod", SessionId: response.Session.Metadata.Name, PublicAddr: addr, ClusterName: "demo"}
		return w.ask(t, w.route(t, k, r), nil)
	}
	if response, body := page(nil); response.StatusCode != http.StatusForbidden || response.Header.Get("X-Teleport-API-Error") != "access to resource requires MFA" {
		t.Errorf("without a tap: %s: %s", response.Status, body)
	}
	if response, body := page(f.answer(t, w.challenged(t, k, toApp("whoami-prod")))); response.StatusCode != http.StatusOK || !strings.Contains(body, "You are guide") {
		t.Errorf("with a tap: %s: %s", response.Status, body)
	}
	started := w.find(t, EventAppSessionStart)
	if last := started[len(started)-1]; last.MFADevice != "blue key" || last.MFADeviceID == "" {
		t.Errorf("the session is written down as %+v", last)
	}
}
