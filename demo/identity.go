package demo

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
	"golang.org/x/crypto/ssh"
)

// identity is what a user certificate says about its holder. Roles and traits are those of the certificate, not
// those the user has by now (enforcement sheet, section 1).
type identity struct {
	user    string
	roles   []string
	traits  traits
	logins  []string
	policy  keyPolicy
	usage   []string // restrictions; empty for none
	loginIP string
	expires time.Time
	route   route // the one target that a route certificate is for
	// mfaDevice is the UUID of the second factor that a session was checked with, empty without a check. A certificate
	// with one says in previousExpires when the one ended that it was derived from.
	mfaDevice       string
	previousExpires time.Time
}

// identityFromTLS reads the subject of a verified user certificate (certificates sheet, 2.2 and 2.3).
func identityFromTLS(cert *x509.Certificate) (identity, error) {
	subject := cert.Subject
	id := identity{
		user:    subject.CommonName,
		roles:   subject.Organization,
		logins:  subject.Locality,
		usage:   subject.OrganizationalUnit,
		expires: cert.NotAfter,
	}
	if id.user == "" || len(id.roles) == 0 {
		return identity{}, errors.New("a user certificate without a user or without roles")
	}
	if len(subject.PostalCode) > 0 {
		if err := json.Unmarshal([]byte(subject.PostalCode[0]), &id.traits); err != nil {
			return identity{}, fmt.Errorf("reading the traits of a user certificate: %w", err)
		}
	}
	for _, attribute := range subject.Names {
		text, _ := attribute.Value.(string)
		switch {
		case attribute.Type.Equal(wire.OIDPrivateKeyPolicy):
			id.policy = keyPolicy(text)
		case attribute.Type.Equal(wire.OIDClientIP):
			id.loginIP = text
		case attribute.Type.Equal(wire.OIDMFAVerified):
			id.mfaDevice = text
		default:
			id.route.read(attribute.Type, text)
		}
	}
	return id, nil
}

// certRoles is the value of the extension that lists roles.
type certRoles struct {
	Version string   `json:"version"`
	Roles   []string `json:"roles"`
}

// identityFromSSH reads a verified user certificate (certificates sheet, section 3).
func identityFromSSH(cert *ssh.Certificate) (identity, error) {
	extensions := cert.Extensions
	id := identity{
		user:    cert.KeyId,
		logins:  cert.ValidPrincipals,
		policy:  keyPolicy(extensions[wire.ExtensionPrivateKeyPolicy]),
		loginIP: extensions[wire.ExtensionLoginIP],
		expires: time.Unix(int64(cert.ValidBefore), 0),

		mfaDevice: extensions[wire.ExtensionMFAVerified],
	}
	var roles certRoles
	if err := json.Unmarshal([]byte(extensions[wire.ExtensionRoles]), &roles); err != nil {
		return identity{}, fmt.Errorf("reading the roles of a user certificate: %w", err)
	}
	if err := json.Unmarshal([]byte(extensions[wire.ExtensionTraits]), &id.traits); err != nil {
		return identity{}, fmt.Errorf("reading the traits of a user certificate: %w", err)
	}
	id.roles = roles.Roles
	if id.user == "" || len(id.roles) == 0 {
		return identity{}, errors.New("a user certificate without a user or without roles")
	}
	return id, nil
}
