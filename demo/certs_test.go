package demo

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

// values returns all values of one attribute of a subject.
func values(cert *x509.Certificate, oid string) []string {
	var found []string
	for _, name := range cert.Subject.Names {
		if name.Type.String() == oid {
			found = append(found, name.Value.(string))
		}
	}
	return found
}

// near reports whether two times differ by less than the seconds that a busy machine takes.
func near(a, b time.Time) bool { return a.Sub(b).Abs() < 20*time.Second }

func TestUserTLSCertificatesAreThoseOfARealCluster(t *testing.T) {
	w := start(t)
	k := w.login(t, "touch-pin", w.vendor.card(t, 7))
	cert, now := k.tlsCert, w.clock.now()
	want := map[string][]string{
		"2.5.4.3":         {"touch-pin"},
		"2.5.4.10":        {"demo-touch-pin"},
		"2.5.4.11":        nil,
		"2.5.4.7":         {me(t), "-teleport-internal-join"},
		"2.5.4.9":         {"demo"},
		"2.5.4.17":        {`{"logins":["` + me(t) + `"]}`},
		"1.3.9999.1.7":    {"demo"},
		"1.3.9999.1.9":    {"127.0.0.1"},
		"1.3.9999.1.15":   {"hardware_key_touch_and_pin"},
		"1.3.9999.1.20":   {"local"},
		"1.3.9999.1.8":    nil, // MFA device
		"1.3.9999.4.1":    nil, // CA certificates only
		"1.3.9999.2.9":    nil, // re-issue is allowed
		"1.3.6.1.5.5.7.1": nil,
	}
	for oid, list := range want {
		got := values(cert, oid)
		slices.Sort(got)
		slices.Sort(list)
		if !cmp.Equal(got, list) {
			t.Errorf("attribute %s is %q, want %q", oid, got, list)
		}
	}
	if !near(cert.NotBefore, now.Add(-time.Minute)) || !near(cert.NotAfter, now.Add(time.Hour)) {
		t.Errorf("valid from %v to %v at %v", cert.NotBefore, cert.NotAfter, now)
	}
	if cert.IsCA || !cert.BasicConstraintsValid || cert.SerialNumber.BitLen() < 64 ||
		cert.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment ||
		!cmp.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}) ||
		len(cert.DNSNames)+len(cert.IPAddresses)+len(cert.URIs) > 0 {
		t.Errorf("the envelope is wrong: %+v", cert)
	}
	issuer := cert.Issuer
	if issuer.CommonName != "demo" || !cmp.Equal(issuer.Organization, []string{"demo"}) || issuer.SerialNumber == "" {
		t.Errorf("the issuer is %v", issuer)
	}
	if cert.SignatureAlgorithm != x509.SHA256WithRSA {
		t.Errorf("signed with %v, want RSA as up to version 16", cert.SignatureAlgorithm)
	}
}

func TestUserSSHCertificatesAreThoseOfARealCluster(t *testing.T) {
	w := start(t)
	c := w.vendor.card(t, 7)
	cert, now := w.login(t, "touch-pin", c).sshCert, w.clock.now()
	want := map[string]string{
		"permit-pty":                "",
		"private-key-policy":        "hardware_key_touch_and_pin",
		"teleport-roles":            `{"version":"v1","roles":["demo-touch-pin"]}`,
		"teleport-traits":           `{"logins":["` + me(t) + `"]}`,
		"teleport-route-to-cluster": "demo",
		"login-ip":                  "127.0.0.1",
	}
	if diff := cmp.Diff(want, cert.Extensions); diff != "" {
		t.Errorf("extensions (-want +got):\n%s", diff)
	}
	if cert.CertType != ssh.UserCert || cert.KeyId != "touch-pin" || cert.Serial != 0 || len(cert.CriticalOptions) > 0 ||
		!cmp.Equal(cert.ValidPrincipals, []string{me(t), "-teleport-internal-join"}) {
		t.Errorf("the certificate is %+v", cert)
	}
	if !near(time.Unix(int64(cert.ValidAfter), 0), now.Add(-time.Minute)) || !near(time.Unix(int64(cert.ValidBefore), 0), now.Add(time.Hour)) {
		t.Errorf("valid from %v to %v", cert.ValidAfter, cert.ValidBefore)
	}
	if cert.Signature.Format != ssh.KeyAlgoRSASHA512 {
		t.Errorf("signed with %s", cert.Signature.Format)
	}
	if got := string(ssh.MarshalAuthorizedKey(cert.Key)); got != string(c.authorizedKey(t)) {
		t.Errorf("the certificate is for another key: %s", got)
	}
	t.Run("in the old format", func(t *testing.T) {
		body := c.request(t, "touch-pin", w.password(t, "touch-pin"))
		body["compatibility"] = "oldssh"
		_, answer := w.post(t, oneCall, body)
		extensions := w.keyring(t, c, answer).sshCert.Extensions
		for _, name := range []string{"teleport-roles", "teleport-traits", "teleport-route-to-cluster"} {
			delete(want, name)
		}
		if diff := cmp.Diff(want, extensions); diff != "" {
			t.Errorf("extensions (-want +got):\n%s", diff)
		}
	})
}

