package demo

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/transportpb"
)

func like12(c *Config)   { c.VersionProfile = 12 }
func separate(c *Config) { c.Listeners = ListenersSeparate }

// startLike starts a cluster of a version and layout.
func startLike(t *testing.T, changes ...func(*Config)) *world {
	t.Helper()
	return startIn(t, newState(t), newVendor(t), changes...)
}

func (w *world) pingProxy(t *testing.T) (ping wire.Ping) {
	t.Helper()
	_, body := w.get(t, wire.PathPing)
	if err := json.Unmarshal(body, &ping); err != nil {
		t.Fatal(err)
	}
	return ping
}

func TestPingTellsTheLayout(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(*Config)
		separate bool
	}{
		"version 15":             {func(*Config) {}, false},
		"version 15, separate":   {separate, true},
		"version 12":             {like12, true},
		"version 12, multiplex":  {func(c *Config) { c.VersionProfile, c.Listeners = 12, ListenersMultiplex }, false},
		"version 15, said twice": {func(c *Config) { c.VersionProfile, c.Listeners = 15, ListenersMultiplex }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := startLike(t, test.change)
			ping := w.pingProxy(t)
			web := w.ports.web.Addr().String()
			for service, addr := range map[string]string{
				"ssh": ping.Proxy.SSH.ListenAddr, "kube": ping.Proxy.Kube.ListenAddr, "postgres": ping.Proxy.DB.PostgresListenAddr,
			} {
				if (addr != web) != test.separate {
					t.Errorf("%s is at %s, the web port at %s", service, addr, web)
				}
			}
			if ping.Proxy.TLSRoutingEnabled == test.separate || ping.Proxy.SSH.WebListenAddr != web {
				t.Errorf("ping is %+v", ping.Proxy)
			}
		})
	}
}

func TestAnOldClusterTellsLess(t *testing.T) {
	w := startLike(t, like12)
	w.edit(t, "cluster.yaml", "pin_cache_ttl: 15m", "pin_cache_ttl: 5m\n    piv_slot: 9C")
	ping := w.pingProxy(t)
	if ping.ServerVersion != "12.0.0" || ping.MinClientVersion != "11.0.0" || ping.Proxy.SSH.DialTimeout != 0 ||
		ping.Auth.PIVSlot != "" || ping.Auth.PIVPINCacheTTL != 0 || ping.Auth.DefaultSessionTTL != 0 {
		t.Errorf("ping is %+v", ping)
	}
	if _, body := w.get(t, wire.PathPing+"/local"); strings.Contains(string(body), "min_client_version") {
		t.Errorf("with a connector ping is %s", body)
	}
}

// portSSH connects to the port that speaks SSH.
func (w *world) portSSH(t *testing.T, k *keyring) *ssh.Client {
	t.Helper()
	stream, err := net.Dial("tcp", w.ports.ssh.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client, err := overSSH(stream, "localhost:3023", k.sshConfig(t, k.sshCert.ValidPrincipals[0]))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// subsystem opens a stream on an SSH connection.
func subsystem(t *testing.T, client *ssh.Client, name string) (ssh.Channel, string) {
	t.Helper()
	channel, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(requests)
	ok, err := channel.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{name}))
	if err != nil {
		t.Fatal(err)
	}
	if ok {
		return channel, ""
	}
	words, _ := io.ReadAll(channel.Stderr())
	return nil, string(words)
}

func TestSSHHasAPortOfItsOwn(t *testing.T) {
	for name, change := range map[string]func(*Config){"version 12": like12, "version 15": separate} {
		t.Run(name, func(t *testing.T) {
			w := startLike(t, change)
			k := w.login(t, "off", softKey(t))
			proxy := w.portSSH(t, k)
			channel, words := subsystem(t, proxy, "proxy:demo-node:0@default@demo")
			if channel == nil {
				t.Fatal(words)
			}
			client, err := overSSH(channelStream(channel), "demo-node:0", k.sshConfig(t, me(t)))
			if err != nil {
				t.Fatal(err)
			}
			if out, err := newSession(t, client).Output("echo here"); err != nil || string(out) != "here\n" {
				t.Errorf("%q, %v", out, err)
			}
			// The connection carries several streams at once.
			auth, words := subsystem(t, proxy, "proxy:@demo")
			if auth == nil {
				t.Fatal(words)
			}
			session := tls.Client(channelStream(auth), k.tlsConfig("h2"))
			if err := session.HandshakeContext(patience(t)); err != nil || session.ConnectionState().NegotiatedProtocol != "h2" {
				t.Errorf("TLS with the auth server: %v", err)
			}
			_ = client.Close()
		})
	}
}

