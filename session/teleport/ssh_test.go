package teleport

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
)

const hostID = "2f1c9f5e-7d0b-4b5e-9c55-0a4f7f3b8d11"

// authority signs SSH certificates.
type authority struct{ ssh.Signer }

func newAuthority(t testing.TB) authority { return authority{newSigner(t)} }

func newSigner(t testing.TB) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromSigner(newKey(t))
	if err != nil {
		t.Fatalf("making an SSH key: %v", err)
	}
	return signer
}

// host returns a host key with a certificate; change may spoil it before it is signed.
func (a authority) host(t testing.TB, change func(*ssh.Certificate)) ssh.Signer {
	t.Helper()
	key := newSigner(t)
	cert := a.certificate(key.PublicKey(), ssh.HostCert, hostID, hostID+".demo")
	change(cert)
	if err := cert.SignCert(rand.Reader, a); err != nil {
		t.Fatalf("signing a certificate: %v", err)
	}
	signer, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatalf("making a host key: %v", err)
	}
	return signer
}

func (a authority) certificate(key ssh.PublicKey, kind uint32, principals ...string) *ssh.Certificate {
	return &ssh.Certificate{
		Key: key, CertType: kind, ValidPrincipals: principals,
		ValidAfter: uint64(time.Now().Add(-time.Minute).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
}

// identity is alice, who trusts the authority.
func (a authority) identity(t testing.TB) Identity {
	t.Helper()
	key := newKey(t)
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatalf("making an identity: %v", err)
	}
	cert := a.certificate(public, ssh.UserCert, "root")
	if err := cert.SignCert(rand.Reader, a); err != nil {
		t.Fatalf("signing a certificate: %v", err)
	}
	return Identity{Signer: key, SSH: cert, HostSSH: []ssh.PublicKey{a.PublicKey()}, Cluster: "demo", Now: time.Now}
}

// node is a server in memory.
type node struct {
	host   ssh.Signer
	refuse error                                                       // of the user
	reject string                                                      // of the session
	serve  func(ssh.Channel, <-chan *ssh.Request, <-chan *ssh.Request) // the session
}

// start serves one connection and returns the other end of it. It ends with the connection.
func (n node) start(t testing.TB) net.Conn {
	ours, theirs := pipe()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		return nil, n.refuse
	}}
	config.AddHostKey(n.host)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer theirs.Close()
		conn, channels, requests, err := ssh.NewServerConn(theirs, config)
		if err != nil {
			return
		}
		defer conn.Close()
		n.session(channels, requests)
	}()
	t.Cleanup(func() {
		_ = ours.Close()
		<-done
	})
	return ours
}

func (n node) session(channels <-chan ssh.NewChannel, global <-chan *ssh.Request) {
	wanted, ok := <-channels
	if !ok {
		return
	}
	if n.reject != "" {
		_ = wanted.Reject(ssh.Prohibited, n.reject)
		return
	}
	channel, requests, err := wanted.Accept()
	if err == nil {
		n.serve(channel, requests, global)
	}
}

func open(t testing.TB, n node, id Identity) (*Session, error) {
	t.Helper()
	c := New(Config{Address: "demo:443", Now: time.Now})
	return c.OpenSession(t.Context(), n.start(t), id, SessionRequest{Address: hostID + ":0", Login: "root", Command: "true"})
}

func TestOnlyHostsOfTheClusterAreTrusted(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	keep := func(*ssh.Certificate) {}
	tests := []struct {
		name string
		host ssh.Signer
	}{
		{"a plain host key", newSigner(t)},
		{"a certificate of another authority", other.host(t, keep)},
		{"a certificate for another server", ours.host(t, func(c *ssh.Certificate) { c.ValidPrincipals = []string{"elsewhere"} })},
		{"a certificate for any server", ours.host(t, func(c *ssh.Certificate) { c.ValidPrincipals = nil })},
		{"a certificate of a user", ours.host(t, func(c *ssh.Certificate) { c.CertType = ssh.UserCert })},
		{"a certificate that has ended", ours.host(t, func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Second).Unix()) })},
		{"a certificate from the future", ours.host(t, func(c *ssh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Hour).Unix()) })},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id := ours.identity(t)
			id.Signer = slowKey{Signer: id.Signer, err: errors.New("the key was asked to sign for an untrusted host")}
			_, err := open(t, node{host: test.host}, id)
			var untrusted *UntrustedHostError
			if !errors.As(err, &untrusted) || untrusted.Host != hostID+":0" {
				t.Errorf("OpenSession() = %v, want an UntrustedHostError", err)
			}
		})
	}
}

func TestRefusalsOfAServerAreToldApart(t *testing.T) {
	ours := newAuthority(t)
	host := ours.host(t, func(*ssh.Certificate) {})
	t.Run("of the login", func(t *testing.T) {
		if _, err := open(t, node{host: host, refuse: errors.New("no")}, ours.identity(t)); !errors.Is(err, ErrLoginRefused) {
			t.Errorf("OpenSession() = %v, want ErrLoginRefused", err)
		}
	})
	t.Run("of the key", func(t *testing.T) {
		id, untouched := ours.identity(t), errors.New("not touched")
		id.Signer = slowKey{Signer: id.Signer, err: untouched}
		if _, err := open(t, node{host: host}, id); !errors.Is(err, untouched) || errors.Is(err, ErrLoginRefused) {
			t.Errorf("OpenSession() = %v, want the key's error", err)
		}
	})
	t.Run("of the session", func(t *testing.T) {
		_, err := open(t, node{host: host, reject: "too many session channels"}, ours.identity(t))
		var refused *AnswerError
		if !errors.As(err, &refused) || refused.Class != ClassDenied || refused.Message != "too many session channels" {
			t.Errorf("OpenSession() = %v, want the server's words", err)
		}
	})
	t.Run("of the session, for the policy", func(t *testing.T) {
		_, err := open(t, node{host: host, reject: "private key policy not met: hardware_key_touch"}, ours.identity(t))
		var unmet *UnmetPolicyError
		if !errors.As(err, &unmet) || unmet.Policy != "hardware_key_touch" {
			t.Errorf("OpenSession() = %v, want the policy", err)
		}
	})
	t.Run("without a word", func(t *testing.T) {
		conn, theirs := pipe()
		_ = theirs.Close()
		c := New(Config{Address: "demo:443", Now: time.Now})
		_, err := c.OpenSession(t.Context(), conn, ours.identity(t), SessionRequest{Address: hostID + ":0", Login: "root"})
		if !errors.Is(err, ErrConnectionLost) {
			t.Errorf("OpenSession() = %v, want ErrConnectionLost", err)
		}
	})
}

