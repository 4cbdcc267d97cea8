package demo

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// Headers that say whom a request appears as.
const (
	headerImpersonate      = "Impersonate-"
	headerImpersonateUser  = "Impersonate-User"
	headerImpersonateGroup = "Impersonate-Group"
)

// kubeForwarder leads requests to the API server, in the name of whoever sends them. Each request is decided anew.
type kubeForwarder struct {
	*kubeClusters
	owner *group // of requests, which may last
	log   *slog.Logger
}

// kubeConnKey is where the server leaves the net.Conn of a request.
type kubeConnKey struct{}

// ServeHTTP implements http.Handler. The request ends with the cluster at the latest: neither a watch nor a connection
// that changed to another protocol ends by itself. Whoever waits for the latter's client notices no context.
func (f *kubeForwarder) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	ctx, cancel := context.WithCancel(in.Context())
	defer cancel()
	id, ok := f.owner.enter(func() {
		cancel()
		if conn, ok := ctx.Value(kubeConnKey{}).(net.Conn); ok && in.Header.Get("Upgrade") != "" {
			_ = conn.Close()
		}
	})
	if !ok {
		return
	}
	defer f.owner.wg.Done()
	defer f.owner.leave(id)
	f.serve(out, in.WithContext(ctx))
}

func (f *kubeForwarder) serve(out http.ResponseWriter, in *http.Request) {
	event := Event{Name: EventKubeRequest, Service: "kube", Command: in.Method + " " + in.URL.Path}
	to, err := f.authorize(in, &event)
	event.Success = err == nil
	if err != nil {
		event.Reason = err.Error()
	}
	f.audit.record(event)
	if err != nil {
		f.refuse(out, err)
		return
	}
	server, err := f.server.open(in.Context())
	if err != nil {
		f.log.Warn("Kubernetes does not start", "err", err)
		writeKubeStatus(out, http.StatusServiceUnavailable, "the API server of "+event.KubeCluster+" cannot be started")
		return
	}
	f.proxy(server, to).ServeHTTP(out, in)
}

// kubeImpersonation is whom a request appears as.
type kubeImpersonation struct {
	user   string
	groups []string
}

// authorize decides about a request: certificate, key policy, cluster, roles, and whom it wants to appear as.
func (f *kubeForwarder) authorize(in *http.Request, event *Event) (*kubeImpersonation, error) {
	id, err := identityFromTLS(in.TLS.PeerCertificates[0])
	if err != nil || len(id.usage) > 0 && !slices.Contains(id.usage, wire.UsageKube) {
		return nil, refuse(accessDenied, "access denied: invalid client certificate")
	}
	event.User, event.KubeCluster = id.user, id.route.kube
	granted, err := f.guard.admit(id, "kube")
	if err != nil {
		return nil, err
	}
	cluster := f.find(id.route.kube)
	if cluster == nil {
		return nil, refuse(notFound, "kubernetes cluster %q not found", id.route.kube)
	}
	names, err := granted.openKube(cluster.labels)
	if err != nil {
		return nil, err
	}
	for name := range in.Header {
		if strings.HasPrefix(name, headerImpersonate) && name != headerImpersonateUser && name != headerImpersonateGroup {
			return nil, refuse(accessDenied, "impersonation request has been denied, header %s is not supported", name)
		}
	}
	user, groups, err := names.choose(id.user, in.Header[headerImpersonateUser], in.Header[headerImpersonateGroup])
	return &kubeImpersonation{user, groups}, err
}

// proxy passes one request on, whatever it becomes: a long watch, or another protocol.
func (f *kubeForwarder) proxy(server *kubeServer, as *kubeImpersonation) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:     server,
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server.url)
			r.Out.Header.Del("Authorization") // who it is was decided here
			r.Out.Header.Set(headerImpersonateUser, as.user)
			r.Out.Header[headerImpersonateGroup] = as.groups
			if r.In.ProtoMajor == 2 && r.Out.Body != nil {
				r.Out.Body = r.In.Body // closing it frees who reads it; the API server may answer before the end
			}
		},
		ErrorHandler: func(out http.ResponseWriter, in *http.Request, err error) {
			f.log.Debug("forwarding to Kubernetes", "path", in.URL.Path, "err", err)
			writeKubeStatus(out, http.StatusBadGateway, "the API server cannot be reached")
		},
	}
}

// textKubeDenied is all that version 12 says about a missing permission (databases-kube-apps sheet, 4.1).
const textKubeDenied = "[00] access denied"

// refuse answers as Kubernetes would. A key policy that is not met is told word for word in every version.
func (f *kubeForwarder) refuse(out http.ResponseWriter, err error) {
	code, text := httpStatus(err)
	if code == http.StatusForbidden && !f.profile.kubeServers() {
		text = textKubeDenied
	}
	writeKubeStatus(out, code, text)
}

// kubeStatus is how Kubernetes reports an error.
type kubeStatus struct {
	Kind       string   `json:"kind"`
	APIVersion string   `json:"apiVersion"`
	Metadata   struct{} `json:"metadata"`
	Status     string   `json:"status"`
	Message    string   `json:"message"`
	Reason     string   `json:"reason,omitempty"`
	Code       int      `json:"code"`
}

var kubeReasons = map[int]string{
	http.StatusBadRequest:         "BadRequest",
	http.StatusForbidden:          "Forbidden",
	http.StatusNotFound:           "NotFound",
	http.StatusServiceUnavailable: "ServiceUnavailable",
}

func writeKubeStatus(out http.ResponseWriter, code int, message string) {
	text, err := json.Marshal(kubeStatus{Kind: "Status", APIVersion: "v1", Status: "Failure",
		Message: message, Reason: kubeReasons[code], Code: code})
	if err != nil {
		panic(err) // nothing in it can fail
	}
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(code)
	_, _ = out.Write(text) // the client is gone: nobody to tell
}

// kubeHTTPServer is httpServer without limits for how long a request takes.
func kubeHTTPServer(from *handover, f *kubeForwarder) server {
	s := &http.Server{
		Handler:           f,
		ReadHeaderTimeout: helloTimeout,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, kubeConnKey{}, c) },
	}
	return server{from: from, serve: s.Serve, stop: func() { _ = s.Close() }}
}
