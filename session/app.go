package session

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/session/localproxy"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// AppRef says which application to open.
type AppRef struct {
	Cluster string // Cluster.ID
	Name    string
	Port    int // on this computer; zero for the one of the last time, or any
}

// OpenApp opens a local proxy to an HTTP application, or returns the one that is open already. It may ask for a touch
// to find the application; what the certificate needs is asked for when the first browser or tool connects.
func (m *Manager) OpenApp(ctx context.Context, ref AppRef) (ProxyID, error) {
	app, err := findTarget(m, ref.Cluster, "application", ref.Name, (*cluster).appList,
		func(a App) string { return a.Name }, func() ([]App, error) { return m.Apps(ctx, ref.Cluster) })
	if err != nil {
		return 0, err
	}
	if !strings.HasPrefix(app.URI, "http://") && !strings.HasPrefix(app.URI, "https://") {
		return 0, fault.New(fmt.Sprintf("The application %s does not speak HTTP, and Touchstone cannot lead to others yet.", app.Name),
			"Use another client for it.")
	}
	source := &appSource{m: m, cluster: ref.Cluster, app: app}
	return m.openProxy(opening{port: ref.Port, source: source, refusal: localproxy.AppRefusal(), end: source.end, info: ProxyInfo{
		Cluster: ref.Cluster, Kind: ProxyApp, Name: app.Name, Protocol: "http",
	}})
}

// appSource issues the certificates of one local proxy.
type appSource struct {
	m       *Manager
	cluster string
	app     App
	session string // the latest one that was opened; renewals follow one another, and end comes after the last
}

// Issue implements localproxy.CertSource.
func (s *appSource) Issue(ctx context.Context) (route localproxy.Route, err error) {
	w := way{what: "Connect to application " + s.app.Name, name: s.app.Name, to: teleport.AppService(), check: s.check}
	err = s.m.withLiveSession(ctx, s.cluster, func(p profile, link *link) error {
		var cert *x509.Certificate
		err := link.withAuth(ctx, w.what, func(auth *teleport.Auth) (err error) {
			cert, err = s.certificate(ctx, link, auth, w.what)
			return err
		})
		if err != nil {
			return useFault(p, err)
		}
		route = noticeLateChecks(link.route(s.cluster, cert, w))
		return s.await(ctx, p, route)
	})
	return route, err
}

// certificate asks for a certificate that only leads to the application, and opens a session with it where the cluster
// does not do so by itself (apps sheet, 5.1).
func (s *appSource) certificate(ctx context.Context, link *link, auth *teleport.Auth, what string) (*x509.Certificate, error) {
	to := &authpb.RouteToApp{Name: s.app.Name, PublicAddr: s.app.PublicAddr, ClusterName: link.ring.Cluster}
	r := &authpb.UserCertsRequest{
		Usage: authpb.UserCertsRequest_App, RequesterName: authpb.UserCertsRequest_TSH_APP_LOCAL_PROXY, RouteToApp: to,
	}
	if link.profile.major() >= splitKeysSince {
		to.Uri = s.app.URI
		return link.routeCertificate(ctx, auth, what, r)
	}
	if err := s.open(ctx, link, auth, what, r); err != nil {
		return nil, err
	}
	to.SessionId = s.session
	r.RequesterName = authpb.UserCertsRequest_UNSPECIFIED // newer clusters only know it
	request, err := link.routeRequest(r)
	if err != nil {
		return nil, err
	}
	certs, err := auth.GenerateUserCerts(ctx, request)
	if err != nil {
		return nil, err
	}
	return link.readRoute(certs)
}

// open opens a session with the application. Where the cluster wants a check by a second factor, it belongs to the
// session.
func (s *appSource) open(ctx context.Context, link *link, auth *teleport.Auth, what string, r *authpb.UserCertsRequest) error {
	request := &authpb.CreateAppSessionRequest{Username: link.ring.User, PublicAddr: s.app.PublicAddr, ClusterName: link.ring.Cluster}
	check, err := link.check(ctx, auth, what, r)
	if err != nil {
		return err
	}
	if check == nil {
		s.session, err = auth.CreateAppSession(ctx, request)
		return err
	}
	return check.retry(ctx, func() (err error) {
		if request.MfaResponse, err = check.proof(ctx); err != nil {
			return err
		}
		s.session, err = auth.CreateAppSession(ctx, request)
		return err
	})
}

// farewell is how long ending a session may take.
const farewell = 2 * time.Second

// errNotOpen: nobody is asked for a touch to say goodbye.
var errNotOpen = errors.New("there is no connection to the cluster")

// end ends the session with the application where the connection to the cluster is still open; else it ends by itself
// with the sign-in.
func (s *appSource) end() {
	if s.session == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	s.m.mu.Lock()
	link := s.m.clusters[s.cluster].link
	s.m.mu.Unlock()
	if link == nil {
		return
	}
	err := link.auth.use(ctx, func() (*teleport.Auth, error) { return nil, errNotOpen },
		func(auth *teleport.Auth) error { return auth.DeleteAppSession(ctx, s.session) })
	if err != nil {
		s.m.config.Log.Debug("a session with an application was left to end by itself", "error", err)
	}
}

// await waits until the proxy knows the session, on a connection of its own.
func (s *appSource) await(ctx context.Context, p profile, route localproxy.Route) error {
	conn, err := route.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	err = localproxy.AwaitApp(ctx, conn)
	if known, ok := passes(err); ok {
		return known
	}
	if errors.Is(err, localproxy.ErrNoSession) {
		return fault.Wrap(err, fmt.Sprintf("%s has not opened the application %s yet.", p.name(), s.app.Name), "Try again in a moment.")
	}
	return route.Explain(ctx)
}

// check finds out whether the application is still there.
func (s *appSource) check(ctx context.Context, auth *teleport.Auth) error {
	found, err := auth.ListApps(ctx, s.app.Name)
	if err != nil {
		return err
	}
	for _, a := range distinct(found, appOf) {
		if a.Name == s.app.Name {
			return nil
		}
	}
	return fault.New(fmt.Sprintf("The application %s is not there any more, or you may not see it any more.", s.app.Name),
		"Refresh the list of applications.")
}