func TestLifetimesAreCut(t *testing.T) {
	w := start(t)
	tests := map[string]struct{ wish, tls, ssh time.Duration }{
		"as wished":               {3 * time.Hour, 3 * time.Hour, 3 * time.Hour},
		"cut to the role's limit": {20 * time.Hour, 12 * time.Hour, 12 * time.Hour},
		"too short for SSH":       {10 * time.Second, 10 * time.Second, time.Minute},
		"none at all":             {0, 0, time.Minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := softKey(t)
			body := c.request(t, "off", w.password(t, "off"))
			body["ttl"] = int64(test.wish)
			code, answer := w.post(t, oneCall, body)
			if code != 200 {
				t.Fatalf("%d %s", code, answer)
			}
			k, now := w.keyring(t, c, answer), w.clock.now()
			if !near(k.tlsCert.NotAfter, now.Add(test.tls)) || !near(time.Unix(int64(k.sshCert.ValidBefore), 0), now.Add(test.ssh)) {
				t.Errorf("TLS until %v, SSH until %v; it is %v", k.tlsCert.NotAfter, k.sshCert.ValidBefore, now)
			}
		})
	}
}

func TestLoginsOfShortRolesAreLeftOut(t *testing.T) {
	long, short := &role{}, &role{}
	long.Spec.Options.MaxSessionTTL, long.Spec.Allow.Logins = time.Hour, []string{"bob", "ann"}
	short.Spec.Options.MaxSessionTTL, short.Spec.Allow.Logins = time.Minute, []string{"root"}
	a := &access{roles: []*role{long, short}}
	if got, err := a.logins(time.Hour); err != nil || !cmp.Equal(got, []string{"ann", "bob"}) {
		t.Errorf("for an hour: %v, %v", got, err)
	}
	if got, err := a.logins(time.Minute); err != nil || !cmp.Equal(got, []string{"ann", "bob", "root"}) {
		t.Errorf("for a minute: %v, %v", got, err)
	}
	if got, err := a.logins(2 * time.Hour); err == nil {
		t.Errorf("for two hours: %v", got)
	}
	if got, err := (&access{roles: []*role{{}}}).logins(time.Hour); err != nil || len(got) != 1 || got[0][:18] != "-teleport-nologin-" {
		t.Errorf("without logins by design: %v, %v", got, err)
	}
}