// channelStream is a channel as a connection.
func channelStream(c ssh.Channel) net.Conn { return &streamConn{Reader: c, WriteCloser: c} }

func TestOnlyNewerProxiesHaveGRPCBesideSSH(t *testing.T) {
	dial := func(t *testing.T, k *keyring, addr net.Addr, alpn ...string) (*tls.Conn, error) {
		dialer := tls.Dialer{Config: k.tlsConfig(alpn...)}
		conn, err := dialer.DialContext(patience(t), "tcp", addr.String())
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn.(*tls.Conn), nil
	}
	t.Run("version 12 has none", func(t *testing.T) {
		w := startLike(t, like12)
		k := w.login(t, "off", softKey(t))
		for _, addr := range []net.Addr{w.ports.ssh.Addr(), w.ports.web.Addr()} {
			if _, err := dial(t, k, addr, "teleport-proxy-ssh-grpc"); err == nil {
				t.Errorf("%s speaks TLS for gRPC", addr)
			}
		}
	})
	t.Run("version 15 leads to the auth server", func(t *testing.T) {
		w := startLike(t, separate)
		k := w.login(t, "off", softKey(t))
		conn, err := dial(t, k, w.ports.ssh.Addr(), "teleport-proxy-ssh-grpc", "h2")
		if err != nil {
			t.Fatal(err)
		}
		transport := transportpb.NewTransportServiceClient(clientOn(t, conn))
		stream := clusterStream(t, transport, "demo")
		session := tls.Client(stream, k.tlsConfig("h2"))
		if err := session.HandshakeContext(patience(t)); err != nil {
			t.Fatal(err)
		}
		user, err := authpb.NewAuthServiceClient(clientOn(t, session)).GetCurrentUser(patience(t), &emptypb.Empty{})
		if err != nil || user.Metadata.Name != "off" {
			t.Errorf("%v, %v", user, err)
		}
		for cluster, want := range map[string]string{"leaf": `cluster "leaf" is not found`, "": "must contain a cluster name"} {
			if _, err := clusterStream(t, transport, cluster).Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the cluster %q: %v, want %q", cluster, err, want)
			}
		}
	})
	t.Run("a client that says nothing is dropped", func(t *testing.T) {
		w := startLike(t, separate)
		conn, err := net.Dial("tcp", w.ports.ssh.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(conn); len(got) > 0 || err != nil {
			t.Errorf("it was told %q, %v", got, err)
		}
		_ = conn.Close()
	})
}

