package demo

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/transportpb"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// A certificate that was good when it was issued meets a role that demands more by now.

const unmet = "private key policy not met: hardware_key_touch"

// weakened signs in without a policy and then raises it.
func weakened(t *testing.T) (*world, *keyring) {
	t.Helper()
	w := start(t)
	k := w.login(t, "off", softKey(t))
	w.edit(t, "off.yaml", "require_session_mfa: false", "require_session_mfa: hardware_key_touch")
	return w, k
}

// refusedAt waits for the audit log to tell a refusal by a service.
func (w *world) refusedAt(t *testing.T, service string) {
	t.Helper()
	testkit.Eventually(t, "refusal in the audit log", func() bool {
		for _, e := range w.find(t, "connection.refused") {
			if e.Service == service && e.Reason == unmet && e.User == "off" && e.RequiredPolicy == "hardware_key_touch" {
				return true
			}
		}
		return false
	})
}

func TestAWeakCertificateIsRefusedByTheAuthServer(t *testing.T) {
	w, k := weakened(t)
	_, err := w.auth(t, k).GetCurrentUser(patience(t), &emptypb.Empty{})
	wantStatus(t, err, codes.InvalidArgument, unmet)
	w.refusedAt(t, "auth")
}

func TestAWeakCertificateIsRefusedByTheTransportService(t *testing.T) {
	w, k := weakened(t)
	_, err := w.transport(t, k).GetClusterDetails(patience(t), &transportpb.GetClusterDetailsRequest{})
	wantStatus(t, err, codes.InvalidArgument, unmet)
	_, err = w.transportStream(t, k, "demo-node:0", "demo")
	wantStatus(t, err, codes.InvalidArgument, unmet)
	w.refusedAt(t, "transport")
}

func TestAWeakCertificateIsRefusedByTheSSHProxy(t *testing.T) {
	w, k := weakened(t)
	t.Run("in the answer to a channel", func(t *testing.T) {
		client, err := w.proxySSH(t, k)
		if err != nil {
			t.Fatalf("the handshake itself: %v", err)
		}
		wantRejection(t, client)
	})
	t.Run("in the answer to a global request", func(t *testing.T) {
		client, err := w.proxySSH(t, k)
		if err != nil {
			t.Fatalf("the handshake itself: %v", err)
		}
		ok, payload, err := client.SendRequest("keepalive@openssh.com", true, nil)
		if ok || string(payload) != unmet || err != nil {
			t.Errorf("the answer is %v %q %v", ok, payload, err)
		}
	})
	w.refusedAt(t, "proxy")
}

func TestAWeakCertificateIsRefusedByTheNode(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	stream, err := w.transportStream(t, k, "demo-node:0", "demo")
	if err != nil {
		t.Fatal(err)
	}
	w.edit(t, "off.yaml", "require_session_mfa: false", "require_session_mfa: hardware_key_touch")
	client, err := overSSH(stream, "demo-node:0", k.sshConfig(t, me(t)))
	if err != nil {
		t.Fatalf("the handshake itself: %v", err)
	}
	wantRejection(t, client)
	w.refusedAt(t, "node")
}

