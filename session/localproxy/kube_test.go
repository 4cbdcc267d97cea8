package localproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

// pods is the path of a resource, whose refusals are a Status.
const pods = "/api/v1/namespaces/shop/pods"

func TestManyRequestsCostOneSignature(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			path := fmt.Sprintf("/api/%d?limit=500", i)
			if code, body := k.tool().ask(http.MethodGet, path, ""); code != http.StatusOK || body != "GET "+path+" " {
				t.Errorf("the answer is %d %q", code, body)
			}
		})
	}
	all.Wait()
	if dials, issued := k.dials.Load(), k.issued.Load(); dials != 1 || issued != 1 {
		t.Errorf("%d connections and %d certificates, want one of each", dials, issued)
	}
	testkit.Eventually(t, "counted bytes", func() bool {
		state := k.proxy.State()
		return state.Sent > 0 && state.Received > 0 && state.Problem == nil && !state.Expires.IsZero()
	})
}

func TestAServerWithoutHTTP2GetsAsManyConnectionsAsItNeeds(t *testing.T) {
	k := newKubeWorld(t, "http/1.1")
	c := k.tool()
	c.watch()
	for range 3 {
		if code, body := c.ask(http.MethodPost, "/api", "content"); code != http.StatusOK || body != "POST /api content" {
			t.Errorf("the answer is %d %q", code, body)
		}
	}
	if dials := k.dials.Load(); dials != 2 {
		t.Errorf("%d connections, want one for the watch and one for the rest", dials)
	}
}

func TestRequestsArriveAsTheyWereButWithoutTheToken(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	path := "/api/v1/namespaces/a%2Fb/pods?labelSelector=a%3Db&limit=1"
	if _, body := k.tool().ask(http.MethodPatch, path, "{}", "Impersonate-User", "alice", "User-Agent", "kubectl/v1"); body != "PATCH "+path+" {}" {
		t.Errorf("the answer is %q", body)
	}
	r := k.requests()[0]
	if r.Header.Get("Authorization") != "" || r.Header.Get("X-Forwarded-For") != "" {
		t.Errorf("the header is %v", r.Header)
	}
	if r.Header.Get("Impersonate-User") != "alice" || r.UserAgent() != "kubectl/v1" || r.Host != "kube.example:443" {
		t.Errorf("the header is %v for %s", r.Header, r.Host)
	}
}

func TestExpiryIsHeldAndSharedWhileAWatchGoesOn(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	c := k.tool()
	lines := make(chan func(), 1)
	k.handle("/watch", func(w http.ResponseWriter, r *http.Request) {
		say := func(text string) {
			fmt.Fprintln(w, text)
			_ = http.NewResponseController(w).Flush()
		}
		say("first")
		lines <- func() { say("second") }
		<-r.Context().Done()
	})
	watch := c.watch()
	k.clock.advance(2 * time.Hour)
	answered := make(chan struct{})
	k.set(func(context.Context) (Route, error) {
		<-answered
		return k.route(), nil
	})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if code, body := k.tool().ask(http.MethodGet, "/api", ""); code != http.StatusOK {
				t.Errorf("the answer is %d %q", code, body)
			}
		})
	}
	testkit.Eventually(t, "renewal", func() bool { return k.proxy.State().Asking })
	close(answered)
	all.Wait()
	if issued, dials := k.issued.Load(), k.dials.Load(); issued != 2 || dials != 2 {
		t.Errorf("%d certificates and %d connections, want two of each", issued, dials)
	}
	testkit.Receive(t, "watch", lines)()
	if line, err := watch.ReadString('\n'); line != "second\n" {
		t.Errorf("the watch ended with the certificate: %q, %v", line, err)
	}
}

func TestAConnectionOutlivesACertificateForOneUse(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	k.set(func(context.Context) (Route, error) {
		r := k.route()
		r.Expires, r.Lasts = k.clock.now().Add(time.Minute), k.clock.now().Add(time.Hour)
		return r, nil
	})
	ask := func(issued, dials int64) {
		t.Helper()
		if code, body := k.tool().ask(http.MethodGet, "/api", ""); code != http.StatusOK || k.issued.Load() != issued || k.dials.Load() != dials {
			t.Errorf("the answer is %d %q after %d certificates and %d connections", code, body, k.issued.Load(), k.dials.Load())
		}
	}
	ask(1, 1)
	k.clock.advance(30 * time.Minute)
	ask(1, 1)
	if left := k.proxy.State().Expires.Sub(k.clock.now()); left < 29*time.Minute || left > 30*time.Minute {
		t.Errorf("the state shows %v left", left)
	}
	k.cut() // another connection needs another certificate
	testkit.Eventually(t, "end of the connection", func() bool { return k.proxy.State().Expires.Before(k.clock.now()) })
	ask(2, 2)
	k.clock.advance(2 * time.Hour)
	ask(3, 3)
}