// clientOn speaks gRPC on a session that is TLS already.
func clientOn(t *testing.T, session *tls.Conn) *grpc.ClientConn {
	t.Helper()
	dial := func(context.Context, string) (net.Conn, error) { return session, nil }
	conn, err := grpc.NewClient("passthrough:///demo", grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// clusterStream asks the transport service for the way to an auth server.
func clusterStream(t *testing.T, transport transportpb.TransportServiceClient, cluster string) net.Conn {
	t.Helper()
	call, err := transport.ProxyCluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Send(&transportpb.ProxyClusterRequest{Cluster: cluster}); err != nil {
		t.Fatal(err)
	}
	s := &clusterPipe{call: call}
	return &streamConn{Reader: s, WriteCloser: s}
}

// clusterPipe makes byte streams of a ProxyCluster call.
type clusterPipe struct {
	call transportpb.TransportService_ProxyClusterClient
	rest []byte
}

func (s *clusterPipe) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		response, err := s.call.Recv()
		if err != nil {
			return 0, err
		}
		s.rest = response.Frame.GetPayload()
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *clusterPipe) Write(b []byte) (int, error) {
	return len(b), s.call.Send(&transportpb.ProxyClusterRequest{Frame: &transportpb.Frame{Payload: b}})
}

func (s *clusterPipe) Close() error { return s.call.CloseSend() }

func TestAnOldSSHProxyTellsWhatItCannotDo(t *testing.T) {
	w := startLike(t, like12)
	proxy := w.portSSH(t, w.login(t, "off", softKey(t)))
	const direct = "Teleport proxy failed to connect to \"node\" agent \"other\" over direct dial\n"
	if _, words := subsystem(t, proxy, "proxy:other:22@demo"); words != direct {
		t.Errorf("a host outside the cluster: %q", words)
	}
	channel, requests, err := proxy.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(requests)
	ok, err := channel.SendRequest("shell", true, nil)
	line := make([]byte, len("(proxy) proxy doesn't support request type 'shell'\n"))
	if _, reading := io.ReadFull(channel.Stderr(), line); ok || err != nil || reading != nil || string(line) != "(proxy) proxy doesn't support request type 'shell'\n" {
		t.Errorf("a shell on the proxy: %v, %q, %v, %v", ok, line, err, reading)
	}
	for name, want := range map[string]string{"recording-proxy@teleport.com": "false", "x-teleport-version": "12.0.0"} {
		if ok, got, err := proxy.SendRequest(name, true, nil); !ok || string(got) != want || err != nil {
			t.Errorf("%s: %v, %q, %v", name, ok, got, err)
		}
	}
}

// portPostgres is a TLS session with the port of PostgreSQL.
func (w *world) portPostgres(t *testing.T, k *keyring, cert *tls.Certificate, before ...[]byte) *tls.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", w.ports.postgres.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(testkit.Deadline))
	answer := make([]byte, 1)
	for _, request := range before {
		_, _ = conn.Write(request)
		if _, err := io.ReadFull(conn, answer); err != nil {
			t.Fatal(err)
		}
	}
	if answer[0] != 'S' {
		t.Fatalf("the last answer is %q", answer)
	}
	config := k.tlsConfig()
	config.Certificates = nil
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	return tls.Client(conn, config)
}

var (
	pgAskTLS = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}
	pgAskGSS = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30}
	pgStart  = []byte("\x00\x00\x00\x25\x00\x03\x00\x00user\x00reader\x00database\x00orders\x00\x00")
)

func TestPostgreSQLHasAPortOfItsOwn(t *testing.T) {
	w := startLike(t, like12)
	k := w.login(t, "off", softKey(t))
	cert := w.databaseRoute(t, k, "orders", "reader")
	first := func(conn *tls.Conn, packets ...[]byte) string {
		for _, packet := range packets {
			_, _ = conn.Write(packet)
		}
		answer := make([]byte, 1)
		n, _ := io.ReadFull(conn, answer)
		return string(answer[:n])
	}
	if got := first(w.portPostgres(t, k, &cert, pgAskGSS, pgAskTLS), pgStart); got != "R" {
		t.Errorf("the server answers %q, want its question for a password", got)
	}
	if got := first(w.portPostgres(t, k, &cert, pgAskTLS), pgAskTLS); got != "" {
		t.Errorf("a second request for TLS is answered %q, want nothing", got)
	}
	if got := first(w.portPostgres(t, k, &cert, pgAskTLS), pgAskGSS); got != "N" {
		t.Errorf("a request for GSS in TLS is answered %q", got)
	}
	if err := w.portPostgres(t, k, &tls.Certificate{}, pgAskTLS).HandshakeContext(patience(t)); err == nil {
		if got := first(w.portPostgres(t, k, &tls.Certificate{}, pgAskTLS), pgStart); got != "" {
			t.Errorf("without a certificate the server answers %q", got)
		}
	}
	w.edit(t, "off.yaml", "require_session_mfa: false", "require_session_mfa: hardware_key")
	conn := w.portPostgres(t, k, &cert, pgAskTLS)
	_, _ = conn.Write(pgStart)
	if got, _ := io.ReadAll(conn); !strings.Contains(string(got), "private key policy not met: hardware_key") {
		t.Errorf("a weak key is told %q", got)
	}
}

func TestPortsOfTheirOwnAreRemembered(t *testing.T) {
	state, v := newState(t), newVendor(t)
	first := startIn(t, state, v, like12)
	before := first.pingProxy(t).Proxy
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if after := startIn(t, state, v, like12).pingProxy(t).Proxy; after != before {
		t.Errorf("after a restart the services are at %+v, before at %+v", after, before)
	}
}
