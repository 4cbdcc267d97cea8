package localproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire"
)

// RoundTrip sends a request, unless one was refused a moment ago.
func (k *kubeServer) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if why := k.recent.standing(k.proxy.config.Now()); why != nil {
		return nil, why
	}
	if r.Header.Get("Upgrade") != "" {
		response, err = k.switchProtocols(r)
	} else {
		response, err = k.send(r)
	}
	switch {
	case err == nil:
		k.recent.forget()
		k.proxy.succeed()
	case r.Context().Err() == nil && !errors.Is(err, errPatience) && !errors.Is(err, errLost):
		k.recent.keep(err, k.proxy.config.Now())
	}
	return response, err
}

// send sends a request and, where the certificate or the connection turned out to be of no use, once more with the
// next one. Requests with a body are not sent twice.
func (k *kubeServer) send(r *http.Request) (*http.Response, error) {
	response, stale, err := k.try(r)
	if stale && r.Body == nil && r.Context().Err() == nil {
		if response != nil {
			_ = response.Body.Close() // it was a refusal
		}
		response, _, err = k.try(r)
	}
	return response, err
}

// try sends a request once. It is stale when the certificate or the connection was to blame.
func (k *kubeServer) try(r *http.Request) (response *http.Response, stale bool, err error) {
	ctx, cancel := patient(r)
	defer cancel()
	conn, stale, err := k.conns.reserve(ctx)
	if err != nil {
		return nil, stale, err
	}
	response, err = conn.RoundTrip(r)
	if err != nil {
		return nil, true, k.lost(r, conn, err)
	}
	conn.answered.Store(true)
	stale, err = wantsAnother(response)
	if stale {
		k.proxy.certs.drop(conn.route)
	}
	return response, stale, err
}

// patient waits for a person no longer than the client does.
func patient(r *http.Request) (context.Context, context.CancelFunc) {
	if limit := clientPatience(r); limit > 0 {
		return context.WithTimeoutCause(r.Context(), limit, errPatience)
	}
	return context.WithCancel(r.Context())
}

// errLost is no refusal: nobody was asked.
var errLost = errors.New("the connection broke")

// lost explains why there is no response. A connection that ends before its first one was refused.
func (k *kubeServer) lost(r *http.Request, conn *kubeConn, err error) error {
	if r.Context().Err() != nil {
		return err
	}
	if !conn.answered.Load() {
		return k.conns.refused(conn.route)
	}
	return fault.Wrap(fmt.Errorf("asking %s: %w: %w", k.config.Context, errLost, err),
		"The connection to the Kubernetes cluster was lost.", "Try again; if it stays, check your network.")
}

// refusalLongest is the longest refusal that is looked at.
const refusalLongest = 64 << 10

// wantsAnother reports whether the cluster demands another certificate: for a stricter private key, or issued after a
// check of the person, because a role has changed. Such refusals carry a text in a Status (kube sheet, 4.2). The response
// stays as it was.
func wantsAnother(response *http.Response) (bool, error) {
	if response.StatusCode < 400 || response.StatusCode >= 500 {
		return false, nil
	}
	longest := int64(refusalLongest)
	if response.ContentLength >= 0 {
		longest = min(longest, response.ContentLength) // some servers take their time with the end
	}
	head, err := io.ReadAll(io.LimitReader(response.Body, longest))
	if err != nil {
		_ = response.Body.Close() // it broke
		return false, fmt.Errorf("reading a refusal: %w", err)
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(string(head)), response.Body), response.Body}
	return strings.Contains(string(head), wire.PolicyNotMet) || strings.Contains(string(head), wire.SessionMFA), nil
}

// switchProtocols is for exec, attach and port-forward, whose requests turn the connection into something else. That
// needs one of its own, in HTTP/1.1, and a signature each time.
func (k *kubeServer) switchProtocols(r *http.Request) (*http.Response, error) {
	ctx, cancel := patient(r)
	defer cancel()
	route, err := k.proxy.certs.current(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := newKubeTransport(route.Upgrade).NewClientConn(ctx, "https", k.config.Host)
	if err != nil {
		return nil, err
	}
	response, err := conn.RoundTrip(r)
	if err != nil {
		_ = conn.Close() // it broke
		return nil, k.lost(r, &kubeConn{ClientConn: conn, route: route}, err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		response.Body = &lastBody{response.Body, conn}
	}
	return response, nil
}

// lastBody closes its connection.
type lastBody struct {
	io.ReadCloser
	conn *http.ClientConn
}

// Close ends the response and the connection.
func (b *lastBody) Close() error {
	err := b.ReadCloser.Close()
	_ = b.conn.Close() // the response is what mattered
	return err
}
