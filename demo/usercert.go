package demo

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
	"golang.org/x/crypto/ssh"
)

// minSSHTTL is the shortest SSH certificate; TLS certificates have no such floor (login sheet, 5.1).
const minSSHTTL = time.Minute

// oldSSHFormat leaves the cluster's own extensions out of SSH certificates, for very old servers.
const oldSSHFormat = "oldssh"

// userCertificate is what is to be signed for one key.
type userCertificate struct {
	identity
	cluster   string
	ttl       time.Duration
	format    string // "", "standard" or oldSSHFormat
	sshKey    ssh.PublicKey
	publicKey crypto.PublicKey // the same key
	kube      kubeNames        // in the cluster that it is for
}

// signTLS makes the X.509 certificate: all identity lies in the subject (certificates sheet, section 2).
func (a *authorities) signTLS(c *userCertificate, now time.Time) ([]byte, error) {
	traitsJSON, err := json.Marshal(c.traits)
	if err != nil {
		return nil, fmt.Errorf("encoding traits: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject: pkix.Name{
			CommonName:         c.user,
			Organization:       c.roles,
			OrganizationalUnit: c.usage,
			Locality:           c.logins,
			StreetAddress:      []string{c.cluster},
			PostalCode:         []string{string(traitsJSON)},
			ExtraNames: append(slices.Concat(c.route.attributes(), c.kube.attributes(), c.mfaAttributes()),
				attribute(wire.OIDTeleportCluster, c.cluster),
				attribute(wire.OIDClientIP, c.loginIP),
				attribute(wire.OIDPrivateKeyPolicy, string(c.policy)),
				attribute(wire.OIDUserType, "local"),
			),
		},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(c.ttl),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.user.cert, c.publicKey, a.user.key)
	if err != nil {
		return nil, fmt.Errorf("signing a user certificate: %w", err)
	}
	return certPEM(der), nil
}

func attribute(oid asn1.ObjectIdentifier, value string) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oid, Value: value}
}

// mfaAttributes say with which second factor a session was checked (certificates sheet, 2.3).
func (id *identity) mfaAttributes() []pkix.AttributeTypeAndValue {
	if id.mfaDevice == "" {
		return nil
	}
	return []pkix.AttributeTypeAndValue{
		attribute(wire.OIDMFAVerified, id.mfaDevice),
		attribute(wire.OIDPreviousExpiry, id.previousExpires.UTC().Format(time.RFC3339)),
	}
}

// signSSH makes the SSH certificate (certificates sheet, section 3).
func (a *authorities) signSSH(c *userCertificate, now time.Time) ([]byte, error) {
	extensions, err := c.extensions()
	if err != nil {
		return nil, err
	}
	cert := &ssh.Certificate{
		Key:             c.sshKey,
		CertType:        ssh.UserCert,
		KeyId:           c.user,
		ValidPrincipals: c.logins,
		ValidAfter:      uint64(now.Add(-backdate).Unix()),
		ValidBefore:     uint64(now.Add(max(c.ttl, minSSHTTL)).Unix()),
		Permissions:     ssh.Permissions{Extensions: extensions},
	}
	if err := cert.SignCert(rand.Reader, a.user.ssh); err != nil {
		return nil, fmt.Errorf("signing a user SSH certificate: %w", err)
	}
	return ssh.MarshalAuthorizedKey(cert), nil
}

func (c *userCertificate) extensions() (map[string]string, error) {
	extensions := map[string]string{
		wire.ExtensionPermitPTY:        "",
		wire.ExtensionPrivateKeyPolicy: string(c.policy),
		wire.ExtensionLoginIP:          c.loginIP,
	}
	if c.mfaDevice != "" {
		extensions[wire.ExtensionMFAVerified] = c.mfaDevice
		extensions[wire.ExtensionPreviousExpiry] = c.previousExpires.UTC().Format(time.RFC3339)
	}
	if c.format == oldSSHFormat {
		return extensions, nil
	}
	roles, err := json.Marshal(certRoles{Version: "v1", Roles: c.roles})
	if err != nil {
		return nil, fmt.Errorf("encoding roles: %w", err)
	}
	values, err := json.Marshal(c.traits)
	if err != nil {
		return nil, fmt.Errorf("encoding traits: %w", err)
	}
	extensions[wire.ExtensionRoles] = string(roles)
	extensions[wire.ExtensionTraits] = string(values)
	extensions[wire.ExtensionRouteToCluster] = c.cluster
	return extensions, nil
}
