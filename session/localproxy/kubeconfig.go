package localproxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// kubeAccess is how tools and the proxy know each other: the proxy by a certificate of an authority that exists for
// this proxy alone, the tools by a token. Both are in the kubeconfig, whose reader is the only one who gets through.
type kubeAccess struct {
	server    tls.Certificate
	authority []byte // PEM
	token     string
}

// kubeLife is how long the certificate of a local listener lasts: longer than any proxy stays open. Its key is in
// memory only.
const kubeLife = 365 * 24 * time.Hour

// newKubeAccess makes an authority, has it sign one certificate, and forgets its key: nobody can sign another one.
func newKubeAccess(now time.Time) (*kubeAccess, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a local authority: %w", err)
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a local key: %w", err)
	}
	authority, server := kubeTemplates(now)
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, fmt.Errorf("making a local authority: %w", err)
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), authorityKey)
	if err != nil {
		return nil, fmt.Errorf("making a local certificate: %w", err)
	}
	return &kubeAccess{
		server:    tls.Certificate{Certificate: [][]byte{serverDER}, PrivateKey: serverKey},
		authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityDER}),
		token:     rand.Text() + rand.Text(), // 26 characters have at least 128 bits
	}, nil
}

func kubeTemplates(now time.Time) (authority, server *x509.Certificate) {
	from, until := now.Add(-time.Hour), now.Add(kubeLife) // tools may have another idea of the time
	authority = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Touchstone local proxy"},
		NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server = &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: loopback},
		NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.ParseIP(loopback)},
	}
	return authority, server
}

// kubeconfig is the content of the file that tools read (its format is Kubernetes' own, "Organizing Cluster Access
// Using kubeconfig Files"; JSON is YAML). It has one cluster, one user and one context, all of the same name.
func (a *kubeAccess) kubeconfig(name, address string) ([]byte, error) {
	type named map[string]any
	content := map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": name,
		"clusters": []named{{"name": name, "cluster": map[string]string{
			"server":                     "https://" + address,
			"certificate-authority-data": base64.StdEncoding.EncodeToString(a.authority),
		}}},
		"users":    []named{{"name": name, "user": map[string]string{"token": a.token}}},
		"contexts": []named{{"name": name, "context": map[string]string{"cluster": name, "user": name}}},
	}
	data, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding a kubeconfig: %w", err)
	}
	return append(data, '\n'), nil
}
