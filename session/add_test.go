package session

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/session/teleport"
)

func TestAnUntrustedProxyIsRefusedWithItsFingerprint(t *testing.T) {
	w := newWorld(t)
	_, err := w.AddCluster(t.Context(), w.ready.Proxy, "")
	conn, dialErr := tls.Dial("tcp", w.ready.Proxy, &tls.Config{InsecureSkipVerify: true})
	if dialErr != nil {
		t.Fatalf("looking at the certificate: %v", dialErr)
	}
	defer conn.Close()
	sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].Raw)
	wantFault(t, err, w.ready.Proxy, strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":"), "--ca-file")
	if clusters := w.Snapshot().Clusters; len(clusters) != 0 {
		t.Errorf("an untrusted cluster was remembered: %+v", clusters)
	}
}

func TestAnAuthorityOnceGivenIsRemembered(t *testing.T) {
	w := newWorld(t)
	id := w.add()
	if again, err := w.AddCluster(t.Context(), w.ready.Proxy, ""); err != nil || again != id {
		t.Errorf("adding the cluster again: %q, %v, want %q", again, err, id)
	}
	if c := show(t, w.open(w.card), id); c.Name != "demo" || c.Proxy != w.ready.Proxy || c.State != SignedOut {
		t.Errorf("the next process shows %+v", c)
	}
}

func TestAClusterIsKnownByTheAddressItAnnounces(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("touch")
	_, port, err := net.SplitHostPort(w.ready.Proxy)
	if err != nil {
		t.Fatalf("reading the proxy's address: %v", err)
	}
	again, err := w.AddCluster(t.Context(), "127.0.0.1:"+port, w.ready.CAFile)
	if err != nil || again != id {
		t.Fatalf("adding the cluster by another name of it: %q, %v, want %q", again, err, id)
	}
	for _, m := range []*Manager{w.Manager, w.open(w.card)} {
		c := show(t, m, id)
		if len(m.Snapshot().Clusters) != 1 || c.State != SignedIn || c.User != "touch" || c.Proxy != w.ready.Proxy {
			t.Errorf("the cluster shows %+v", c)
		}
		if p := m.clusters[id].profile; p.Policy != wire.PolicyTouch {
			t.Errorf("the profile is %+v", p)
		}
	}
}

func TestOnlyCertificatesAreTakenFromAnAuthorityFile(t *testing.T) {
	w := newWorld(t)
	authority, err := os.ReadFile(w.ready.CAFile)
	if err != nil {
		t.Fatalf("reading the authority: %v", err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("not for us")})
	if err := os.WriteFile(file, append(key, authority...), 0o600); err != nil {
		t.Fatalf("writing the authority: %v", err)
	}
	if _, err := w.AddCluster(t.Context(), w.ready.Proxy, file); err != nil {
		t.Fatalf("adding the cluster: %v", err)
	}
	wantNoPrivateKey(t, w.home)
	for _, name := range []string{"missing.pem", "empty.pem"} {
		path := filepath.Join(t.TempDir(), name)
		if name == "empty.pem" {
			if err := os.WriteFile(path, key, 0o600); err != nil {
				t.Fatalf("writing: %v", err)
			}
		}
		_, err := w.AddCluster(t.Context(), w.ready.Proxy, path)
		wantFault(t, err, path, "holds no certificate")
	}
}

// lonely is a manager with nothing around it.
func lonely(t testing.TB) *Manager {
	t.Helper()
	m, err := newManager(Config{Home: t.TempDir(), Log: slogTo(t)}, noKeys{})
	if err != nil {
		t.Fatalf("opening the sessions: %v", err)
	}
	m.patience = teleport.Patience{Dial: time.Second, Handshake: 200 * time.Millisecond, Call: 200 * time.Millisecond}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// impostor is a TLS server that is no proxy; it returns its address and the file of its authority.
func impostor(t testing.TB, handler http.HandlerFunc) (address, caFile string) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(caFile, text, 0o600); err != nil {
		t.Fatalf("writing the authority: %v", err)
	}
	return server.Listener.Addr().String(), caFile
}

func TestWhatIsNoProxyIsToldApart(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"an empty web server", http.NotFound, "not as the proxy of a cluster"},
		{"a web page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "not as the proxy of a cluster"},
		{"another JSON service", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }, "not as the proxy of a cluster"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, "not as the proxy of a cluster"},
		{"a proxy without its cluster", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGatewayTimeout) }, "cannot reach its own cluster"},
		{"a server that never answers", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "does not answer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			address, caFile := impostor(t, test.handler)
			_, err := lonely(t).AddCluster(t.Context(), address, caFile)
			wantFault(t, err, address, test.want)
		})
	}
}

