package demo

import (
	"bufio"
	"crypto/rsa"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/touchstone-app/touchstone/internal/wire/authpb"
)

const whoamiAddr = "whoami.localhost"

// appSession opens a session with the application.
func (w *world) appSession(t *testing.T, k *keyring) string {
	t.Helper()
	response, err := w.auth(t, k).CreateAppSession(patience(t), &authpb.CreateAppSessionRequest{
		Username: k.user, PublicAddr: whoamiAddr, ClusterName: "demo"})
	if err != nil {
		t.Fatalf("opening a session: %v", err)
	}
	return response.Session.Metadata.Name
}

func (w *world) appRoute(t *testing.T, k *keyring, session string) tls.Certificate {
	t.Helper()
	r := w.wish(t, k)
	r.Usage = authpb.UserCertsRequest_App
	r.RouteToApp = &authpb.RouteToApp{Name: "whoami", SessionId: session, PublicAddr: whoamiAddr, ClusterName: "demo"}
	return w.route(t, k, r)
}

// get asks for a page in a new TLS session.
func (w *world) ask(t *testing.T, cert tls.Certificate, header http.Header) (*http.Response, string) {
	t.Helper()
	conn := w.tunnel(t, cert, "http/1.1")
	request, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:8080/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	if err := request.Write(conn); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestAnApplicationIsToldWhoAsks(t *testing.T) {
	w := start(t)
	k := w.login(t, "touch", w.vendor.card(t, 7))
	session := w.appSession(t, k)
	cert := w.appRoute(t, k, session)
	forged := http.Header{"Teleport-Jwt-Assertion": {"e30.e30.AAAA"}}
	response, body := w.ask(t, cert, forged)
	if response.StatusCode != http.StatusOK || !strings.Contains(body, "You are touch") || !strings.Contains(body, "role demo-touch") {
		t.Errorf("%s: %s", response.Status, body)
	}
	if n := len(w.find(t, EventAppRequest)); n != 1 {
		t.Errorf("%d requests were written down", n)
	}
	if _, err := w.auth(t, k).DeleteAppSession(patience(t), &authpb.DeleteAppSessionRequest{SessionId: session}); err != nil {
		t.Fatalf("ending the session: %v", err)
	}
	response, _ = w.ask(t, cert, nil)
	if to := response.Header.Get("Location"); response.StatusCode != http.StatusFound || !strings.HasSuffix(to, "/web/launch/127.0.0.1:8080") {
		t.Errorf("after the end: %s to %q", response.Status, to)
	}
}

func TestAnApplicationIsRefused(t *testing.T) {
	w := start(t)
	off := w.login(t, "off", softKey(t))
	touch := w.login(t, "touch", w.vendor.card(t, 7))
	cert := w.appRoute(t, off, w.appSession(t, off))
	t.Run("to somebody else's session", func(t *testing.T) {
		r := w.wish(t, off)
		r.Usage, r.RouteToApp = authpb.UserCertsRequest_App, &authpb.RouteToApp{Name: "whoami", SessionId: w.appSession(t, touch)}
		_, err := w.auth(t, off).GenerateUserCerts(patience(t), r)
		wantStatus(t, err, codes.NotFound, "app session")
	})
	t.Run("where there is none", func(t *testing.T) {
		_, err := w.auth(t, off).CreateAppSession(patience(t), &authpb.CreateAppSessionRequest{Username: "off", PublicAddr: "x", ClusterName: "demo"})
		wantStatus(t, err, codes.NotFound, `app "x" is not found`)
	})
	t.Run("without a route", func(t *testing.T) {
		response, _ := w.ask(t, tls.Certificate{Certificate: [][]byte{off.tlsCert.Raw}, PrivateKey: off.key}, nil)
		if response.StatusCode != http.StatusFound {
			t.Errorf("got %s", response.Status)
		}
	})
	t.Run("where it is hidden", func(t *testing.T) {
		w := startLike(t, like12)
		k := w.login(t, "off", softKey(t))
		cert := w.appRoute(t, k, w.appSession(t, k))
		w.edit(t, "off.yaml", "require_session_mfa: false", "require_session_mfa: true")
		response, body := w.ask(t, cert, nil)
		if response.StatusCode != http.StatusNotFound || body != "Not Found\n" || response.Header.Get("X-Teleport-API-Error") != "" {
			t.Errorf("got %s: %q", response.Status, body)
		}
	})
	t.Run("with a key that is too weak by now", func(t *testing.T) {
		w.edit(t, "off.yaml", "require_session_mfa: false", "require_session_mfa: hardware_key_touch")
		response, body := w.ask(t, cert, nil)
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(body, "private key policy not met: hardware_key_touch") ||
			response.Header.Get("X-Teleport-API-Error") == "" {
			t.Errorf("got %s: %s", response.Status, body)
		}
	})
	t.Run("where labels do not match any more", func(t *testing.T) {
		w.edit(t, "touch.yaml", "app_labels: {env: dev}", "app_labels: {env: prod}")
		_, err := w.auth(t, touch).CreateAppSession(patience(t), &authpb.CreateAppSessionRequest{Username: "touch", PublicAddr: whoamiAddr, ClusterName: "demo"})
		wantStatus(t, err, codes.NotFound, "is not found")
	})
}

func TestTokensAreBelievedOnlyWhenSignedForTheApplication(t *testing.T) {
	key, err := newRSAKey()
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{}
	words := &tokens{key: key.(*rsa.PrivateKey), cluster: "demo", now: c.now}
	token, err := words.issue("http://a", identity{user: "alice", roles: []string{"r"}, expires: c.now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := words.check("http://a", token); err != nil || claims.Username != "alice" {
		t.Errorf("a good token: %+v, %v", claims, err)
	}
	for name, bad := range map[string][2]string{
		"for another application": {"http://b", token},
		"none":                    {"http://a", ""},
		"changed":                 {"http://a", "x" + token},
		"unsigned":                {"http://a", token[:strings.LastIndexByte(token, '.')+1]},
	} {
		if claims, err := words.check(bad[0], bad[1]); err == nil {
			t.Errorf("%s: %+v", name, claims)
		}
	}
	c.move(2 * time.Hour)
	if claims, err := words.check("http://a", token); err == nil {
		t.Errorf("an old token: %+v", claims)
	}
}
