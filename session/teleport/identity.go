package teleport

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// Identity is what a client shows to everything behind the proxy, and what it trusts there.
type Identity struct {
	// Signer is the private key of both certificates, bound to one purpose.
	Signer crypto.Signer
	TLS    *x509.Certificate
	SSH    *ssh.Certificate
	// HostTLS and HostSSH are the host authorities of the cluster (certificates sheet, section 1).
	HostTLS []*x509.Certificate
	HostSSH []ssh.PublicKey
	Cluster string // the root cluster's name
	Now     func() time.Time
}

// serverName is the name by which auth servers and proxies are verified (certificates sheet, section 5).
func (id *Identity) serverName() string { return clusterName(id.Cluster) }

func clusterName(cluster string) string {
	return hex.EncodeToString([]byte(cluster)) + wire.ClusterDomain
}

func poolOf(authorities []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, authority := range authorities {
		pool.AddCert(authority)
	}
	return pool
}

// tlsConfig is for a peer that shows a certificate of the host authority.
func (id *Identity) tlsConfig(key crypto.Signer, alpn []string) *tls.Config {
	own := &tls.Certificate{Certificate: [][]byte{id.TLS.Raw}, PrivateKey: key, Leaf: id.TLS}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: id.serverName(),
		RootCAs:    poolOf(id.HostTLS),
		NextProtos: alpn,
		Time:       id.Now,
		// Every request is answered, whatever authorities it names: the list may be cut short (transport sheet, section 6).
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil },
	}
}

// sshConfig authenticates as login with the user certificate and accepts only host certificates.
func (id *Identity) sshConfig(key crypto.Signer, login string, seen *hostCheck) (*ssh.ClientConfig, error) {
	plain, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		return nil, fmt.Errorf("preparing the key for SSH: %w", err)
	}
	certified, err := ssh.NewCertSigner(id.SSH, plain)
	if err != nil {
		return nil, fmt.Errorf("preparing the SSH certificate: %w", err)
	}
	return &ssh.ClientConfig{
		User:            login,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(certified)},
		HostKeyCallback: seen.check,
		ClientVersion:   "SSH-2.0-Touchstone",
	}, nil
}

// hostCheck accepts host certificates of the cluster's host authorities for the name that was dialled, and nothing
// else (certificates sheet, section 4).
type hostCheck struct {
	authorities []ssh.PublicKey
	now         func() time.Time
	err         error // of the last check; the SSH library runs it on the goroutine of the handshake
	passed      bool
}

// errNoPrincipals: OpenSSH and the SSH library read an empty list as "any host"; a cluster never issues that.
var errNoPrincipals = errors.New("the certificate names no host")

func (h *hostCheck) check(address string, remote net.Addr, key ssh.PublicKey) error {
	h.err = h.verify(address, remote, key)
	h.passed = h.err == nil
	return h.err
}

func (h *hostCheck) verify(address string, remote net.Addr, key ssh.PublicKey) error {
	if cert, ok := key.(*ssh.Certificate); ok && len(cert.ValidPrincipals) == 0 {
		return &UntrustedHostError{Host: address, Err: errNoPrincipals}
	}
	checker := ssh.CertChecker{
		IsHostAuthority: func(authority ssh.PublicKey, _ string) bool { return contains(h.authorities, authority) },
		Clock:           h.now,
	}
	if err := checker.CheckHostKey(address, remote, key); err != nil {
		return &UntrustedHostError{Host: address, Err: err}
	}
	return nil
}

func contains(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) })
}
