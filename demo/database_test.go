package demo

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

// wish is a request for certificates that is good but for what a test changes.
func (w *world) wish(t *testing.T, k *keyring) *authpb.UserCertsRequest {
	t.Helper()
	public, err := ssh.NewPublicKey(k.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return &authpb.UserCertsRequest{
		PublicKey: ssh.MarshalAuthorizedKey(public), Username: k.user, Format: "standard",
		Expires: timestamppb.New(w.clock.now().Add(time.Hour)),
	}
}

// route asks for a certificate and returns it as a TLS client wants it.
func (w *world) route(t *testing.T, k *keyring, r *authpb.UserCertsRequest) tls.Certificate {
	t.Helper()
	certs, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
	if err != nil {
		t.Fatalf("asking for a route certificate: %v", err)
	}
	block, rest := pem.Decode(certs.Tls)
	if block == nil || len(rest) > 0 {
		t.Fatalf("not one certificate: %s", certs.Tls)
	}
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: k.key}
}

func (w *world) databaseRoute(t *testing.T, k *keyring, service, user string) tls.Certificate {
	t.Helper()
	r := w.wish(t, k)
	r.Usage = authpb.UserCertsRequest_Database
	r.RouteToDatabase = &authpb.RouteToDatabase{ServiceName: service, Protocol: "postgres", Username: user, Database: "orders"}
	return w.route(t, k, r)
}

// tunnel is a TLS session with the proxy under an ALPN name.
func (w *world) tunnel(t *testing.T, cert tls.Certificate, alpn string) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", w.ready.Proxy, &tls.Config{
		RootCAs: w.webRoots(t), ServerName: "localhost", NextProtos: []string{alpn}, Time: w.clock.now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil },
	})
	if err != nil {
		t.Fatalf("dialling %s: %v", alpn, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(testkit.Deadline)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// psql runs PostgreSQL's own client through a tunnel.
func (w *world) psql(t *testing.T, cert tls.Certificate, user, name, statement string) (string, error) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	far := w.tunnel(t, cert, "teleport-postgres")
	open.Go(func() {
		if near, err := listener.Accept(); err == nil {
			copyBoth(near, far)
		}
	})
	url := fmt.Sprintf("postgres://%s@%s/%s?gssencmode=disable", user, listener.Addr(), name) // asks for TLS, is told no
	out, err := exec.Command("psql", url, "-At", "-c", statement).CombinedOutput()
	_, _ = listener.Close(), far.Close()
	open.Wait()
	return string(out), err
}

func TestADatabaseIsReachedAndItsRulesHold(t *testing.T) {
	w := start(t)
	k := w.login(t, "touch", w.vendor.card(t, 7))
	cert := w.databaseRoute(t, k, "orders", "reader")
	if out, err := w.psql(t, cert, "reader", "orders", "select customer from orders order by id"); err != nil || out != "Ada\nGrace\nEdsger\n" {
		t.Errorf("psql says %q, %v", out, err)
	}
	if out, err := w.psql(t, cert, "reader", "orders", "delete from orders"); err == nil || !strings.Contains(out, "permission denied for table orders") {
		t.Errorf("a reader deletes: %q, %v", out, err)
	}
	const denied = "FATAL:  access to db denied. User does not have permissions. Confirm database user and name."
	for _, who := range [][2]string{{"postgres", "orders"}, {"reader", "postgres"}, {"reader", ""}} {
		if out, err := w.psql(t, cert, who[0], who[1], "select 1"); err == nil || !strings.Contains(out, denied) {
			t.Errorf("%v: psql says %q, %v", who, out, err)
		}
	}
	offline := w.databaseRoute(t, k, "offline", "reader")
	if out, err := w.psql(t, offline, "reader", "orders", "select 1"); err == nil || !strings.Contains(out, "failed to connect to the database server of offline") {
		t.Errorf("a server that is down: %q, %v", out, err)
	}
	testkit.Eventually(t, "both ends of two sessions", func() bool {
		return len(w.find(t, EventDBSessionStart)) == 6 && len(w.find(t, EventDBSessionEnd)) == 2
	})
	if e := w.find(t, EventDBSessionStart)[0]; !e.Success || e.Database != "orders" || e.DatabaseUser != "reader" || e.DatabaseName != "orders" || e.User != "touch" {
		t.Errorf("the event is %+v", e)
	}
}

func TestPingFramingIsSpokenWhereItWasNegotiated(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	conn := w.tunnel(t, w.databaseRoute(t, k, "orders", "reader"), "teleport-postgres-ping")
	question := []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, 8), question...)); err != nil {
		t.Fatal(err)
	}
	var answer [9]byte // a ping and a frame of one byte, in either order
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		t.Fatal(err)
	}
	if got := answer[:]; string(got) != "\x00\x00\x00\x00\x00\x00\x00\x01N" && string(got) != "\x00\x00\x00\x01N\x00\x00\x00\x00" {
		t.Errorf("the proxy sent %q", got)
	}
}