func TestAuthoritiesAndHostCertificatesAreThoseOfARealCluster(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	state := stateDir(w.ready.State)
	for _, name := range []string{"user-ca.pem", "host-ca.pem"} {
		ca, err := state.readCertificate(name)
		if err != nil {
			t.Fatal(err)
		}
		if ca.Subject.CommonName != "demo" || ca.Subject.SerialNumber != ca.SerialNumber.String() || !ca.IsCA ||
			!near(ca.NotAfter, w.clock.now().AddDate(0, 0, 3650)) || ca.PublicKey.(*rsa.PublicKey).N.BitLen() != 2048 {
			t.Errorf("%s is %+v", name, ca.Subject)
		}
	}
	conn, err := tls.Dial("tcp", w.ready.Proxy, k.tlsConfig("teleport-proxy-ssh"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	proxy := conn.ConnectionState().PeerCertificates[0]
	if got := values(proxy, "1.3.9999.1.7"); !cmp.Equal(got, []string{"demo"}) {
		t.Errorf("the proxy's certificate names cluster %q", got)
	}
	for _, name := range []string{"demo", hexName, "teleport.cluster.local", "localhost"} {
		if err := proxy.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
}

func TestTheNodesHostCertificateNamesIt(t *testing.T) {
	w := start(t)
	k := w.login(t, "off", softKey(t))
	stream, err := w.transportStream(t, k, "demo-node:0", "demo")
	if err != nil {
		t.Fatal(err)
	}
	var shown *ssh.Certificate
	config := k.sshConfig(t, me(t))
	check := config.HostKeyCallback
	config.HostKeyCallback = func(name string, addr net.Addr, key ssh.PublicKey) error {
		shown, _ = key.(*ssh.Certificate)
		return check(name, addr, key)
	}
	client, err := overSSH(stream, "demo-node:0", config)
	if err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	id, err := stateDir(w.ready.State).hostID()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{id + ".demo", id, "demo-node.demo", "demo-node", "localhost", "127.0.0.1", "::1"}
	if diff := cmp.Diff(want, shown.ValidPrincipals); diff != "" {
		t.Errorf("principals (-want +got):\n%s", diff)
	}
	if shown.KeyId != "" || shown.CertType != ssh.HostCert || shown.ValidBefore != uint64(math.MaxUint64) ||
		shown.Extensions["x-teleport-role"] != "Node" || shown.Extensions["x-teleport-authority"] != "demo" {
		t.Errorf("the certificate is %+v", shown)
	}
}

func TestIdentitiesSurviveTheirCertificates(t *testing.T) {
	w := start(t)
	k := w.login(t, "touch-pin", w.vendor.card(t, 7))
	a, err := identityFromTLS(k.tlsCert)
	if err != nil {
		t.Fatal(err)
	}
	b, err := identityFromSSH(k.sshCert)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(a.logins)
	slices.Sort(b.logins)
	if diff := cmp.Diff(a, b, cmp.AllowUnexported(identity{}, route{}, databaseRoute{}, appRoute{})); diff != "" {
		t.Errorf("TLS and SSH say different things:\n%s", diff)
	}
	for name, cert := range map[string]*ssh.Certificate{
		"no roles":   {KeyId: "x", Permissions: ssh.Permissions{Extensions: map[string]string{"teleport-traits": "null", "teleport-roles": `{}`}}},
		"no user":    {Permissions: ssh.Permissions{Extensions: map[string]string{"teleport-traits": "null", "teleport-roles": `{"roles":["a"]}`}}},
		"bad roles":  {KeyId: "x", Permissions: ssh.Permissions{Extensions: map[string]string{"teleport-traits": "null"}}},
		"bad traits": {KeyId: "x", Permissions: ssh.Permissions{Extensions: map[string]string{"teleport-roles": `{"roles":["a"]}`}}},
	} {
		if id, err := identityFromSSH(cert); err == nil {
			t.Errorf("%s: %+v", name, id)
		}
	}
	if id, err := identityFromTLS(&x509.Certificate{}); err == nil {
		t.Errorf("an empty certificate: %+v", id)
	}
}

func TestTheCapturedAttestationIsUnderstood(t *testing.T) {
	tests := map[string]struct{ file, problem string }{
		"touch always": {"hk-always.request.json", ""},
		"another root": {"hk-always-other-root.request.json", "does not chain to a configured root"},
		"another key":  {"hk-always-other-key.request.json", "it is for another key"},
	}
	_, trusted := capturedStatement(t, "hk-always.request.json")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request, device := capturedStatement(t, test.file)
			roots := x509.NewCertPool()
			roots.AddCert(trusted) // the lab's own root was not captured; its devices stand for it
			if name == "another key" {
				roots.AddCert(device)
			}
			_, key, err := parsePublicKey(request.PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			statement, err := parseStatement(request.Statement)
			if err != nil {
				t.Fatal(err)
			}
			proof, err := verifyAttestation(statement, key, roots, captured)
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) {
					t.Errorf("got %v, want %q", err, test.problem)
				}
				return
			}
			if err != nil || proof.policy != "hardware_key_touch" || proof.serial != 12345678 {
				t.Errorf("the proof is %+v, %v", proof, err)
			}
		})
	}
}

type capturedRequest struct {
	PublicKey []byte          `json:"pub_key"`
	Statement json.RawMessage `json:"attestation_statement"`
}

// captured is when the captures were made.
var captured = time.Date(2026, 11, 21, 1, 22, 0, 0, time.UTC)

// capturedStatement returns a captured request and the device certificate in it.
func capturedStatement(t *testing.T, file string) (capturedRequest, *x509.Certificate) {
	t.Helper()
	var request capturedRequest
	if err := json.Unmarshal(capture(t, file), &request); err != nil {
		t.Fatal(err)
	}
	statement, err := parseStatement(request.Statement)
	if err != nil {
		t.Fatal(err)
	}
	device, err := x509.ParseCertificate(statement.AttestationCert)
	if err != nil {
		t.Fatal(err)
	}
	return request, device
}