// listen opens a listener that accepts and says nothing.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestAProxyThatIsDownOrHangsIsToldApart(t *testing.T) {
	hanging := listen(t)
	_, err := lonely(t).AddCluster(t.Context(), hanging.Addr().String(), "")
	wantFault(t, err, hanging.Addr().String()+" does not answer")
	down := listen(t)
	_ = down.Close()
	_, err = lonely(t).AddCluster(t.Context(), down.Addr().String(), "")
	wantFault(t, err, "Nothing listens at "+down.Addr().String())
}

func TestGivingUpOnAHangingProxyIsSilent(t *testing.T) {
	m := lonely(t)
	m.patience = teleport.Patience{}
	hanging := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := hanging.Accept()
		cancel()
		if err == nil {
			_ = conn.Close()
		}
	}()
	if _, err := m.AddCluster(ctx, hanging.Addr().String(), ""); err != context.Canceled {
		t.Errorf("AddCluster() = %v, want context.Canceled", err)
	}
}

func TestAddressesAreReadAsPeopleWriteThem(t *testing.T) {
	tests := []struct {
		text string
		want []string // nil for a refusal
	}{
		{"teleport.example.com:443", []string{"teleport.example.com:443"}},
		{" teleport.example.com ", []string{"teleport.example.com:3080", "teleport.example.com:443"}},
		{"https://teleport.example.com/web/login", []string{"teleport.example.com:3080", "teleport.example.com:443"}},
		{"https://teleport.example.com:8443/web", []string{"teleport.example.com:8443"}},
		{"teleport.example.com:443,3023", []string{"teleport.example.com:443"}},
		{"127.0.0.1:3080", []string{"127.0.0.1:3080"}},
		{"::1", []string{"[::1]:3080", "[::1]:443"}},
		{"[::1]:3080", []string{"[::1]:3080"}},
		{"", nil},
		{":443", nil},
		{"host:port", nil},
		{"host:0", nil},
		{"host:65536", nil},
		{"../../etc", nil},
		{"..", nil},
		{"a/b:443", nil},
		{"http://host", nil},
		{"user@host", nil},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got, err := parseAddress(test.text)
			if (err != nil) != (test.want == nil) {
				t.Fatalf("parseAddress(%q) = %q, %v", test.text, got, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the addresses differ (-want +got):\n%s", diff)
			}
		})
	}
	_, err := lonely(t).AddCluster(t.Context(), "../../etc", "")
	wantFault(t, err, `"../../etc" is not the address of a proxy`, "host:port")
}

func FuzzAddressesStayInTheHome(f *testing.F) {
	for _, seed := range []string{"host", "host:443", "[::1]:3080", "..", "https://a/b", "a,b,c", "::1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addresses, err := parseAddress(text)
		if err != nil {
			return
		}
		s := store{home: "/home"}
		for _, address := range addresses {
			dir := s.dir(profile{Proxy: address}.id())
			if filepath.Dir(dir) != "/home/clusters" || filepath.Base(dir) == ".." {
				t.Errorf("%q leads to the folder %q", text, dir)
			}
		}
	})
}

func TestAnnouncedAddressesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"proxy.example.com:443":         "proxy.example.com:443",
		"https://proxy.example.com:443": "proxy.example.com:443",
		"proxy.example.com":             "proxy.example.com:3080",
		"":                              "",
		"not a host":                    "",
	} {
		if got := publicAddress(text); got != want {
			t.Errorf("publicAddress(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestTheFirstOfTwoPortsThatAnswersWins(t *testing.T) {
	address, caFile := impostor(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"cluster_name":"other"}`)
	})
	m := lonely(t)
	p, err := m.recall("x", caFile)
	if err != nil {
		t.Fatalf("reading the authority: %v", err)
	}
	silent := listen(t).Addr().String()
	got, ping, err := m.race(t.Context(), p, []string{silent, address})
	if err != nil || got != address || ping.ClusterName != "other" {
		t.Errorf("race() = %q, %v, %v, want %q", got, ping, err, address)
	}
	if _, _, err := m.race(t.Context(), p, []string{silent, silent}); !errors.Is(err, teleport.ErrSilent) {
		t.Errorf("race() = %v where nobody answers, want ErrSilent", err)
	}
}
