package demo

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/transportpb"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// hexName is how services of the cluster named "demo" are addressed.
const hexName = "64656d6f.teleport.cluster.local"

// tlsConfig connects to a service inside the cluster.
func (k *keyring) tlsConfig(protocols ...string) *tls.Config {
	return &tls.Config{
		RootCAs:    k.hostRoots,
		ServerName: hexName,
		NextProtos: protocols,
		Time:       k.now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if k.tlsCert == nil {
				return &tls.Certificate{}, nil
			}
			return &tls.Certificate{Certificate: [][]byte{k.tlsCert.Raw}, PrivateKey: k.key}, nil
		},
	}
}

func (w *world) grpc(t *testing.T, k *keyring, protocols ...string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+w.ready.Proxy,
		grpc.WithTransportCredentials(credentials.NewTLS(k.tlsConfig(protocols...))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (w *world) auth(t *testing.T, k *keyring) authpb.AuthServiceClient {
	t.Helper()
	return authpb.NewAuthServiceClient(w.grpc(t, k, "teleport-auth@"+hexName, "h2"))
}

func (w *world) transport(t *testing.T, k *keyring) transportpb.TransportServiceClient {
	t.Helper()
	return transportpb.NewTransportServiceClient(w.grpc(t, k, "teleport-proxy-ssh-grpc", "h2"))
}

// patience bounds a call of a test.
func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Deadline)
	t.Cleanup(cancel)
	return ctx
}

// sshConfig is what a client of a node or the proxy trusts and shows.
func (k *keyring) sshConfig(t *testing.T, login string) *ssh.ClientConfig {
	t.Helper()
	plain, err := ssh.NewSignerFromSigner(k.key)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(k.sshCert, plain)
	if err != nil {
		t.Fatal(err)
	}
	checker := &ssh.CertChecker{
		Clock:           k.now,
		IsHostAuthority: func(key ssh.PublicKey, _ string) bool { return bytes.Equal(key.Marshal(), k.hostCA.Marshal()) },
	}
	return &ssh.ClientConfig{
		User:            login,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: checker.CheckHostKey,
		Timeout:         testkit.Deadline,
	}
}

// overSSH does an SSH handshake over any stream.
func overSSH(stream net.Conn, addr string, config *ssh.ClientConfig) (*ssh.Client, error) {
	conn, channels, requests, err := ssh.NewClientConn(stream, addr, config)
	if err != nil {
		return nil, errors.Join(err, stream.Close())
	}
	return ssh.NewClient(conn, channels, requests), nil
}

// proxySSH connects to the SSH server of the proxy.
func (w *world) proxySSH(t *testing.T, k *keyring) (*ssh.Client, error) {
	t.Helper()
	stream, err := tls.Dial("tcp", w.ready.Proxy, k.tlsConfig("teleport-proxy-ssh"))
	if err != nil {
		return nil, err
	}
	if got := stream.ConnectionState().NegotiatedProtocol; got != "" {
		t.Errorf("the proxy negotiated %q for SSH, want nothing as a real one", got)
	}
	client, err := overSSH(stream, "localhost:3023", k.sshConfig(t, k.sshCert.ValidPrincipals[0]))
	if err == nil {
		t.Cleanup(func() { _ = client.Close() })
	}
	return client, err
}

// subsystemStream opens a stream through a subsystem of the proxy.
func (w *world) subsystemStream(t *testing.T, k *keyring, name string) (net.Conn, error) {
	t.Helper()
	client, err := w.proxySSH(t, k)
	if err != nil {
		return nil, err
	}
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	in, _ := session.StdinPipe()
	out, _ := session.StdoutPipe()
	var told bytes.Buffer
	problems, _ := session.StderrPipe()
	if err := session.RequestSubsystem(name); err != nil {
		_, _ = io.Copy(&told, problems)
		return nil, fmt.Errorf("%w: %s", err, &told)
	}
	return &streamConn{Reader: out, WriteCloser: in}, nil
}

// streamConn makes a net.Conn of two streams. The SSH library closes a connection more than once, from several
// goroutines, which a channel does not like.
type streamConn struct {
	io.Reader
	io.WriteCloser
	once sync.Once
}

func (s *streamConn) Close() error {
	var err error
	s.once.Do(func() { err = s.WriteCloser.Close() })
	return err
}

func (*streamConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*streamConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*streamConn) SetDeadline(time.Time) error      { return nil }
func (*streamConn) SetReadDeadline(time.Time) error  { return nil }
func (*streamConn) SetWriteDeadline(time.Time) error { return nil }

// grpcStream makes byte streams of a ProxySSH call.
type grpcStream struct {
	call transportpb.TransportService_ProxySSHClient
	rest []byte
}

func (s *grpcStream) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		response, err := s.call.Recv()
		if err != nil {
			return 0, err
		}
		s.rest = response.GetSsh().GetPayload()
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *grpcStream) Write(b []byte) (int, error) {
	frame := &transportpb.Frame{Payload: b}
	return len(b), s.call.Send(&transportpb.ProxySSHRequest{Frame: &transportpb.ProxySSHRequest_Ssh{Ssh: frame}})
}

func (s *grpcStream) Close() error { return s.call.CloseSend() }

// transportStream opens a stream through the transport service.
func (w *world) transportStream(t *testing.T, k *keyring, hostPort, cluster string) (net.Conn, error) {
	t.Helper()
	call, err := w.transport(t, k).ProxySSH(t.Context())
	if err != nil {
		return nil, err
	}
	err = call.Send(&transportpb.ProxySSHRequest{DialTarget: &transportpb.TargetHost{HostPort: hostPort, Cluster: cluster}})
	if err != nil && !errors.Is(err, io.EOF) { // EOF: the answer says why
		return nil, err
	}
	first, err := call.Recv()
	if err != nil {
		return nil, err
	}
	if first.Details == nil || first.Frame != nil {
		t.Errorf("the first answer is %v, want details without a frame", first)
	}
	s := &grpcStream{call: call}
	return &streamConn{Reader: s, WriteCloser: s}, nil
}

// node connects to the node through the transport service.
func (w *world) nodeSSH(t *testing.T, k *keyring, login string) (*ssh.Client, error) {
	t.Helper()
	stream, err := w.transportStream(t, k, "demo-node:0", "demo")
	if err != nil {
		return nil, err
	}
	client, err := overSSH(stream, "demo-node:0", k.sshConfig(t, login))
	if err == nil {
		t.Cleanup(func() { _ = client.Close() })
	}
	return client, err
}
