package demo

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshVersion is how SSH servers of a cluster introduce themselves.
const sshVersion = "SSH-2.0-Teleport"

// sshServer is what the proxy and the node have in common: certificates on both sides, and the control of a
// connection after it was authenticated.
type sshServer struct {
	service string // "proxy" or "node", for the audit log
	profile profile
	hostKey ssh.Signer
	users   ssh.PublicKey // the user authority
	guard   *guard
	now     func() time.Time
	log     *slog.Logger
	// authorize decides about a login with a valid certificate; nil lets every principal in.
	authorize func(granted *access, login string) error
}

// sshConn is an authenticated connection whose certificate gives access.
type sshConn struct {
	*ssh.ServerConn
	access   *access
	channels <-chan ssh.NewChannel
	requests <-chan *ssh.Request
	open     sync.WaitGroup // everything that serves the connection
}

// identityKey is where the identity of a connection lies in its permissions.
type identityKey struct{}

// accept does the handshake and the control that follows it. It returns nil when the connection was refused; it is
// closed then.
func (s *sshServer) accept(c net.Conn) *sshConn {
	config := &ssh.ServerConfig{ServerVersion: sshVersion, PublicKeyCallback: s.authenticate}
	config.AddHostKey(s.hostKey)
	timeout := time.AfterFunc(helloTimeout, func() { _ = c.Close() })
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if !timeout.Stop() || err != nil {
		s.log.Debug("SSH handshake", "service", s.service, "err", err)
		_ = c.Close()
		return nil
	}
	id, _ := conn.Permissions.ExtraData[identityKey{}].(identity)
	granted, err := s.guard.admit(id, s.service)
	if err != nil {
		tellRefusal(channels, requests, err.Error())
		_ = conn.Close()
		return nil
	}
	return &sshConn{ServerConn: conn, access: granted, channels: channels, requests: requests}
}

// authenticate accepts certificates of the user authority (SSH sheet, section 3). The client never learns more than
// that it was refused; the audit log says why.
func (s *sshServer) authenticate(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("only certificates are accepted")
	}
	permissions, err := s.checkCertificate(meta, cert)
	if err != nil {
		s.guard.audit.record(Event{Name: EventAuth, Service: s.service, User: cert.KeyId, Login: meta.User(), Reason: err.Error()})
	}
	return permissions, err
}

func (s *sshServer) checkCertificate(meta ssh.ConnMetadata, cert *ssh.Certificate) (*ssh.Permissions, error) {
	checker := ssh.CertChecker{
		IsUserAuthority: func(authority ssh.PublicKey) bool { return bytes.Equal(authority.Marshal(), s.users.Marshal()) },
		Clock:           s.now,
	}
	permissions, err := checker.Authenticate(meta, cert)
	if err != nil {
		return nil, err
	}
	// CertChecker lets everyone in with a certificate that has no principals.
	if !slices.Contains(cert.ValidPrincipals, meta.User()) {
		return nil, fmt.Errorf("%q is not a principal of the certificate", meta.User())
	}
	id, err := identityFromSSH(cert)
	if err != nil {
		return nil, err
	}
	if s.authorize != nil {
		granted, err := newAccess(s.guard.resources.catalog(), id)
		if err != nil {
			return nil, err
		}
		if err := s.authorize(granted, meta.User()); err != nil {
			return nil, err
		}
	}
	permissions.ExtraData = map[any]any{identityKey{}: id}
	return permissions, nil
}

// refusalPatience is how long a refused client has for asking something that the refusal can be told in.
const refusalPatience = time.Second

// tellRefusal delivers an error to a client that is authenticated already: SSH has no other place for it than the
// answer to the first global request or channel (SSH sheet, section 3). It goes on answering until the client leaves
// or the second is over: closing at once could take the answer away from a client that is still sending.
func tellRefusal(channels <-chan ssh.NewChannel, requests <-chan *ssh.Request, text string) {
	over := time.After(refusalPatience)
	for {
		select {
		case request, ok := <-requests:
			if !ok {
				return
			}
			if request.WantReply {
				_ = request.Reply(false, []byte(text))
			}
		case channel, ok := <-channels:
			if !ok {
				return
			}
			_ = channel.Reject(ssh.Prohibited, text)
		case <-over:
			return
		}
	}
}

// clusterDetails answers the global request of that name (transport sheet, section 7).
type clusterDetails struct{ RecordingProxy, FIPSEnabled bool }

// answerGlobal replies to the global requests that proxy and node share, and refuses all others.
func (s *sshServer) answerGlobal(request *ssh.Request) {
	ok, payload := false, []byte(nil)
	switch request.Type {
	case "keepalive@openssh.com":
		ok = true
	case "cluster-details@goteleport.com":
		ok, payload = true, ssh.Marshal(clusterDetails{})
	case "recording-proxy@teleport.com":
		if ok = s.profile.tellsRecordingInWords(); ok {
			payload = []byte("false")
		}
	case "x-teleport-version":
		ok, payload = true, []byte(s.profile.serverVersion())
	}
	if request.WantReply {
		_ = request.Reply(ok, payload)
	}
}
