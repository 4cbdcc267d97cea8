package localproxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestPsqlShowsWhyItIsNotConnected(t *testing.T) {
	s := newSource(t)
	s.set(func(context.Context) (Route, error) {
		return Route{}, fault.New("The key was pulled.", "Plug it in.")
	})
	p := open(t, s, DatabaseRefusal("postgres"))
	for _, mode := range []string{"disable", "prefer"} {
		url := fmt.Sprintf("postgres://reader@%s/orders?sslmode=%s&gssencmode=disable", p.Address(), mode)
		out, err := exec.Command("psql", url, "-c", "select 1").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "FATAL:  The key was pulled. Plug it in.") {
			t.Errorf("sslmode=%s: psql says %q, %v", mode, out, err)
		}
	}
}

func TestBrowsersShowWhyTheyAreNotConnected(t *testing.T) {
	s := newSource(t)
	s.set(func(context.Context) (Route, error) {
		return Route{}, fault.New("The key was pulled.", "Plug it in.")
	})
	p := open(t, s, AppRefusal())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, AppURL(p.Port()), nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatalf("asking: %v", err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusBadGateway || string(text) != "The key was pulled. Plug it in.\n" {
		t.Errorf("the answer is %s, %q", response.Status, text)
	}
}

func TestOnlyKnownProtocolsAreToldAnything(t *testing.T) {
	for protocol, known := range map[string]bool{"postgres": true, "cockroachdb": true, "mysql": false, "redis": false} {
		if got := DatabaseRefusal(protocol).Say != nil; got != known {
			t.Errorf("DatabaseRefusal(%q) is known: %v, want %v", protocol, got, known)
		}
	}
}

// answers is a proxy's side of a connection that answers each request with the next status.
func answers(t *testing.T, statuses ...string) net.Conn {
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer theirs.Close()
		buf := make([]byte, 4096)
		for _, status := range statuses {
			if _, err := theirs.Read(buf); err != nil {
				return
			}
			if _, err := io.WriteString(theirs, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n"); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = ours.Close()
		<-done
	})
	return ours
}

const launch = "302 Found\r\nLocation: https://proxy.example/web/launch/app.proxy.example"

func TestAnApplicationIsReadyOnceItAnswersItself(t *testing.T) {
	for _, last := range []string{"200 OK", "404 Not Found", "302 Found\r\nLocation: /login"} {
		if err := AwaitApp(t.Context(), answers(t, launch, launch, last)); err != nil {
			t.Errorf("%q: %v", last, err)
		}
	}
}

func TestWaitingForAnApplicationEnds(t *testing.T) {
	if err := AwaitApp(t.Context(), answers(t, launch)); err == nil || errors.Is(err, ErrNoSession) {
		t.Errorf("a connection that breaks gives %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errExplained)
	if err := AwaitApp(ctx, answers(t)); !errors.Is(err, errExplained) {
		t.Errorf("a cancelled wait gives %v", err)
	}
}

func TestCommandsForEveryProtocol(t *testing.T) {
	var got bytes.Buffer
	for _, protocol := range []string{"postgres", "cockroachdb", "mysql", "mongodb", "redis", "sqlserver", "cassandra", "http", "kubernetes", "oracle"} {
		fmt.Fprintf(&got, "%s\n", protocol)
		for _, target := range []Target{
			{Protocol: protocol, Port: 54021, User: "reader", Database: "orders", Kubeconfig: "/home/me/.config/touchstone/kube/dev-54021"},
			{Protocol: protocol, Port: 54021, User: "o'brien; rm", Database: "a b/c?d", Kubeconfig: "/Users/me/Library/Application Support/it's"},
			{Protocol: protocol, Port: 54021, User: "reader"},
		} {
			fmt.Fprintf(&got, "  %s\n", Command(target))
		}
	}
	testkit.Golden(t, "commands.golden", got.Bytes())
}

func FuzzReadPostgresStart(f *testing.F) {
	packet := func(code uint32, rest string) []byte {
		head := binary.BigEndian.AppendUint32(nil, uint32(8+len(rest)))
		return append(binary.BigEndian.AppendUint32(head, code), rest...)
	}
	f.Add(packet(postgresSSL, ""))
	f.Add(packet(196608, "user\x00reader\x00\x00"))
	f.Add([]byte{0, 0, 0, 7, 0, 3, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		code, err := readPostgresStart(r)
		if err != nil {
			return
		}
		length := int(binary.BigEndian.Uint32(data))
		if read := len(data) - r.Len(); read != length || code != binary.BigEndian.Uint32(data[4:]) {
			t.Errorf("read %d of a packet of %d bytes, code %d", read, length, code)
		}
	})
}