func TestGivingUpTheOpeningOfASessionIsSilent(t *testing.T) {
	ours := newAuthority(t)
	ctx, cancel := context.WithCancel(t.Context())
	stuck := node{host: ours.host(t, func(*ssh.Certificate) {}), serve: func(_ ssh.Channel, requests <-chan *ssh.Request, _ <-chan *ssh.Request) {
		<-requests // exec, which is never answered
		cancel()
		for range requests { // until the connection ends
		}
	}}
	c := New(Config{Address: "demo:443", Now: time.Now})
	_, err := c.OpenSession(ctx, stuck.start(t), ours.identity(t), SessionRequest{Address: hostID + ":0", Login: "root", Command: "x"})
	if err != context.Canceled {
		t.Errorf("OpenSession() = %v, want context.Canceled", err)
	}
}

// accepting answers all requests of a session and notes their types.
func accepting(seen *[]string, end func(ssh.Channel)) func(ssh.Channel, <-chan *ssh.Request, <-chan *ssh.Request) {
	return func(channel ssh.Channel, requests <-chan *ssh.Request, global <-chan *ssh.Request) {
		for request := range requests {
			*seen = append(*seen, request.Type)
			_ = request.Reply(request.Type != "env", nil)
			if request.Type == "shell" || request.Type == "exec" {
				break
			}
		}
		end(channel)
	}
}

func TestRequestsComeInTheOrderThatServersExpect(t *testing.T) {
	ours := newAuthority(t)
	var seen []string
	n := node{host: ours.host(t, func(*ssh.Certificate) {}), serve: accepting(&seen, func(channel ssh.Channel) {
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{3}))
		_ = channel.Close()
	})}
	c := New(Config{Address: "demo:443", Now: time.Now})
	s, err := c.OpenSession(t.Context(), n.start(t), ours.identity(t), SessionRequest{
		Address: hostID + ":0", Login: "root", Terminal: &Terminal{Type: "xterm", Cols: 80, Rows: 24}, Lang: "C.UTF-8",
	})
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	defer s.Close()
	if status, err := s.Wait(); status != 3 || err != nil {
		t.Errorf("Wait() = %d, %v, want 3", status, err)
	}
	if want := []string{"env", "pty-req", "shell"}; !slices.Equal(seen, want) {
		t.Errorf("the server got %q, want %q", seen, want)
	}
}

func TestAMissingExitStatusIsALostConnection(t *testing.T) {
	ours := newAuthority(t)
	var seen []string
	n := node{host: ours.host(t, func(*ssh.Certificate) {}), serve: accepting(&seen, func(channel ssh.Channel) { _ = channel.Close() })}
	s, err := open(t, n, ours.identity(t))
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	defer s.Close()
	if _, err := s.Wait(); !errors.Is(err, ErrConnectionLost) {
		t.Errorf("Wait() = %v, want ErrConnectionLost", err)
	}
}

func TestAServerThatFallsSilentIsNoticed(t *testing.T) {
	for _, alive := range []bool{true, false} {
		t.Run(map[bool]string{true: "not while it answers", false: "when it does not"}[alive], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { fallSilent(t, alive) })
		})
	}
}

// fallSilent runs a session whose command takes ten minutes, on a server that answers keepalives or does not.
func fallSilent(t *testing.T, alive bool) {
	ours := newAuthority(t)
	n := node{host: ours.host(t, func(*ssh.Certificate) {})}
	n.serve = func(channel ssh.Channel, requests <-chan *ssh.Request, global <-chan *ssh.Request) {
		_ = (<-requests).Reply(true, nil)
		end := time.After(10 * time.Minute)
		for {
			select {
			case keepalive, ok := <-global:
				if !ok {
					return
				}
				if !strings.HasPrefix(keepalive.Type, "keepalive@") {
					t.Errorf("the server got the request %q", keepalive.Type)
				}
				if alive {
					_ = keepalive.Reply(false, nil) // a refusal is a sign of life as well
				}
			case <-end:
				_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{}))
				_ = channel.Close()
				return
			}
		}
	}
	s, err := open(t, n, ours.identity(t))
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	start := time.Now()
	_, err = s.Wait()
	took := time.Since(start)
	if alive && (err != nil || took != 10*time.Minute) {
		t.Errorf("Wait() = %v after %v, want the end of the command", err, took)
	}
	if !alive && (!errors.Is(err, ErrConnectionLost) || took != 2*keepalivePause) {
		t.Errorf("Wait() = %v after %v, want ErrConnectionLost after %v", err, took, 2*keepalivePause)
	}
	_ = s.Close()
	_ = s.Close()
}