// wantRejection opens a channel, expects the policy in the answer, and the end of the connection within the second
// that the server waits.
func wantRejection(t *testing.T, client *ssh.Client) {
	t.Helper()
	_, err := client.NewSession()
	var rejected *ssh.OpenChannelError
	if !errors.As(err, &rejected) || rejected.Reason != ssh.Prohibited || rejected.Message != unmet {
		t.Errorf("opening a channel: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- client.Wait() }()
	testkit.Receive(t, "end of the connection", ended)
}

func wantStatus(t *testing.T, err error, code codes.Code, text string) {
	t.Helper()
	if s, ok := status.FromError(err); !ok || s.Code() != code || !strings.Contains(s.Message(), text) {
		t.Errorf("got %v, want %v with %q", err, code, text)
	}
}

func TestAnExpiredCertificateIsRefusedEverywhere(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	stream, err := w.transportStream(t, k, "demo-node:0", "demo")
	if err != nil {
		t.Fatal(err)
	}
	w.clock.move(2 * time.Hour)
	if _, err := overSSH(stream, "demo-node:0", k.sshConfig(t, me(t))); err == nil {
		t.Error("the node accepts it")
	}
	if _, err := w.proxySSH(t, k); err == nil {
		t.Error("the SSH proxy accepts it")
	}
	if _, err := w.auth(t, k).Ping(patience(t), &authpb.PingRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("the auth server says %v", err)
	}
	_, err = w.transport(t, k).GetClusterDetails(patience(t), &transportpb.GetClusterDetailsRequest{})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("the transport service says %v", err)
	}
	for _, e := range w.find(t, "auth") {
		if e.Success || !strings.Contains(e.Reason, "expired") {
			t.Errorf("the audit log says %+v", e)
		}
	}
	if got := len(w.find(t, "auth")); got != 2 {
		t.Errorf("the audit log has %d refusals by SSH servers, want 2", got)
	}
}

func TestACertificateOfAnotherClusterIsRefusedEverywhere(t *testing.T) {
	w := start(t)
	stranger := startIn(t, filepath.Join(t.TempDir(), "state"), newVendor(t)) // with keys that no other test has
	k := stranger.login(t, "off", softKey(t))
	own := w.login(t, "off", softKey(t))
	k.hostRoots, k.hostCA = own.hostRoots, own.hostCA // an attacker trusts anyone
	if _, err := w.auth(t, k).GetCurrentUser(patience(t), &emptypb.Empty{}); err == nil {
		t.Error("the auth server accepts it")
	}
	if _, err := w.transportStream(t, k, "demo-node:0", ""); err == nil {
		t.Error("the transport service accepts it")
	}
	if _, err := w.proxySSH(t, k); err == nil {
		t.Error("the SSH proxy accepts it")
	}
	stream, err := w.transportStream(t, own, "demo-node:0", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := overSSH(stream, "demo-node:0", k.sshConfig(t, me(t))); err == nil {
		t.Error("the node accepts it")
	}
}

func TestTheNodeRefusesLoginsThatAreNotAllowed(t *testing.T) {
	tests := map[string]struct {
		edit  [2]string
		login string
	}{
		"not a principal of the certificate": {[2]string{"env: dev", "env: dev"}, "nobody-at-all"},
		"the join principal joins nothing":   {[2]string{"env: dev", "env: dev"}, "-teleport-internal-join"},
		"denied by the role":                 {[2]string{"    node_labels: {env: dev}\n", "    node_labels: {env: dev}\n  deny:\n    logins: [\"{{internal.logins}}\"]\n"}, ""},
		"session MFA that nobody can do":     {[2]string{"require_session_mfa: false", "require_session_mfa: true"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			k := w.login(t, "off", softKey(t))
			w.edit(t, "off.yaml", test.edit[0], test.edit[1])
			if test.login == "" {
				test.login = me(t)
			}
			_, err := w.nodeSSH(t, k, test.login)
			if err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
				t.Errorf("the node says %v", err)
			}
			if events := w.find(t, "auth"); len(events) == 0 || events[0].Reason == "" || events[0].Login != test.login {
				t.Errorf("the audit log says %+v", events)
			}
		})
	}
}

func TestANodeThatOneMayNotSeeIsNotThere(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	w.edit(t, "off.yaml", "env: dev", "env: elsewhere")
	_, err := w.transportStream(t, k, "demo-node:0", "demo")
	wantStatus(t, err, codes.NotFound, "direct dialing to nodes not found in inventory is not supported")
	list, err := w.auth(t, k).ListResources(patience(t), &authpb.ListResourcesRequest{ResourceType: "node", Limit: 10})
	if err != nil || len(list.Resources) != 0 {
		t.Errorf("the list has %v, %v", list, err)
	}
}

func TestADeletedUserHasNoAccess(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	w.edit(t, "off.yaml", `name: "off"`, `name: "on"`)
	_, err := w.auth(t, k).GetCurrentUser(patience(t), &emptypb.Empty{})
	wantStatus(t, err, codes.PermissionDenied, "access denied")
	code, body := w.post(t, oneCall, softKey(t).request(t, "off", w.password(t, "off")))
	if code != 403 || errorText(t, body) != "invalid username or password" {
		t.Errorf("signing in: %d %s", code, body)
	}
}

func TestTheRouterClosesWhatHasNoHandler(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	for _, protocols := range [][]string{
		{"teleport-kube"},
		{"teleport-reversetunnel"},
		{"teleport-auth@"},
		{"teleport-auth@64656d6f"},
		{"teleport-auth@6f74686572.teleport.cluster.local", "h2"}, // another cluster's
		{"teleport-auth@64656D6F.teleport.cluster.local", "h2"},   // upper case
	} {
		conn, err := tls.Dial("tcp", w.ready.Proxy, k.tlsConfig(protocols...))
		if err == nil {
			_ = conn.Close()
		}
		if _, alert := errors.AsType[tls.AlertError](err); err == nil || alert || strings.Contains(err.Error(), "tls:") {
			t.Errorf("%v: %v, want the end of the connection without an alert", protocols, err)
		}
	}
	kube := &tls.Config{RootCAs: w.webRoots(t), ServerName: "kube-teleport-proxy-alpn.teleport.cluster.local"}
	if _, err := tls.Dial("tcp", w.ready.Proxy, kube); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Kubernetes, which there is none of: %v", err)
	}
}

func TestTheClientsOrderOfNamesDecides(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	web := w.webRoots(t)
	tests := map[string]struct {
		protocols []string
		issuer    string
	}{
		"auth first":         {[]string{"teleport-auth@" + hexName, "h2"}, "demo"},
		"h2 first":           {[]string{"h2", "teleport-auth@" + hexName}, "demo web CA"},
		"none at all":        {nil, "demo web CA"},
		"an unknown first":   {[]string{"unknown", "teleport-proxy-ssh-grpc", "h2"}, "demo"},
		"web before SSH":     {[]string{"http/1.1", "teleport-proxy-ssh"}, "demo web CA"},
		"SSH before the web": {[]string{"teleport-proxy-ssh", "http/1.1"}, "demo"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := k.tlsConfig(test.protocols...)
			config.InsecureSkipVerify = true // the test looks at who it got
			conn, err := tls.Dial("tcp", w.ready.Proxy, config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			leaf := conn.ConnectionState().PeerCertificates[0]
			if got := leaf.Issuer.CommonName; got != test.issuer {
				t.Errorf("the certificate is from %q, want %q", got, test.issuer)
			}
			roots := k.hostRoots
			if test.issuer != "demo" {
				roots = web
			}
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAClientThatSaysNothingIsEndedWithTheCluster(t *testing.T) {
	w := start(t)
	conn, err := net.Dial("tcp", w.ports.web.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("\x16\x03\x01\x00\xff")); err != nil { // a record that never comes
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
}