func TestTheProxyRefusesDatabasesWithoutAWord(t *testing.T) {
	w := start(t)
	off := w.login(t, "off", softKey(t))
	touch := w.login(t, "touch", w.vendor.card(t, 7))
	ordinary := tls.Certificate{Certificate: [][]byte{off.tlsCert.Raw}, PrivateKey: off.key}
	weak := w.databaseRoute(t, off, "orders", "reader")
	w.edit(t, "off.yaml", "require_session_mfa: false", "require_session_mfa: hardware_key")
	for name, cert := range map[string]tls.Certificate{
		"no certificate":      {},
		"no route":            ordinary,
		"an unknown database": w.databaseRoute(t, touch, "unknown", "reader"),
		"a key too weak":      weak,
	} {
		conn := w.tunnel(t, cert, "teleport-postgres")
		if got, err := io.ReadAll(conn); len(got) > 0 || err != nil {
			t.Errorf("%s: the proxy sent %q, %v", name, got, err)
		}
	}
	if refused := w.find(t, EventConnectionRefused); len(refused) != 1 || refused[0].Service != "db" {
		t.Errorf("refused connections: %+v", refused)
	}
}

func TestRouteCertificatesAreRefused(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	tests := map[string]struct {
		change func(*authpb.UserCertsRequest)
		code   codes.Code
		text   string
	}{
		"for somebody else":  {func(r *authpb.UserCertsRequest) { r.Username = "touch" }, codes.PermissionDenied, "cannot issue certificates for"},
		"without an end":     {func(r *authpb.UserCertsRequest) { r.Expires = nil }, codes.PermissionDenied, "client credentials have expired"},
		"for the past":       {func(r *authpb.UserCertsRequest) { r.Expires = timestamppb.New(w.clock.now().Add(-time.Second)) }, codes.PermissionDenied, "client credentials have expired"},
		"without a key":      {func(r *authpb.UserCertsRequest) { r.PublicKey = nil }, codes.InvalidArgument, "public_key"},
		"for a leaf":         {func(r *authpb.UserCertsRequest) { r.RouteToCluster = "leaf" }, codes.NotFound, "leaf"},
		"for no database":    {func(r *authpb.UserCertsRequest) { r.Usage = authpb.UserCertsRequest_Database }, codes.InvalidArgument, "ServiceName"},
		"for no application": {func(r *authpb.UserCertsRequest) { r.Usage = authpb.UserCertsRequest_App }, codes.InvalidArgument, "app Name"},
		"for a desktop":      {func(r *authpb.UserCertsRequest) { r.Usage = authpb.UserCertsRequest_WindowsDesktop }, codes.InvalidArgument, "unsupported"},
		"for a session that is not there": {func(r *authpb.UserCertsRequest) {
			r.Usage, r.RouteToApp = authpb.UserCertsRequest_App, &authpb.RouteToApp{Name: "whoami", SessionId: "x"}
		}, codes.NotFound, `app session "x" is not found`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := w.wish(t, k)
			test.change(r)
			_, err := w.auth(t, k).GenerateUserCerts(patience(t), r)
			wantStatus(t, err, test.code, test.text)
		})
	}
}

func TestARouteCertificateIsForItsTargetOnly(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	r := w.wish(t, k)
	r.Expires = timestamppb.New(w.clock.now().Add(1000 * time.Hour))
	r.Usage, r.RouteToDatabase = authpb.UserCertsRequest_Database, &authpb.RouteToDatabase{ServiceName: "orders", Protocol: "postgres"}
	cert, err := x509.ParseCertificate(w.route(t, k, r).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if cert.NotAfter.After(k.tlsCert.NotAfter) {
		t.Errorf("it ends at %v, after the sign-in at %v", cert.NotAfter, k.tlsCert.NotAfter)
	}
	restricted := *k
	restricted.tlsCert = cert
	_, err = w.auth(t, &restricted).ListResources(patience(t), &authpb.ListResourcesRequest{ResourceType: "node", Limit: 1})
	wantStatus(t, err, codes.PermissionDenied, "invalid client certificate")
}

func FuzzReadPGStartup(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x17\x00\x03\x00\x00user\x00reader\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2f\x00\x00\x00\x08\x00\x03\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		start, err := readPGStartup(struct {
			io.Reader
			io.Writer
		}{strings.NewReader(string(data)), io.Discard}, pgSSLRequest, pgGSSRequest)
		if err == nil && (start.user == "" || start.name == "" || !strings.Contains(string(data), string(start.raw))) {
			t.Errorf("%q became %+v", data, start)
		}
	})
}
