package demo

import (
	"crypto/x509"
	"encoding/pem"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/mfapb"
	"github.com/touchstone-app/touchstone/internal/wire/webauthnpb"
)

// This file is a client that is checked for a session, written without the cluster's code.

// toNode is a session with a server.
func toNode(t *testing.T, name string) *authpb.IsMFARequiredRequest {
	t.Helper()
	return &authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_Node{Node: &authpb.NodeLogin{Node: name, Login: me(t)}}}
}

func toDatabase(service, user, name string) *authpb.IsMFARequiredRequest {
	return &authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_Database{
		Database: &authpb.RouteToDatabase{ServiceName: service, Protocol: "postgres", Username: user, Database: name}}}
}

func toApp(name string) *authpb.IsMFARequiredRequest {
	return &authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_App{App: &authpb.RouteToApp{Name: name}}}
}

func toKube(name string) *authpb.IsMFARequiredRequest {
	return &authpb.IsMFARequiredRequest{Target: &authpb.IsMFARequiredRequest_KubernetesCluster{KubernetesCluster: name}}
}

// forSession asks for a challenge for a session with a target.
func forSession(target *authpb.IsMFARequiredRequest) *authpb.CreateAuthenticateChallengeRequest {
	return &authpb.CreateAuthenticateChallengeRequest{
		Request:          &authpb.CreateAuthenticateChallengeRequest_ContextUser{ContextUser: &authpb.ContextUser{}},
		MfaRequiredCheck: target,
		ChallengeExtensions: &mfapb.ChallengeExtensions{
			Scope:      mfapb.ChallengeScope_CHALLENGE_SCOPE_USER_SESSION,
			AllowReuse: mfapb.ChallengeAllowReuse_CHALLENGE_ALLOW_REUSE_NO,
		},
	}
}

// challenged returns a challenge for a session.
func (w *world) challenged(t *testing.T, k *keyring, target *authpb.IsMFARequiredRequest) *authpb.MFAAuthenticateChallenge {
	t.Helper()
	challenge, err := w.auth(t, k).CreateAuthenticateChallenge(patience(t), forSession(target))
	if err != nil {
		t.Fatalf("asking for a challenge: %v", err)
	}
	return challenge
}

// answer taps for a challenge of the auth server.
func (f *finger) answer(t *testing.T, challenge *authpb.MFAAuthenticateChallenge) *authpb.MFAAuthenticateResponse {
	t.Helper()
	o := challenge.GetWebauthnChallenge().GetPublicKey()
	if o == nil {
		t.Fatalf("nothing to tap for in %v", challenge)
	}
	var allowed [][]byte
	for _, c := range o.AllowCredentials {
		allowed = append(allowed, c.Id)
	}
	return f.tap(t, o.Challenge, o.RpId, allowed).message()
}

// message is the assertion for the auth server.
func (a tapped) message() *authpb.MFAAuthenticateResponse {
	return &authpb.MFAAuthenticateResponse{Response: &authpb.MFAAuthenticateResponse_Webauthn{
		Webauthn: &webauthnpb.CredentialAssertionResponse{
			Type: "public-key", RawId: a.id,
			Response: &webauthnpb.AuthenticatorAssertionResponse{
				ClientDataJson: a.clientData, AuthenticatorData: a.authData, Signature: a.signature},
		}}}
}

// typed is a one-time code for the auth server.
func typed(code string) *authpb.MFAAuthenticateResponse {
	return &authpb.MFAAuthenticateResponse{Response: &authpb.MFAAuthenticateResponse_Totp{Totp: &authpb.TOTPResponse{Code: code}}}
}

// sshWish is a request for a certificate for one session with a server.
func (w *world) sshWish(t *testing.T, k *keyring, node string) *authpb.UserCertsRequest {
	t.Helper()
	r := w.wish(t, k)
	r.Usage, r.NodeName, r.SshLogin = authpb.UserCertsRequest_SSH, node, me(t)
	r.Purpose = authpb.UserCertsRequest_CERT_PURPOSE_SINGLE_USE_CERTS
	return r
}

func (w *world) databaseWish(t *testing.T, k *keyring, service string) *authpb.UserCertsRequest {
	t.Helper()
	r := w.wish(t, k)
	r.Usage = authpb.UserCertsRequest_Database
	r.RouteToDatabase = &authpb.RouteToDatabase{ServiceName: service, Protocol: "postgres", Username: "reader", Database: "orders"}
	r.Purpose = authpb.UserCertsRequest_CERT_PURPOSE_SINGLE_USE_CERTS
	return r
}

// withSSH is a keyring with another SSH certificate.
func (k *keyring) withSSH(t *testing.T, line []byte) *keyring {
	t.Helper()
	public, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	other := *k
	other.sshCert = public.(*ssh.Certificate)
	return &other
}

// leaf reads a PEM certificate.
func leaf(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode(text)
	if block == nil || len(rest) > 0 {
		t.Fatalf("not one certificate: %s", text)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// onServer runs a command on a server, reached over the proxy with the certificate of the sign-in.
func (w *world) onServer(t *testing.T, login, session *keyring, node string) (string, error) {
	t.Helper()
	stream, err := w.subsystemStream(t, login, "proxy:"+node+":0")
	if err != nil {
		return "", err
	}
	client, err := overSSH(stream, node+":0", session.sshConfig(t, me(t)))
	if err != nil {
		return "", err
	}
	out, err := newSession(t, client).Output("echo here")
	return string(out), err
}
