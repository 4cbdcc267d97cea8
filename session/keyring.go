package session

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// keyring is one successful sign-in: the key, the certificates for it and the authorities to trust. It never changes.
type keyring struct {
	claims
	key     signingKey
	tls     *x509.Certificate
	ssh     *ssh.Certificate
	hostTLS []*x509.Certificate
	hostSSH []ssh.PublicKey
	issued  wire.LoginResponse // as it came, for the store
}

// errOtherKey: certificates that do not belong to the key we asked with are of no use, and a sign of foul play.
var errOtherKey = errors.New("the certificates are for another key")

// newKeyring checks a cluster's answer against the key it was asked for: the certificates must be for that key, agree
// about the user, not have ended, and come with a host authority of their own cluster.
func newKeyring(key signingKey, r *wire.LoginResponse, now time.Time) (*keyring, error) {
	ring := &keyring{key: key, issued: *r}
	if err := ring.parse(r); err != nil {
		return nil, err
	}
	if err := ring.checkKey(); err != nil {
		return nil, err
	}
	if err := ring.checkClaims(r.Username, now); err != nil {
		return nil, err
	}
	return ring, ring.trust(r.HostSigners)
}

func (k *keyring) parse(r *wire.LoginResponse) (err error) {
	if k.ssh, err = parseSSHCertificate(r.SSHCert); err != nil {
		return fmt.Errorf("reading the SSH certificate: %w", err)
	}
	if k.tls, err = parsePEMCertificate(r.TLSCert); err != nil {
		return fmt.Errorf("reading the TLS certificate: %w", err)
	}
	if k.claims, err = readClaims(k.tls, k.ssh); err != nil {
		return fmt.Errorf("reading the TLS certificate: %w", err)
	}
	return nil
}

func (k *keyring) checkKey() error {
	public, ok := k.key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(k.tls.PublicKey) {
		return fmt.Errorf("TLS certificate: %w", errOtherKey)
	}
	own, err := ssh.NewPublicKey(k.key.Public())
	if err != nil {
		return fmt.Errorf("reading our own key: %w", err)
	}
	if !bytes.Equal(own.Marshal(), k.ssh.Key.Marshal()) {
		return fmt.Errorf("SSH certificate: %w", errOtherKey)
	}
	return nil
}

func (k *keyring) checkClaims(username string, now time.Time) error {
	if k.ssh.CertType != ssh.UserCert {
		return errors.New("the SSH certificate is not for a user")
	}
	if k.ssh.KeyId != k.User || username != "" && username != k.User {
		return fmt.Errorf("the certificates disagree about the user: %q, %q, %q", k.User, k.ssh.KeyId, username)
	}
	if k.expired(now) {
		return fmt.Errorf("the certificates ended at %v", k.Expires)
	}
	return nil
}

// trust keeps the host authorities of the cluster that issued the certificates, and of no other: leaf clusters are
// not reached yet, and what is not needed is not trusted.
func (k *keyring) trust(signers []wire.HostSigner) error {
	for _, signer := range signers {
		if signer.ClusterName != k.Cluster {
			continue
		}
		if err := k.trustOne(signer); err != nil {
			return fmt.Errorf("reading the host authority of %s: %w", signer.ClusterName, err)
		}
	}
	if len(k.hostTLS) == 0 || len(k.hostSSH) == 0 {
		return fmt.Errorf("cluster %s: %w", k.Cluster, teleport.ErrNoHostSigners)
	}
	return nil
}

func (k *keyring) trustOne(signer wire.HostSigner) error {
	for _, line := range signer.CheckingKeys {
		authority, _, _, _, err := ssh.ParseAuthorizedKey(line)
		if err != nil {
			return err
		}
		k.hostSSH = append(k.hostSSH, authority)
	}
	for _, text := range signer.TLSCerts {
		authority, err := parsePEMCertificate(text)
		if err != nil {
			return err
		}
		k.hostTLS = append(k.hostTLS, authority)
	}
	return nil
}

// expired reports whether the certificates are over.
func (k *keyring) expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// identity is the keyring as the protocol client wants it, bound to one use of the key.
func (k *keyring) identity(ctx context.Context, purpose keystore.Purpose, now func() time.Time) teleport.Identity {
	return teleport.Identity{
		Signer:  k.key.For(ctx, purpose),
		TLS:     k.tls,
		SSH:     k.ssh,
		HostTLS: k.hostTLS,
		HostSSH: k.hostSSH,
		Cluster: k.Cluster,
		Now:     now,
	}
}

func parseSSHCertificate(line []byte) (*ssh.Certificate, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return nil, err
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, fmt.Errorf("a %s is no certificate", key.Type())
	}
	return cert, nil
}

func parsePEMCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("no PEM certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}
