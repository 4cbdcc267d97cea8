package demo

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
	"golang.org/x/crypto/ssh"
)

// backdate is how far the start of every certificate lies in the past, for clocks that differ a little.
const backdate = time.Minute

// host is this machine in the cluster. Its auth server, proxy and node share one identity and one key.
type host struct {
	id      string // UUID
	name    string
	cluster string
	key     crypto.Signer
}

// loopbackNames are what the proxy is reached by.
var loopbackNames = []string{"localhost", "127.0.0.1", "::1"}

// webCertificate is what browsers and the web API see; its authority has nothing to do with the cluster.
func (a *authorities) webCertificate(now time.Time) (tls.Certificate, error) {
	key, err := newECKey()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the web key: %w", err)
	}
	return a.web.serverCertificate(key, pkix.Name{CommonName: "localhost"}, loopbackNames, now)
}

// tlsCertificate is the host certificate of a service; its role is "Auth" or "Proxy". Clients address both as
// HEX.teleport.cluster.local (certificates sheet, section 5).
func (a *authorities) tlsCertificate(h *host, role string, now time.Time) (tls.Certificate, error) {
	subject := pkix.Name{
		CommonName:   h.id + "." + h.cluster,
		Organization: []string{role},
		ExtraNames:   []pkix.AttributeTypeAndValue{{Type: wire.OIDTeleportCluster, Value: h.cluster}},
	}
	names := append([]string{h.cluster, "*" + wire.ClusterDomain, wire.ClusterDomain[1:]}, loopbackNames...)
	return a.host.serverCertificate(h.key, subject, names, now)
}

func (a *authority) serverCertificate(key crypto.Signer, subject pkix.Name, names []string,
	now time.Time) (tls.Certificate, error) {

	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               subject,
		NotBefore:             now.Add(-backdate),
		NotAfter:              a.cert.NotAfter,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("signing a server certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// sshCertificate is the host key of an SSH server with its certificate; its role is "Node" or "Proxy" (certificates
// sheet, section 4).
func (a *authorities) sshCertificate(h *host, role string) (ssh.Signer, error) {
	signer, err := ssh.NewSignerFromSigner(h.key)
	if err != nil {
		return nil, fmt.Errorf("preparing the host key: %w", err)
	}
	cert := &ssh.Certificate{
		Key:      signer.PublicKey(),
		CertType: ssh.HostCert,
		ValidPrincipals: append([]string{
			h.id + "." + h.cluster, h.id, h.name + "." + h.cluster, h.name}, loopbackNames...),
		ValidBefore: ssh.CertTimeInfinity,
		Permissions: ssh.Permissions{Extensions: map[string]string{
			wire.ExtensionHostRole:      role,
			wire.ExtensionHostAuthority: h.cluster,
		}},
	}
	if err := cert.SignCert(rand.Reader, a.host.ssh); err != nil {
		return nil, fmt.Errorf("signing an SSH host certificate: %w", err)
	}
	return ssh.NewCertSigner(cert, signer)
}

// leafCertificate names a database server or, as a database's clients are known, a role in it.
func (a *authority) leafCertificate(key crypto.Signer, name string, now time.Time) (tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             now.Add(-backdate),
		NotAfter:              a.cert.NotAfter,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("signing a database certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
