package session

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// nodeCertificate is the certificate to show to a server: the one of the sign-in, or where the cluster wants a check
// by a second factor for every session, one for this session alone (ssh sheet, section 5). That one is good for a
// minute, to open the session with, and is kept in memory only. node is the server's ID or name; what tells the person
// what is opened.
func (l *link) nodeCertificate(ctx context.Context, what, node, login string) (cert *ssh.Certificate, err error) {
	err = l.withAuth(ctx, what, func(auth *teleport.Auth) error {
		r := &authpb.UserCertsRequest{Usage: authpb.UserCertsRequest_SSH, NodeName: node, SshLogin: login}
		check, err := l.check(ctx, auth, what, r)
		if err != nil || check == nil {
			cert = l.ring.ssh
			return err
		}
		if r, err = l.routeRequest(r); err != nil {
			return err
		}
		certs, err := check.certificates(ctx, r)
		if err != nil {
			return err
		}
		cert, err = l.readNodeCertificate(certs, login)
		return err
	})
	if err != nil {
		return nil, err
	}
	return cert, nil
}

// readNodeCertificate refuses a certificate that is not for our key and user, or of no use there.
func (l *link) readNodeCertificate(certs *authpb.Certs, login string) (*ssh.Certificate, error) {
	cert, err := parseSSHCertificate(certs.GetSsh())
	if err != nil {
		return nil, fmt.Errorf("reading the certificate for one session: %w", err)
	}
	if !bytes.Equal(cert.Key.Marshal(), l.ring.ssh.Key.Marshal()) {
		return nil, fmt.Errorf("certificate for one session: %w", errOtherKey)
	}
	end := sshEnd(cert)
	if cert.CertType != ssh.UserCert || cert.KeyId != l.ring.User || !slices.Contains(cert.ValidPrincipals, login) ||
		!end.IsZero() && !l.m.config.Now().Before(end) {
		return nil, fmt.Errorf("the certificate for one session is for %q, logging in as %q, until %v", cert.KeyId, cert.ValidPrincipals, end)
	}
	return cert, nil
}
