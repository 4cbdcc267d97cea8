package demo

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// kubeServer is the way to an API server, as one who may do everything in everybody's name.
type kubeServer struct {
	url      *url.URL
	streams  *http.Transport // HTTP/2 where it can be
	upgrades *http.Transport // HTTP/1.1, which can change to another protocol
}

// kubeKeys are what we need to talk to the API server.
type kubeKeys struct {
	roots *x509.CertPool
	proxy tls.Certificate
}

// kubeProxyUser is who we are there; nothing is forbidden to its group.
var kubeProxyUser = pkix.Name{CommonName: "touchstone-demo-proxy", Organization: []string{"system:masters"}}

// writeKubeKeys makes an authority that lives only now, writes what the API server needs, and returns what we need.
func writeKubeKeys(folder string) (*kubeKeys, error) {
	now := time.Now() // the server's clock
	ca, err := newAuthority(pkix.Name{CommonName: "touchstone-demo-kubernetes"}, now)
	if err != nil {
		return nil, err
	}
	key, err := newECKey()
	if err != nil {
		return nil, fmt.Errorf("making a key for Kubernetes: %w", err)
	}
	server, err := ca.serverCertificate(key, pkix.Name{CommonName: "localhost"}, loopbackNames, now)
	if err != nil {
		return nil, err
	}
	if err := writeKubeFiles(folder, ca, server.Certificate[0], key); err != nil {
		return nil, err
	}
	ours, err := newECKey()
	if err != nil {
		return nil, fmt.Errorf("making a key for Kubernetes: %w", err)
	}
	proxy, err := ca.serverCertificate(ours, kubeProxyUser, nil, now)
	return &kubeKeys{roots: ca.pool(), proxy: proxy}, err
}

// newAuthority makes an authority for certificates that is kept in memory only.
func newAuthority(subject pkix.Name, now time.Time) (*authority, error) {
	key, err := newECKey()
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	der, err := selfSign(key, subject, now)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	return &authority{cert: cert, key: key}, nil
}

func writeKubeFiles(folder string, ca *authority, cert []byte, key crypto.Signer) error {
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"ca.crt": certPEM(ca.cert.Raw), "server.crt": certPEM(cert), "server.key": keyPEM,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return fmt.Errorf("writing Kubernetes' files: %w", err)
		}
	}
	return nil
}

func newKubeServer(addr string, keys *kubeKeys) *kubeServer {
	transport := func(protocols ...string) *http.Transport {
		t := &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: keys.roots, ServerName: "localhost",
				Certificates: []tls.Certificate{keys.proxy}, MinVersion: tls.VersionTLS12},
			Protocols:       &http.Protocols{},
			IdleConnTimeout: time.Minute,
		}
		t.Protocols.SetHTTP1(true)
		t.Protocols.SetHTTP2(len(protocols) > 0)
		return t
	}
	return &kubeServer{url: &url.URL{Scheme: "https", Host: addr}, streams: transport("h2"), upgrades: transport()}
}

// RoundTrip implements http.RoundTripper.
func (s *kubeServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Upgrade") != "" {
		return s.upgrades.RoundTrip(r)
	}
	return s.streams.RoundTrip(r)
}

func (s *kubeServer) close() {
	s.streams.CloseIdleConnections()
	s.upgrades.CloseIdleConnections()
}

// readyPause is how long prepare rests between two looks.
const readyPause = 50 * time.Millisecond

// prepare waits until the API server is ready and puts into it what there is to see.
func (s *kubeServer) prepare(ctx context.Context) error {
	tick := time.NewTicker(readyPause)
	defer tick.Stop()
	for s.send(ctx, http.MethodGet, "/readyz", "") != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for _, object := range kubeObjects {
		if err := s.send(ctx, http.MethodPost, object.path, object.text); err != nil {
			return err
		}
	}
	return nil
}

// send makes one request whose answer does not matter beyond its success.
func (s *kubeServer) send(ctx context.Context, method, path, body string) error {
	r, err := http.NewRequestWithContext(ctx, method, s.url.JoinPath(path).String(), bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/yaml")
	response, err := s.RoundTrip(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	return err
}
