package demo

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// This file is a client of its own: nothing in it comes from the cluster's code, and every name on the wire is
// written out.

// vendor makes cards whose attestations chain to its root.
type vendor struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{key: newP256(t)}
	v.root = v.sign(t, &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Test PIV Root"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, nil, v.key.Public(), v.key)
	return v
}

func newP256(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (v *vendor) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(v.root)
	return pool
}

// sign makes a certificate that is valid around now; without a parent it signs itself.
func (v *vendor) sign(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(30, 0, 0)
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Policy bytes of the attestation extension.
const (
	never  = 1
	once   = 2
	always = 2 // of touch
	cached = 3
)

// card is a key and what proves where it lives. A card without slot certificate is a key on disk.
type card struct {
	key          crypto.Signer
	slot, device *x509.Certificate
}

// card makes a key that needs a touch and the PIN, in the card with this serial number.
func (v *vendor) card(t *testing.T, serial int) *card {
	t.Helper()
	return v.cardWith(t, serial, once, cached)
}

func (v *vendor) cardWith(t *testing.T, serial int, pin, touch byte) *card {
	t.Helper()
	number, err := asn1.Marshal(serial)
	if err != nil {
		t.Fatal(err)
	}
	return v.cardWithExtensions(t,
		extension(3, []byte{5, 4, 3}),
		extension(7, number),
		extension(8, []byte{pin, touch}),
	)
}

// extension is one of the vendor's own, by its last number.
func extension(id int, value []byte) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, id}, Value: value}
}

func (v *vendor) cardWithExtensions(t *testing.T, extensions ...pkix.Extension) *card {
	t.Helper()
	deviceKey, key := newP256(t), newP256(t)
	device := v.sign(t, &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Yubico PIV Attestation"},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}, v.root, deviceKey.Public(), v.key)
	slot := v.sign(t, &x509.Certificate{
		Subject:         pkix.Name{CommonName: "YubiKey PIV Attestation 9a"},
		ExtraExtensions: extensions,
	}, device, key.Public(), deviceKey)
	return &card{key: key, slot: slot, device: device}
}

// softKey is a key on disk.
func softKey(t *testing.T) *card {
	t.Helper()
	return &card{key: newP256(t)}
}

func (c *card) authorizedKey(t *testing.T) []byte {
	t.Helper()
	public, err := ssh.NewPublicKey(c.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return ssh.MarshalAuthorizedKey(public)
}

// request is the body of a login.
func (c *card) request(t *testing.T, user, password string) map[string]any {
	t.Helper()
	body := map[string]any{
		"user": user, "password": password,
		"pub_key": c.authorizedKey(t), "ttl": int64(time.Hour),
		"RouteToCluster": "", "KubernetesCluster": "", "otp_token": "",
	}
	if c.slot != nil {
		body["attestation_statement"] = map[string]any{"yubikeyAttestationStatement": map[string]any{
			"slotCert": c.slot.Raw, "attestationCert": c.device.Raw}}
	}
	return body
}

// web makes HTTPS calls with the CA file as the only root.
func (w *world) web(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.webRoots(t), Time: w.clock.now}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// post sends a body and returns status and answer.
func (w *world) post(t *testing.T, path string, body any) (int, []byte) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := w.web(t).Post("https://"+w.ready.Proxy+path, "application/json", bytes.NewReader(data))
	return readResponse(t, response, err)
}

func (w *world) get(t *testing.T, path string) (int, []byte) {
	t.Helper()
	response, err := w.web(t).Get("https://" + w.ready.Proxy + path)
	return readResponse(t, response, err)
}

func readResponse(t *testing.T, response *http.Response, err error) (int, []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, data
}

// errorText is the message of an error body.
func errorText(t *testing.T, body []byte) string {
	t.Helper()
	var parsed struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &parsed); err != nil {
		t.Fatalf("%q is not an error body: %v", body, err)
	}
	return parsed.Error.Message
}

// keyring is what a login gives.
type keyring struct {
	key       crypto.Signer
	user      string
	tlsCert   *x509.Certificate
	sshCert   *ssh.Certificate
	hostRoots *x509.CertPool
	hostCA    ssh.PublicKey
	now       func() time.Time
}

const (
	oneCall = "/v1/webapi/ssh/certs"
	begin   = "/v1/webapi/mfa/login/begin"
	finish  = "/v1/webapi/mfa/login/finish"
)

// login signs in with one call and fails the test when that is refused.
func (w *world) login(t *testing.T, user string, c *card) *keyring {
	t.Helper()
	code, body := w.post(t, oneCall, c.request(t, user, w.password(t, user)))
	if code != http.StatusOK {
		t.Fatalf("signing in as %s: %d %s", user, code, body)
	}
	return w.keyring(t, c, body)
}

func (w *world) keyring(t *testing.T, c *card, body []byte) *keyring {
	t.Helper()
	var answer struct {
		Username    string `json:"username"`
		Cert        []byte `json:"cert"`
		TLSCert     []byte `json:"tls_cert"`
		HostSigners []struct {
			DomainName   string   `json:"domain_name"`
			CheckingKeys [][]byte `json:"checking_keys"`
			TLSCerts     [][]byte `json:"tls_certs"`
		} `json:"host_signers"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	k := &keyring{key: c.key, user: answer.Username, hostRoots: x509.NewCertPool(), now: w.clock.now}
	block, rest := pem.Decode(answer.TLSCert)
	if block == nil || len(rest) > 0 || len(answer.HostSigners) != 1 {
		t.Fatalf("the answer is not one leaf and one host CA: %s", body)
	}
	var err error
	if k.tlsCert, err = x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(answer.Cert)
	if err != nil {
		t.Fatal(err)
	}
	k.sshCert = public.(*ssh.Certificate)
	signer := answer.HostSigners[0]
	if !k.hostRoots.AppendCertsFromPEM(signer.TLSCerts[0]) || signer.DomainName != "demo" {
		t.Fatalf("the host CA is not usable: %s", body)
	}
	if k.hostCA, _, _, _, err = ssh.ParseAuthorizedKey(signer.CheckingKeys[0]); err != nil {
		t.Fatal(err)
	}
	return k
}
