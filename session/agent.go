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

// ServeAgent answers the requests of one SSH client on conn, as its agent, until conn ends: it shows the user's
// certificate and signs logins with the session's key, which may ask the person. Ending ctx ends a signature; whoever
// wants to end more closes conn. It is nobody's agent on other computers: what is forwarded is refused.
func (m *Manager) ServeAgent(ctx context.Context, clusterID string, conn io.ReadWriter) error {
	p, link, err := m.signedIn(clusterID)
	if err != nil {
		return err
	}
	keys := &loginAgent{ring: link.ring, comment: p.name() + " (Touchstone)"}
	keys.sign = func(login string, data []byte) (*ssh.Signature, error) {
		ctx, done := m.within(ctx)
		defer done()
		signer, err := ssh.NewSignerFromSigner(link.ring.key.For(ctx, m.purpose(p, "SSH login as "+login)))
		if err != nil {
			return nil, fmt.Errorf("preparing the key for SSH: %w", err)
		}
		return signer.Sign(rand.Reader, data)
	}
	if err := agent.ServeAgent(keys, conn); !errors.Is(err, io.EOF) {
		return fmt.Errorf("serving the SSH agent: %w", err)
	}
	return nil
}

// loginAgent is an SSH agent with one certificate, for one connection. It signs what servers want for a login and
// nothing else, so that a program that may ask it cannot have other things signed.
type loginAgent struct {
	ring      *keyring
	comment   string
	sign      func(login string, data []byte) (*ssh.Signature, error)
	forwarded bool // the other end is on another computer
}

// Why an agent refuses. Clients see no more than that it does.
var (
	errForwarded = errors.New("the agent is not for other computers")
	errNoLogin   = errors.New("what is to be signed is no login with this certificate")
	errReadOnly  = errors.New("the agent's keys cannot be changed")
)

// List shows the certificate. The key alone opens nothing and is not shown.
func (a *loginAgent) List() ([]*agent.Key, error) {
	if a.forwarded {
		return nil, errForwarded
	}
	return []*agent.Key{{Format: a.ring.ssh.Type(), Blob: a.ring.ssh.Marshal(), Comment: a.comment}}, nil
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
	certificate := a.ring.ssh.Marshal()
	login, ok := loginOf(data, certificate)
	if !ok || !bytes.Equal(key.Marshal(), certificate) || !slices.Contains(a.ring.Logins, login) {
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
	return nil, nil
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
