package localproxy

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"
)

// Kube makes a proxy speak HTTPS with the tools of Kubernetes. They bring the kubeconfig that Proxy.Kubeconfig makes;
// without it the port leads nowhere, whoever finds it (kube sheet, 4.2).
type Kube struct {
	Context string // name of cluster, user and context in the kubeconfig
	Host    string // by which requests call the cluster: "host:port" of its proxy
}

// kubeServer passes requests of Kubernetes' API on: many from many clients, over as few connections as will do.
type kubeServer struct {
	proxy    *Proxy
	config   Kube
	access   *kubeAccess
	conns    *kubeConns
	arriving chan net.Conn // from Proxy to http.Server
	recent   recentRefusal
}

func newKubeServer(p *Proxy, config Kube) (*kubeServer, error) {
	access, err := newKubeAccess(p.config.Now())
	if err != nil {
		return nil, err
	}
	return &kubeServer{
		proxy: p, config: config, access: access, arriving: make(chan net.Conn),
		conns: &kubeConns{certs: p.certs, host: config.Host, life: p.life, owner: &p.running},
	}, nil
}

// Kubeconfig is the content of the kubeconfig with which tools get through. It holds a token: keep it from other
// accounts. It is nil for proxies that speak no Kubernetes.
func (p *Proxy) Kubeconfig() ([]byte, error) {
	if p.kube == nil {
		return nil, nil
	}
	return p.kube.access.kubeconfig(p.kube.config.Context, p.Address())
}

// headPatience is how long a client may take for its part of a handshake or for the head of a request.
const headPatience = 10 * time.Second

// run serves what lead hands over until the proxy is closed.
func (k *kubeServer) run() {
	server := &http.Server{
		Handler:           k,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{k.access.server}, Time: k.proxy.config.Now},
		ReadHeaderTimeout: headPatience,
		ErrorLog:          log.New(io.Discard, "", 0), // anybody can cause errors here
		BaseContext:       func(net.Listener) context.Context { return k.proxy.life },
		ConnContext:       withKubeClient,
	}
	_ = server.ServeTLS(k, "", "") // it ends with the proxy, for no other reason
	_ = server.Close()             // what it still holds is being closed as well
}

// Accept implements net.Listener for http.Server.
func (k *kubeServer) Accept() (net.Conn, error) {
	select {
	case conn := <-k.arriving:
		return conn, nil
	case <-k.proxy.life.Done():
		return nil, net.ErrClosed
	}
}

// Close does nothing: the proxy owns the listener.
func (k *kubeServer) Close() error { return nil }

// Addr is the proxy's.
func (k *kubeServer) Addr() net.Addr { return k.proxy.listener.Addr() }

// lead serves one connection and returns when nothing of it runs any more.
func (k *kubeServer) lead(conn net.Conn) {
	client := &kubeClient{Conn: conn, proxy: k.proxy, closed: make(chan struct{})}
	select {
	case k.arriving <- client:
		<-client.closed
		client.end()
	case <-k.proxy.life.Done():
	}
}

// ServeHTTP passes a request on for whoever has the token.
func (k *kubeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client := r.Context().Value(kubeClientKey{}).(*kubeClient)
	if !client.begin() {
		panic(http.ErrAbortHandler) // http.Server's way to end a request
	}
	defer client.requests.Done()
	if !k.admits(r) {
		writeStatus(w, http.StatusUnauthorized, "Unauthorized", "This port is for whoever has its kubeconfig.")
		return
	}
	forward := httputil.ReverseProxy{
		Rewrite:       k.rewrite,
		Transport:     k,
		FlushInterval: -1, // watches and logs are read line by line
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, err error) { k.refuse(w, r, err) },
	}
	forward.ServeHTTP(w, r)
}

// admits compares the token in constant time.
func (k *kubeServer) admits(r *http.Request) bool {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return found && subtle.ConstantTimeCompare([]byte(token), []byte(k.access.token)) == 1
}

// rewrite sends a request to the cluster. The token stays here: over there the certificate says who asks.
func (k *kubeServer) rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "https", k.config.Host, k.config.Host
	r.Out.Header.Del("Authorization")
	if r.In.ProtoMajor == 2 && r.Out.Body != nil {
		// A cluster may refuse before it has read the body. HTTP/2 clients stop sending then, and what still waits for
		// the rest must be freed by closing the body, which the wrapper that is here by default does not do.
		r.Out.Body = r.In.Body
	}
}

// refuse tells a client why its request was not passed on.
func (k *kubeServer) refuse(w http.ResponseWriter, r *http.Request, why error) {
	if r.Context().Err() != nil {
		return // nobody listens any more
	}
	if !errors.Is(why, errPatience) {
		k.proxy.fail(why)
	}
	writeRefusal(w, r, why)
}
