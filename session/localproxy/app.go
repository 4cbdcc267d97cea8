package localproxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// AppRefusal speaks HTTP.
func AppRefusal() Refusal { return Refusal{Hear: hearHTTP, Say: sayHTTP} }

func hearHTTP(client net.Conn) error {
	request, err := http.ReadRequest(bufio.NewReader(client))
	if err != nil {
		return err
	}
	return request.Body.Close()
}

func sayHTTP(why error) []byte {
	text := sentences(why) + "\n"
	response := http.Response{
		ProtoMajor: 1, ProtoMinor: 1, StatusCode: http.StatusBadGateway, Close: true,
		Header:        http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Cache-Control": {"no-store"}},
		Body:          io.NopCloser(strings.NewReader(text)),
		ContentLength: int64(len(text)),
	}
	var b bytes.Buffer
	_ = response.Write(&b) // a buffer takes everything
	return b.Bytes()
}

// Bounds of waiting for an application's session: proxies hear of a new one a moment after it was made, and answer
// with a redirect to their own pages until then (apps sheet, 5.1).
const (
	sessionPatience = 3 * time.Second
	sessionPause    = 100 * time.Millisecond
)

// ErrNoSession ends AwaitApp.
var ErrNoSession = errors.New("the proxy does not know the application's session")

// AwaitApp asks on conn until the proxy knows the application's session. All on one connection: another one would
// cost another signature. The connection is of no further use.
func AwaitApp(ctx context.Context, conn net.Conn) error {
	ctx, cancel := context.WithTimeoutCause(ctx, sessionPatience, ErrNoSession)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	reader := bufio.NewReader(conn)
	ticks := time.NewTicker(sessionPause)
	defer ticks.Stop()
	for {
		known, err := askApp(conn, reader)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if known || err != nil {
			return err
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// askApp sends one request and reports whether anything but the proxy itself answered.
func askApp(conn net.Conn, reader *bufio.Reader) (known bool, err error) {
	request, err := http.NewRequest(http.MethodHead, "http://localhost/", nil)
	if err != nil {
		return false, fmt.Errorf("asking for the application: %w", err)
	}
	if err := request.Write(conn); err != nil {
		return false, fmt.Errorf("asking for the application: %w", err)
	}
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return false, fmt.Errorf("asking for the application: %w", err)
	}
	_ = response.Body.Close() // HEAD has none
	return !isLaunch(response), nil
}

// isLaunch recognises the redirect of a proxy that does not know the session.
func isLaunch(r *http.Response) bool {
	return r.StatusCode == http.StatusFound && strings.Contains(r.Header.Get("Location"), "/web/launch/")
}
