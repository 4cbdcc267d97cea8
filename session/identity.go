package session

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// claims is what a pair of user certificates says about its holder.
type claims struct {
	User    string
	Roles   []string
	Logins  []string // Unix logins
	Cluster string   // the cluster that issued the certificates
	Policy  string   // the private key policy that they satisfy
	Expires time.Time
}

// internalPrincipal begins principals that are no Unix logins: one for joining sessions, others that stand for
// "no login" (certificates sheet, section 3).
const internalPrincipal = "-teleport-"

// readClaims reads what both certificates say. Identity is in the subject of the TLS certificate, logins are the
// principals of the SSH certificate (certificates sheet, 2.2 and section 3).
func readClaims(tls *x509.Certificate, cert *ssh.Certificate) (claims, error) {
	c := claims{
		User:    tls.Subject.CommonName,
		Roles:   tls.Subject.Organization,
		Cluster: attribute(tls, wire.OIDTeleportCluster),
		Policy:  orNone(attribute(tls, wire.OIDPrivateKeyPolicy)),
		Expires: earlier(tls.NotAfter, sshEnd(cert)),
	}
	if c.Cluster == "" {
		c.Cluster = tls.Issuer.CommonName
	}
	for _, principal := range cert.ValidPrincipals {
		if !strings.HasPrefix(principal, internalPrincipal) {
			c.Logins = append(c.Logins, principal)
		}
	}
	if c.User == "" {
		return claims{}, errors.New("the certificate names no user")
	}
	return c, nil
}

// attribute returns the first value of a subject attribute, or "".
func attribute(cert *x509.Certificate, id asn1.ObjectIdentifier) string {
	for _, name := range cert.Subject.Names {
		if name.Type.Equal(id) {
			value, _ := name.Value.(string)
			return value
		}
	}
	return ""
}

// sshEnd is the end of an SSH certificate; the zero time when it has none.
func sshEnd(cert *ssh.Certificate) time.Time {
	if cert.ValidBefore == ssh.CertTimeInfinity || cert.ValidBefore > 1<<62 {
		return time.Time{}
	}
	return time.Unix(int64(cert.ValidBefore), 0).UTC()
}

// earlier returns the earlier of two times, where zero means never.
func earlier(a, b time.Time) time.Time {
	if b.IsZero() || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}
