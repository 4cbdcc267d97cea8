package localproxy

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Any account of the computer can reach a loopback port.
func TestWithoutTheKubeconfigThePortLeadsNowhere(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	token := k.tool().token
	for name, header := range map[string]string{
		"no token": "", "another token": "Bearer " + strings.Repeat("A", len(token)), "half of the token": "Bearer " + token[:26],
		"the token as a password": "Basic " + token, "an empty token": "Bearer ",
	} {
		t.Run(name, func(t *testing.T) {
			stranger := k.tool()
			stranger.t, stranger.token = t, ""
			code, body := stranger.ask(http.MethodGet, "/api/v1/secrets", "", "Authorization", header)
			wantStatus(t, code, body, http.StatusUnauthorized, "whoever has its kubeconfig")
		})
	}
	t.Run("a stranger's upgrade", func(t *testing.T) {
		stranger := k.tool()
		stranger.t, stranger.token = t, ""
		stranger.transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
		stranger.transport.ForceAttemptHTTP2 = false
		code, body := stranger.ask(http.MethodGet, "/echo", "", "Connection", "Upgrade", "Upgrade", "echo")
		wantStatus(t, code, body, http.StatusUnauthorized)
	})
	t.Run("without TLS", func(t *testing.T) {
		conn := connect(t, k.proxy)
		if _, err := io.WriteString(conn, "GET /api HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if answer, _ := io.ReadAll(conn); !strings.HasPrefix(string(answer), "HTTP/1.0 400 ") {
			t.Errorf("the answer is %q", answer)
		}
	})
	if asked := k.requests(); len(asked) != 0 || k.issued.Load() != 0 {
		t.Errorf("strangers reached the cluster: %v", asked)
	}
}

func TestEveryProxyHasATokenAndAnAuthorityOfItsOwn(t *testing.T) {
	one, other := newKubeWorld(t, "h2", "http/1.1"), newKubeWorld(t, "h2", "http/1.1")
	mixed := one.tool()
	mixed.token = other.tool().token
	code, body := mixed.ask(http.MethodGet, "/api", "")
	wantStatus(t, code, body, http.StatusUnauthorized)
	mixed = one.tool()
	mixed.server = other.tool().server
	if _, err := mixed.send(t.Context(), http.MethodGet, "/api", ""); !errors.As(err, new(*tls.CertificateVerificationError)) {
		t.Errorf("a proxy with the authority of another: %v", err)
	}
}

func TestAConnectionThatBecomesSomethingElse(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	c := k.tool()
	conn, err := tls.Dial("tcp", k.proxy.Address(), &tls.Config{RootCAs: c.transport.TLSClientConfig.RootCAs, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "GET /echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", c.token)
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Upgrade") != "echo" {
		t.Fatalf("the answer is %+v, %v", response, err)
	}
	fmt.Fprintln(conn, "hello")
	if line, err := reader.ReadString('\n'); line != "hello\n" {
		t.Errorf("the stream says %q, %v", line, err)
	}
	if err := k.proxy.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadString('\n'); err == nil {
		t.Error("the stream outlives its proxy")
	}
}

func TestARefusedUpgradeIsPassedOn(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	k.handle("/exec", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no exec here", http.StatusForbidden) })
	c := k.tool()
	c.transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	c.transport.ForceAttemptHTTP2 = false
	code, body := c.ask(http.MethodGet, "/exec", "", "Connection", "Upgrade", "Upgrade", "echo")
	if code != http.StatusForbidden || body != "no exec here\n" {
		t.Errorf("the answer is %d %q", code, body)
	}
}
