package localproxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// kubeWorld is an API server behind TLS, the routes that lead there, and a proxy to it.
type kubeWorld struct {
	*source
	t         testing.TB
	proxy     *Proxy
	protocols []string // of HTTP, as the server takes them
	address   string
	roots     *x509.CertPool
	dials     atomic.Int64
	strict    atomic.Bool // refuse every client, as TLS 1.3 does: after the client's handshake is over

	mu    sync.Mutex
	asked []*http.Request             // guarded by mu
	conns []net.Conn                  // guarded by mu
	serve map[string]http.HandlerFunc // by path; guarded by mu
}

func newKubeWorld(t testing.TB, protocols ...string) *kubeWorld {
	t.Helper()
	k := &kubeWorld{source: &source{clock: &clock{}}, t: t, protocols: protocols, serve: map[string]http.HandlerFunc{}}
	k.serve["/watch"] = k.watch
	k.serve["/echo"] = echo
	k.start()
	k.set(func(context.Context) (Route, error) { return k.route(), nil })
	proxy, err := Listen(Config{Source: k, Now: k.clock.now, Kube: &Kube{Context: "demo-kube", Host: "kube.example:443"}})
	if err != nil {
		t.Fatalf("opening the proxy: %v", err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	k.proxy = proxy
	return k
}

// start runs the API server.
func (k *kubeWorld) start() {
	access, err := newKubeAccess(time.Now()) // any certificate for 127.0.0.1 will do
	if err != nil {
		k.t.Fatal(err)
	}
	k.roots = x509.NewCertPool()
	k.roots.AppendCertsFromPEM(access.authority)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		k.t.Fatal(err)
	}
	k.address = listener.Addr().String()
	config := &tls.Config{Certificates: []tls.Certificate{access.server}, NextProtos: k.protocols}
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		refusing := config.Clone()
		refusing.ClientAuth = tls.RequireAnyClientCert
		if k.strict.Load() {
			return refusing, nil
		}
		return config, nil
	}
	server := &http.Server{
		Handler: k, TLSConfig: config, Protocols: &http.Protocols{}, ConnState: k.noteConn,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(len(k.protocols) > 1)
	var running sync.WaitGroup
	running.Go(func() { _ = server.ServeTLS(listener, "", "") })
	k.t.Cleanup(func() {
		_ = server.Close()
		running.Wait()
	})
}

func (k *kubeWorld) noteConn(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.conns = append(k.conns, c)
	}
}

// ServeHTTP answers with the method and the path, unless handle said something else.
func (k *kubeWorld) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	k.asked = append(k.asked, r)
	special := k.serve[r.URL.Path]
	k.mu.Unlock()
	if special != nil {
		special(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s", r.Method, r.URL, body)
}

func (k *kubeWorld) handle(path string, f http.HandlerFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.serve[path] = f
}

func (k *kubeWorld) requests() []*http.Request {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}

// cut ends all connections, as a network does.
func (k *kubeWorld) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.conns {
		_ = c.Close()
	}
	k.conns = nil
}

// watch sends a line and stays.
func (k *kubeWorld) watch(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "first")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// echo changes the protocol to one that gives every line back.
func echo(w http.ResponseWriter, _ *http.Request) {
	conn, both, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	_, _ = io.Copy(conn, both)
}

// route leads to the server, for an hour.
func (k *kubeWorld) route() Route {
	dial := func(protocols ...string) func(context.Context) (net.Conn, error) {
		return func(ctx context.Context) (net.Conn, error) {
			k.dials.Add(1)
			d := tls.Dialer{Config: &tls.Config{RootCAs: k.roots, NextProtos: protocols}}
			return d.DialContext(ctx, "tcp", k.address)
		}
	}
	return Route{
		Expires: k.clock.now().Add(time.Hour),
		Dial:    dial("h2", "http/1.1"), Upgrade: dial("http/1.1"),
		Explain: func(context.Context) error { return errExplained },
	}
}

// tool is a program with the proxy's kubeconfig.
type tool struct {
	t         testing.TB
	server    string
	token     string
	transport *http.Transport
}

// tool reads the kubeconfig as client libraries do.
func (k *kubeWorld) tool() *tool {
	k.t.Helper()
	data, err := k.proxy.Kubeconfig()
	if err != nil {
		k.t.Fatal(err)
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server    string `json:"server"`
				Authority string `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Token string `json:"token"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := json.Unmarshal(data, &config); err != nil || len(config.Clusters) != 1 || len(config.Users) != 1 {
		k.t.Fatalf("the kubeconfig is %s: %v", data, err)
	}
	authority, err := base64.StdEncoding.DecodeString(config.Clusters[0].Cluster.Authority)
	if err != nil {
		k.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	c := &tool{t: k.t, server: config.Clusters[0].Cluster.Server, token: config.Users[0].User.Token}
	c.transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	k.t.Cleanup(c.transport.CloseIdleConnections)
	return c
}

// send makes one request; ctx ends it and the response.
func (c *tool) send(ctx context.Context, method, path, body string, header ...string) (*http.Response, error) {
	if body == "" {
		return c.sendBody(ctx, method, path, nil, header...)
	}
	return c.sendBody(ctx, method, path, strings.NewReader(body), header...)
}

func (c *tool) sendBody(ctx context.Context, method, path string, body io.Reader, header ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.server+path, body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return c.transport.RoundTrip(r)
}

// ask makes one request and returns the whole answer.
func (c *tool) ask(method, path, body string, header ...string) (int, string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	response, err := c.send(ctx, method, path, body, header...)
	if err != nil {
		c.t.Errorf("asking for %s: %v", path, err)
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Errorf("reading %s: %v", path, err)
	}
	return response.StatusCode, string(text)
}

// watch opens a watch and returns it once its first line is there.
func (c *tool) watch() *bufio.Reader {
	c.t.Helper()
	response, err := c.send(c.t.Context(), http.MethodGet, "/watch", "")
	if err != nil {
		c.t.Fatalf("watching: %v", err)
	}
	c.t.Cleanup(func() { _ = response.Body.Close() })
	lines := bufio.NewReader(response.Body)
	if line, err := lines.ReadString('\n'); line != "first\n" {
		c.t.Fatalf("the watch says %q, %v", line, err)
	}
	return lines
}

// wantStatus checks a failure in Kubernetes' own words.
func wantStatus(t testing.TB, code int, body string, wantCode int, parts ...string) {
	t.Helper()
	var status kubeStatus
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		t.Errorf("%d with %q is no Status: %v", code, body, err)
	}
	if code != wantCode || status.Code != wantCode || status.Kind != "Status" || status.Status != "Failure" {
		t.Errorf("got %d with %+v, want %d", code, status, wantCode)
	}
	for _, part := range parts {
		if !strings.Contains(status.Message, part) {
			t.Errorf("got the message %q, want %q in it", status.Message, part)
		}
	}
}