func TestAToolIsToldWhyAndTheNextTryWorks(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	refusal := fault.New("The key was not touched.", "Touch it when it blinks.")
	k.set(func(context.Context) (Route, error) { return Route{}, refusal })
	code, body := k.tool().ask(http.MethodGet, pods, "")
	wantStatus(t, code, body, http.StatusServiceUnavailable, refusal.Error())
	if problem := k.proxy.State().Problem; !errors.Is(problem, refusal) {
		t.Errorf("the state shows %v", problem)
	}
	k.clock.advance(refusalRest)
	k.set(func(context.Context) (Route, error) {
		r := k.route()
		r.Dial = func(context.Context) (net.Conn, error) { return nil, refusal }
		return r, nil
	})
	code, body = k.tool().ask(http.MethodGet, pods, "")
	wantStatus(t, code, body, http.StatusServiceUnavailable, refusal.Error())
	k.clock.advance(2 * time.Hour)
	k.set(func(context.Context) (Route, error) { return k.route(), nil })
	if code, _ := k.tool().ask(http.MethodGet, pods, ""); code != http.StatusOK || k.proxy.State().Problem != nil {
		t.Errorf("the next try got %d, and the state shows %v", code, k.proxy.State().Problem)
	}
}

func TestNobodyHasToSayNoFiveTimes(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	k.set(func(context.Context) (Route, error) { return Route{}, context.Canceled })
	for range 5 { // as kubectl begins, which prints the plain text that comes with this status
		code, body := k.tool().ask(http.MethodGet, "/api", "")
		if code != http.StatusBadGateway || !strings.HasPrefix(body, "What Touchstone asked for was cancelled.") {
			t.Errorf("the answer is %d %q", code, body)
		}
	}
	if state := k.proxy.State(); k.issued.Load() != 1 || state.Problem != nil {
		t.Errorf("the person was asked %d times, and the state shows %v", k.issued.Load(), state.Problem)
	}
	k.clock.advance(refusalRest)
	k.set(func(context.Context) (Route, error) { return k.route(), nil })
	if code, _ := k.tool().ask(http.MethodGet, "/api", ""); code != http.StatusOK {
		t.Errorf("a moment later the answer is %d", code)
	}
}

func TestAClientThatLeavesRefusesNothing(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	answered := make(chan struct{})
	k.set(func(context.Context) (Route, error) {
		<-answered
		return k.route(), nil
	})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	c := k.tool()
	go func() {
		_, err := c.send(ctx, http.MethodGet, pods, "")
		left <- err
	}()
	testkit.Eventually(t, "question", func() bool { return k.proxy.State().Asking })
	leave()
	if err := testkit.Receive(t, "end of the request", left); !errors.Is(err, context.Canceled) {
		t.Errorf("the request ended with %v", err)
	}
	close(answered)
	if code, body := k.tool().ask(http.MethodGet, pods, ""); code != http.StatusOK || k.issued.Load() != 1 {
		t.Errorf("the next one got %d %q after %d certificates", code, body, k.issued.Load())
	}
}

func TestAToolThatWaitsForSoLongOnlyIsToldInTime(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	answered := make(chan struct{})
	k.set(func(context.Context) (Route, error) {
		<-answered
		return k.route(), nil
	})
	code, body := k.tool().ask(http.MethodGet, pods+"?timeout=40ms", "")
	wantStatus(t, code, body, http.StatusGatewayTimeout, "still waiting for you")
	if state := k.proxy.State(); !state.Asking || state.Problem != nil {
		t.Errorf("the state is %+v", state)
	}
	close(answered)
	if code, _ := k.tool().ask(http.MethodGet, "/api?timeout=32s", ""); code != http.StatusOK || k.issued.Load() != 1 {
		t.Errorf("the next try got %d after %d certificates", code, k.issued.Load())
	}
}

func TestOnlyResourcesAreAnsweredWithAStatus(t *testing.T) {
	for path, want := range map[string]bool{
		"/api": false, "/api/v1": false, "/apis": false, "/apis/apps/v1": false, "/version": false, "/openapi/v3/apis/apps/v1": false, "/": false,
		"/api/v1/pods": true, "/api/v1/namespaces/shop/pods/": true, "/apis/apps/v1/deployments": true,
	} {
		if got := isResource(path); got != want {
			t.Errorf("isResource(%q) = %v, want %v", path, got, want)
		}
	}
}

func TestClientsSayHowLongTheyWait(t *testing.T) {
	for query, want := range map[string]time.Duration{
		"": 0, "timeout=32s": 30 * time.Second, "timeout=4s": 3 * time.Second, "timeout=soon": 0, "timeout=-1s": 0,
		"watch=true&timeout=30s": 0, // how long the server should go on, not how long the client waits
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://x/api?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := clientPatience(r); got != want {
			t.Errorf("%q waits for %v, want %v", query, got, want)
		}
	}
}

