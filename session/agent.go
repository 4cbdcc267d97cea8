package session

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// ServeAgent answers the requests of one SSH client on conn, as its agent, until conn ends: it shows the certificate
// for the stream's server and signs logins with the session's key, which may ask the person. Ending ctx ends a
// signature; whoever wants to end more closes conn. It is nobody's agent on other computers: what is forwarded is
// refused.
func (s *Stream) ServeAgent(ctx context.Context, conn io.ReadWriter) error {
	ring, name := s.link.ring, s.link.profile.name()
	keys := &loginAgent{cert: s.cert, server: s.server.ID, logins: ring.Logins, comment: name + " (Touchstone)"}
	keys.sign = func(login string, data []byte) (*ssh.Signature, error) {
		ctx, done := s.m.within(ctx)
		defer done()
		signer, err := ssh.NewSignerFromSigner(ring.key.For(ctx, s.m.purpose(s.link.profile, "SSH login as "+login)))
		if err != nil {
			return nil, fmt.Errorf("preparing the key for SSH: %w", err)
		}
		return signer.Sign(rand.Reader, data)
	}
	keys.certify = func(id string) (*ssh.Certificate, error) {
		ctx, done := s.m.within(ctx)
		defer done()
		server, err := s.m.resolve(ctx, s.cluster, s.link.profile, s.link, id)
		if err != nil {
			return nil, err
		}
		return s.link.nodeCertificate(ctx, sshPurpose(s.login, server), server.ID, s.login)
	}
	if err := agent.ServeAgent(keys, conn); !errors.Is(err, io.EOF) {
		return fmt.Errorf("serving the SSH agent: %w", err)
	}
	return nil
}

// loginAgent is an SSH agent with one certificate, for one connection. It signs what servers want for a login and
// nothing else, so that a program that may ask it cannot have other things signed.
type loginAgent struct {
	cert      *ssh.Certificate // that is shown
	server    string           // ID of the server that it is for
	logins    []string
	comment   string
	sign      func(login string, data []byte) (*ssh.Signature, error)
	certify   func(id string) (*ssh.Certificate, error) // for another server
	forwarded bool                                      // the other end is on another computer
	elsewhere string                                    // ID of another server, which the client is logging in to
}

// Why an agent refuses. Clients see no more than that it does.
var (
	errForwarded = errors.New("the agent is not for other computers")
	errNoLogin   = errors.New("what is to be signed is no login with this certificate")
	errReadOnly  = errors.New("the agent's keys cannot be changed")
)

// List shows the certificate. The key alone opens nothing and is not shown. Several programs share an agent's path, so
// the client may be about to log in to another server than ours; that one may want a check of its own.
func (a *loginAgent) List() ([]*agent.Key, error) {
	if a.forwarded {
		return nil, errForwarded
	}
	if a.elsewhere != "" {
		cert, err := a.certify(a.elsewhere)
		if err != nil {
			return nil, err
		}
		a.cert, a.elsewhere = cert, ""
	}
	return []*agent.Key{{Format: a.cert.Type(), Blob: a.cert.Marshal(), Comment: a.comment}}, nil
}

// Sign signs a login.
func (a *loginAgent) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	return a.SignWithFlags(key, data, 0)
}

// SignWithFlags signs a login. The flags choose among hashes for RSA, which our keys are not.
func (a *loginAgent) SignWithFlags(key ssh.PublicKey, data []byte, _ agent.SignatureFlags) (*ssh.Signature, error) {
	if a.forwarded {
		return nil, errForwarded
	}
	certificate := a.cert.Marshal()
	login, ok := loginOf(data, certificate)
	if !ok || !bytes.Equal(key.Marshal(), certificate) || !slices.Contains(a.logins, login) {
		return nil, errNoLogin
	}
	return a.sign(login, data)
}

// loginOf reads the login from what is signed for public key authentication (RFC 4252, section 7), with the server's
// key at the end in OpenSSH's variant. It is false for anything else, and for another key.
func loginOf(data, publicKey []byte) (login string, ok bool) {
	var m struct {
		Session   string
		Request   byte
		User      string
		Service   string
		Method    string
		Signs     bool
		Algorithm string
		PublicKey []byte
		Rest      []byte `ssh:"rest"`
	}
	const userAuthRequest = 50
	if err := ssh.Unmarshal(data, &m); err != nil {
		return "", false
	}
	switch m.Method {
	case "publickey":
		ok = len(m.Rest) == 0
	case "publickey-hostbound-v00@openssh.com":
		ok = true
	}
	return m.User, ok && m.Request == userAuthRequest && m.Service == "ssh-connection" && m.Signs &&
		bytes.Equal(m.PublicKey, publicKey)
}

// Extension understands how OpenSSH says for which connection it asks, and from where (OpenSSH's PROTOCOL.agent).
func (a *loginAgent) Extension(name string, content []byte) ([]byte, error) {
	if name != "session-bind@openssh.com" {
		return nil, agent.ErrExtensionUnsupported
	}
	var bind struct {
		HostKey, Session, Signature string
		Forwarding                  bool
	}
	if err := ssh.Unmarshal(content, &bind); err != nil {
		return nil, fmt.Errorf("reading which connection the agent is for: %w", err)
	}
	a.forwarded = a.forwarded || bind.Forwarding
	a.elsewhere = ""
	if id := serverIDOf([]byte(bind.HostKey)); id != a.server {
		a.elsewhere = id
	}
	return nil, nil
}

// serverIDOf is the ID of the server that a host certificate is for (certificates sheet, section 4); empty for other
// keys.
func serverIDOf(key []byte) string {
	parsed, err := ssh.ParsePublicKey(key)
	if err != nil {
		return ""
	}
	cert, ok := parsed.(*ssh.Certificate)
	if !ok {
		return ""
	}
	i := slices.IndexFunc(cert.ValidPrincipals, isUUID)
	if i < 0 {
		return ""
	}
	return cert.ValidPrincipals[i]
}

// Add, Remove, RemoveAll, Lock, Unlock and Signers complete the interface of an agent.
func (a *loginAgent) Add(agent.AddedKey) error       { return errReadOnly }
func (a *loginAgent) Remove(ssh.PublicKey) error     { return errReadOnly }
func (a *loginAgent) RemoveAll() error               { return errReadOnly }
func (a *loginAgent) Lock([]byte) error              { return errReadOnly }
func (a *loginAgent) Unlock([]byte) error            { return errReadOnly }
func (a *loginAgent) Signers() ([]ssh.Signer, error) { return nil, errReadOnly }

// authorizedKey is a public key in one line, without its end.
func authorizedKey(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}
