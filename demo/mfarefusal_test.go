package demo

import (
	"bytes"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/mfapb"
)

// Each of these wants a certificate for a session without having been checked for it.

func TestASessionIsNotOpenedWithoutItsOwnProof(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "guide", softKey(t))
	theirs := w.loginWith(t, f, "mfa", softKey(t))
	prod := toNode(t, "prod")
	fresh := func(t *testing.T) *authpb.MFAAuthenticateChallenge { return w.challenged(t, k, prod) }
	scoped := func(t *testing.T, s mfapb.ChallengeScope) *authpb.MFAAuthenticateChallenge {
		r := forSession(prod)
		r.ChallengeExtensions.Scope = s
		challenge, err := w.auth(t, k).CreateAuthenticateChallenge(patience(t), r)
		if err != nil {
			t.Fatal(err)
		}
		return challenge
	}
	const wrong = "invalid Webauthn response"
	tests := map[string]struct {
		answer func(t *testing.T) *authpb.MFAAuthenticateResponse
		code   codes.Code
		text   string
	}{
		"another relying party": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			c, err := f.key.Register("bank.example.com", []byte("g"), "guide")
			if err != nil {
				t.Fatal(err)
			}
			phished := &finger{key: f.key, origin: f.origin, rpID: "bank.example.com"}
			return phished.tap(t, fresh(t).WebauthnChallenge.PublicKey.Challenge, "", [][]byte{c.ID}).message()
		}, codes.PermissionDenied, wrong},
		"another origin": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			return (&finger{key: f.key, origin: "https://localhost.example.com"}).answer(t, fresh(t))
		}, codes.PermissionDenied, wrong},
		"an answer that was used": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			answer := f.answer(t, fresh(t))
			r := w.sshWish(t, k, "prod")
			r.MfaResponse = answer
			if _, err := w.auth(t, k).GenerateUserCerts(patience(t), r); err != nil {
				t.Fatal(err)
			}
			return answer
		}, codes.PermissionDenied, wrong},
		"an answer to the challenge of somebody else": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			return f.answer(t, w.challenged(t, theirs, toNode(t, "demo-node")))
		}, codes.PermissionDenied, wrong},
		"the key of somebody else": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			challenge := fresh(t)
			challenge.WebauthnChallenge.PublicKey.AllowCredentials = w.challenged(t, theirs, toNode(t, "demo-node")).WebauthnChallenge.PublicKey.AllowCredentials
			return f.answer(t, challenge)
		}, codes.PermissionDenied, wrong},
		"an answer for a sign-in": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			keys, _ := w.beginLogin(t, "guide")
			return f.tapFor(t, keys).message()
		}, codes.PermissionDenied, wrong},
		"an answer for something else": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			return f.answer(t, scoped(t, mfapb.ChallengeScope_CHALLENGE_SCOPE_ADMIN_ACTION))
		}, codes.PermissionDenied, wrong},
		"an answer for nothing": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			return f.answer(t, scoped(t, mfapb.ChallengeScope_CHALLENGE_SCOPE_UNSPECIFIED))
		}, codes.PermissionDenied, wrong},
		"an answer that comes too late": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			answer := f.answer(t, fresh(t))
			w.clock.move(5*time.Minute + time.Second)
			return answer
		}, codes.PermissionDenied, wrong},
		"a challenge that nobody made": {func(t *testing.T) *authpb.MFAAuthenticateResponse {
			challenge := fresh(t)
			challenge.WebauthnChallenge.PublicKey.Challenge = bytes.Repeat([]byte{7}, 32)
			return f.answer(t, challenge)
		}, codes.PermissionDenied, wrong},
		"a wrong code":    {func(*testing.T) *authpb.MFAAuthenticateResponse { return typed("000000x") }, codes.PermissionDenied, "invalid totp token"},
		"spare codes":     {func(t *testing.T) *authpb.MFAAuthenticateResponse { return typed(w.code(t, "guide", 0)) }, codes.PermissionDenied, "invalid totp token"},
		"an empty answer": {func(*testing.T) *authpb.MFAAuthenticateResponse { return &authpb.MFAAuthenticateResponse{} }, codes.PermissionDenied, "invalid totp token"},
		"no answer":       {func(*testing.T) *authpb.MFAAuthenticateResponse { return nil }, codes.PermissionDenied, "invalid totp token"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := w.sshWish(t, k, "prod")
			r.MfaResponse = test.answer(t)
			_, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
			wantStatus(t, err, test.code, test.text)
			validated := w.find(t, EventMFAValidate)
			if last := validated[len(validated)-1]; last.Success || last.Reason != test.text || last.User != "guide" {
				t.Errorf("the audit log has %+v", last)
			}
			_, err = w.auth(t, k).CreateAppSession(patience(t), &authpb.CreateAppSessionRequest{
				Username: "guide", PublicAddr: "whoami-prod.localhost", ClusterName: "demo", MfaResponse: &authpb.MFAAuthenticateResponse{}})
			wantStatus(t, err, codes.PermissionDenied, "invalid totp token")
		})
	}
}

