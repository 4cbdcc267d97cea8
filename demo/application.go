package demo

import (
	"crypto/tls"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"net"
	"net/http"
	"slices"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
)

// application is an HTTP application of the cluster.
type application struct {
	name, about, uri, publicAddr string
	labels                       map[string]string
	handler                      http.Handler
}

// headerAssertion tells an application who asks (apps sheet, 5.2).
const headerAssertion = "Teleport-Jwt-Assertion"

// headerError carries the reason of a refusal (apps sheet, 5.2).
const headerError = "X-Teleport-API-Error"

// applications is the proxy and the agent of applications in one.
type applications struct {
	all      []*application
	sessions *appSessions
	tokens   *tokens
	host     *host
	guard    *guard
	audit    *audit
	proxy    string // host:port as clients reach it
}

// seedApplications are two ways to one page, so that roles can tell them apart.
func seedApplications(t *tokens, proxy string) []*application {
	return []*application{
		newWhoami(t, proxy, "whoami", "A page that shows who you are", envDev),
		newWhoami(t, proxy, "whoami-prod", "The same page, as if it were production", envProd),
	}
}

// newWhoami is a page that shows who it was told is asking.
func newWhoami(t *tokens, proxy, name, about, env string) *application {
	host, _, err := net.SplitHostPort(proxy)
	if err != nil {
		host = proxy
	}
	app := &application{
		name: name, about: about, uri: "http://" + name + ".internal",
		publicAddr: name + "." + host, labels: map[string]string{"env": env},
	}
	app.handler = whoami(t, app.uri)
	return app
}

// entries lists them.
func (a *applications) entries() []entry {
	var all []entry
	for _, app := range a.all {
		server := &typespb.AppServerV3{
			Kind: "app_server", Version: "v3", Metadata: &typespb.Metadata{Name: app.name, Namespace: "default"},
			Spec: &typespb.AppServerSpecV3{
				Hostname: a.host.name, HostId: a.host.id,
				App: &typespb.AppV3{
					Kind: "app", Version: "v3",
					Metadata: &typespb.Metadata{Name: app.name, Namespace: "default", Description: app.about, Labels: app.labels},
					Spec:     &typespb.AppSpecV3{Uri: app.uri, PublicAddr: app.publicAddr},
				},
			},
		}
		all = append(all, entry{
			kind: appKind, name: app.name, labels: app.labels,
			keys:     map[string]string{"name": app.name, "description": app.about, "publicAddress": app.publicAddr},
			resource: &authpb.PaginatedResource{Resource: &authpb.PaginatedResource_AppServer{AppServer: server}},
		})
	}
	return all
}

// find returns the application at a public address, or nil.
func (a *applications) find(publicAddr string) *application {
	at := slices.IndexFunc(a.all, func(app *application) bool { return app.publicAddr == publicAddr })
	if at < 0 {
		return nil
	}
	return a.all[at]
}

// open makes a session with an application (apps sheet, 5.1).
func (a *applications) open(granted *access, publicAddr string, device mfaDevice) (id string, err error) {
	app := a.find(publicAddr)
	if app == nil || !granted.sees(appKind, app.labels) {
		return "", refuse(notFound, "app %q is not found", publicAddr)
	}
	user := granted.identity
	id = a.sessions.add(appSession{user: user.user, publicAddr: publicAddr, mfaDevice: device.ID, expires: user.expires})
	a.audit.record(Event{Name: EventAppSessionStart, Service: "app", Success: true, User: user.user, App: app.name, Session: id,
		MFADevice: device.Name, MFADeviceID: device.ID})
	return id, nil
}

// close ends a session.
func (a *applications) close(user, id string) error {
	err := a.sessions.remove(user, id)
	if err == nil {
		a.audit.record(Event{Name: EventAppSessionEnd, Service: "app", Success: true, User: user, Session: id})
	}
	return err
}

// orElse serves requests that come with a client certificate as traffic of an application, whatever host they name,
// and leaves the others to the web API (apps sheet, 5.2).
func (a *applications) orElse(web http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if in.TLS == nil || len(in.TLS.VerifiedChains) == 0 {
			web.ServeHTTP(out, in)
			return
		}
		a.serve(out, in)
	})
}

// serve checks the certificate, the session and the roles once more for each request.
func (a *applications) serve(out http.ResponseWriter, in *http.Request) {
	id, err := appIdentity(in.TLS)
	var session appSession
	if err == nil {
		session, err = a.sessions.check(id.user, id.route.app.session)
	}
	if err != nil { // as if it were a browser that has not signed in yet
		http.Redirect(out, in, fmt.Sprintf("https://%s/web/launch/%s", a.proxy, in.Host), http.StatusFound)
		return
	}
	app, err := a.authorize(id, session)
	if errors.Is(err, errHiddenApp) {
		http.Error(out, http.StatusText(http.StatusNotFound), http.StatusNotFound)
		return
	}
	if err != nil {
		code, text := httpStatus(err)
		out.Header().Set(headerError, text)
		http.Error(out, text, code)
		return
	}
	token, err := a.tokens.issue(app.uri, id)
	if err != nil {
		http.Error(out, "internal error", http.StatusInternalServerError)
		return
	}
	in.Header.Set(headerAssertion, token) // whatever the client sent under that name is gone
	a.audit.record(Event{Name: EventAppRequest, Service: "app", Success: true, User: id.user, App: app.name,
		Session: id.route.app.session, Command: in.Method + " " + in.URL.Path})
	app.handler.ServeHTTP(out, in)
}

func appIdentity(state *tls.ConnectionState) (identity, error) {
	id, err := identityFromTLS(state.PeerCertificates[0])
	if err == nil && !slices.Contains(id.usage, wire.UsageApps) {
		err = refuse(accessDenied, "access denied: invalid client certificate")
	}
	return id, err
}

// authorize is the decision of the agent. In version 12 a session with an application has a key in software, which no
// hardware policy is satisfied by; later ones do not ask for the session's key (databases-kube-apps sheet, section 6).
func (a *applications) authorize(id identity, session appSession) (*application, error) {
	granted, err := a.guard.admit(id, "app")
	if err == nil && granted.profile == version12 {
		err = granted.checkPolicy(wire.PolicyNone)
	}
	if err != nil {
		return nil, err
	}
	app := a.find(id.route.app.publicAddr)
	if app == nil {
		return nil, refuse(notFound, "app %q is not found", id.route.app.publicAddr)
	}
	err = granted.openApp(app.labels, session.mfaDevice != "")
	if err != nil && granted.profile.hidesApps() {
		err = errHiddenApp
	}
	return app, err
}

// errHiddenApp is a refusal by roles whose reason stays with the agent.
var errHiddenApp = refuse(notFound, "the application is hidden")

// whoamiPage is what the application shows.
var whoamiPage = htmltemplate.Must(htmltemplate.New("whoami").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Who am I?</title>
<h1>You are {{.Username}}</h1>
<p>This page was told so by {{.Issuer}}, in a token that it checked.</p>
<ul>{{range .Roles}}
<li>role {{.}}</li>{{end}}
</ul>
`))

// whoami believes only what the cluster has signed.
func whoami(t *tokens, uri string) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		claims, err := t.check(uri, in.Header.Get(headerAssertion))
		if err != nil {
			http.Error(out, "Nobody vouches for you.", http.StatusForbidden)
			return
		}
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = whoamiPage.Execute(out, claims) // the client is gone: nobody to tell
	})
}