func TestAWeakKeyIsRenewedUnseen(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		writeStatus(w, http.StatusBadRequest, "BadRequest", "private key policy not met: hardware_key_touch")
	}
	k.handle("/api", func(w http.ResponseWriter, r *http.Request) {
		if k.issued.Load() == 1 {
			refuse(w, r)
		}
	})
	if code, body := k.tool().ask(http.MethodGet, "/api", ""); code != http.StatusOK || k.issued.Load() != 2 {
		t.Errorf("the answer is %d %q after %d certificates", code, body, k.issued.Load())
	}
	k.handle("/apply", refuse)
	code, body := k.tool().ask(http.MethodPost, "/apply", "content")
	wantStatus(t, code, body, http.StatusBadRequest, "private key policy not met")
	if asked := k.requests(); len(asked) != 3 {
		t.Errorf("%d requests, want no second one with a body", len(asked))
	}
	code, body = k.tool().ask(http.MethodGet, "/apply", "")
	wantStatus(t, code, body, http.StatusBadRequest, "private key policy not met") // with the new certificate as well
}

func TestOtherRefusalsAreTheClustersOwn(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	long := strings.Repeat("x", 2*refusalLongest)
	k.handle("/secrets", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, long, http.StatusForbidden) })
	if code, body := k.tool().ask(http.MethodGet, "/secrets", ""); code != http.StatusForbidden || body != long+"\n" {
		t.Errorf("the answer is %d with %d bytes", code, len(body))
	}
	if k.issued.Load() != 1 {
		t.Error("a certificate was renewed for nothing")
	}
}

// A client that is refused stops sending, so the rest of the body never comes.
func TestARefusalNeedNotWaitForTheBody(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	k.handle("/api", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "too much", http.StatusRequestEntityTooLarge)
	})
	body, rest := io.Pipe()
	defer rest.Close()
	response, err := k.tool().sendBody(t.Context(), http.MethodPost, "/api", body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text := make(chan string, 1)
	go func() {
		all, err := io.ReadAll(response.Body)
		text <- fmt.Sprintf("%s%v", all, err)
	}()
	if got := testkit.Receive(t, "refusal", text); response.StatusCode != http.StatusRequestEntityTooLarge || got != "too much\n<nil>" {
		t.Errorf("the answer is %d %q", response.StatusCode, got)
	}
}

func TestAConnectionThatWasCutIsOpenedAgain(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	c := k.tool()
	c.ask(http.MethodGet, "/api", "")
	k.cut()
	if code, body := c.ask(http.MethodGet, "/api", ""); code != http.StatusOK || k.dials.Load() != 2 || k.issued.Load() != 1 {
		t.Errorf("the answer is %d %q over %d connections", code, body, k.dials.Load())
	}
}

func TestACertificateRefusedWithoutAWordIsExplained(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	k.strict.Store(true)
	code, body := k.tool().ask(http.MethodGet, pods, "")
	wantStatus(t, code, body, http.StatusServiceUnavailable, fault.From(errExplained).What)
	if k.issued.Load() != 2 {
		t.Errorf("%d certificates were issued, want another one after the refusal", k.issued.Load())
	}
	k.clock.advance(refusalRest)
	k.strict.Store(false)
	if code, _ := k.tool().ask(http.MethodGet, pods, ""); code != http.StatusOK {
		t.Errorf("the next try got %d", code)
	}
}

func TestAConnectionThatEndsBeforeItsFirstWordIsExplained(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	k.set(func(context.Context) (Route, error) {
		r := k.route()
		dial := r.Dial
		r.Dial = func(ctx context.Context) (net.Conn, error) {
			conn, err := dial(ctx)
			if err == nil {
				_ = conn.(*tls.Conn).NetConn().Close()
			}
			return conn, err
		}
		return r, nil
	})
	code, body := k.tool().ask(http.MethodGet, pods, "")
	wantStatus(t, code, body, http.StatusServiceUnavailable, fault.From(errExplained).What)
	if k.issued.Load() != 2 {
		t.Errorf("%d certificates were issued, want another one after the refusal", k.issued.Load())
	}
}

func TestClosingEndsWatchesAndQuestions(t *testing.T) {
	k := newKubeWorld(t, "h2", "http/1.1")
	c := k.tool()
	watch := c.watch()
	k.clock.advance(2 * time.Hour)
	k.set(func(ctx context.Context) (Route, error) {
		<-ctx.Done()
		return Route{}, context.Cause(ctx)
	})
	waiting := make(chan error, 1)
	go func() {
		response, err := c.send(t.Context(), http.MethodGet, "/api", "")
		if err == nil {
			_ = response.Body.Close()
		}
		waiting <- err
	}()
	testkit.Eventually(t, "question", func() bool { return k.proxy.State().Asking })
	for range 2 {
		if err := k.proxy.Close(); err != nil {
			t.Fatalf("closing: %v", err)
		}
	}
	if line, err := watch.ReadString('\n'); err == nil {
		t.Errorf("a closed proxy sent %q", line)
	}
	if err := testkit.Receive(t, "end of the question", waiting); err == nil {
		t.Error("a closed proxy answered")
	}
	if state := k.proxy.State(); state.Clients != 0 || state.Problem != nil {
		t.Errorf("the state is %+v", state)
	}
}