func TestASignInWantsAnAnswerForSignIns(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "guide", softKey(t))
	o := w.challenged(t, k, toNode(t, "prod")).WebauthnChallenge.PublicKey
	answer := f.tap(t, o.Challenge, o.RpId, [][]byte{o.AllowCredentials[0].Id})
	if code, body := w.finishWith(t, "guide", w.password(t, "guide"), answer.json()); code != 403 || errorText(t, body) != "invalid Webauthn response" {
		t.Errorf("%d %s", code, body)
	}
}

func TestACheckDoesNotReplaceAHardwareKey(t *testing.T) {
	w := start(t)
	f := w.newFinger(t)
	k := w.loginWith(t, f, "key", w.vendor.cardWith(t, 7, never, never))
	r := w.sshWish(t, k, "demo-node")
	r.PublicKey = softKey(t).authorizedKey(t)
	r.MfaResponse = f.answer(t, w.challenged(t, k, toNode(t, "demo-node")))
	_, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
	wantStatus(t, err, codes.InvalidArgument, "private key policy not met: hardware_key")
}

func TestRequestsForOneSessionAreChecked(t *testing.T) {
	w := start(t)
	k := w.loginWith(t, w.newFinger(t), "guide", softKey(t))
	tests := map[string]struct {
		change func(*authpb.UserCertsRequest)
		text   string
	}{
		"for everything": {func(r *authpb.UserCertsRequest) { r.Usage = authpb.UserCertsRequest_All }, "must specify a concrete Usage"},
		"an answer without a purpose": {func(r *authpb.UserCertsRequest) {
			r.Purpose, r.MfaResponse = authpb.UserCertsRequest_CERT_PURPOSE_UNSPECIFIED, typed("123456")
		}, "an MFA response is only of use for single-use certificates"},
		"for no server": {func(r *authpb.UserCertsRequest) {
			r.NodeName, r.Purpose = "", authpb.UserCertsRequest_CERT_PURPOSE_UNSPECIFIED
		}, "missing NodeName field in a ssh-only UserCertsRequest"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := w.sshWish(t, k, "prod")
			test.change(r)
			_, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
			wantStatus(t, err, codes.InvalidArgument, test.text)
		})
	}
}

func TestChallengesAreMadeForTheCallerAndFew(t *testing.T) {
	w := start(t)
	k := w.loginWith(t, w.newFinger(t), "guide", softKey(t))
	auth := w.auth(t, k)
	_, err := auth.CreateAuthenticateChallenge(patience(t), &authpb.CreateAuthenticateChallengeRequest{})
	wantStatus(t, err, codes.InvalidArgument, "for the caller alone")
	again := forSession(toNode(t, "prod"))
	again.ChallengeExtensions.AllowReuse = mfapb.ChallengeAllowReuse_CHALLENGE_ALLOW_REUSE_YES
	_, err = auth.CreateAuthenticateChallenge(patience(t), again)
	wantStatus(t, err, codes.InvalidArgument, "cannot allow reuse")
	for range 200 { // more than are given back while the test asks
		if _, err = auth.CreateAuthenticateChallenge(patience(t), forSession(toNode(t, "prod"))); err != nil {
			break
		}
	}
	wantStatus(t, err, codes.ResourceExhausted, "rate limit exceeded")
	w.clock.move(6 * time.Second)
	w.challenged(t, k, toNode(t, "prod"))
}

func TestVersion15HasNoStreamForSingleUse(t *testing.T) {
	w := start(t)
	stream, err := w.auth(t, w.login(t, "off", softKey(t))).GenerateUserSingleUseCerts(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantStatus(t, err, codes.Unimplemented, "")
}
