package session

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/session/localproxy"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// DatabaseRef says which database to open, and as whom.
type DatabaseRef struct {
	Cluster  string // Cluster.ID
	Name     string
	User     string // in the database
	Database string // within the server
	Port     int    // on this computer; zero for the one of the last time, or any
}

// userless are the protocols whose clients need not say who they are (databases sheet, 2.3).
var userless = []string{"redis"}

// databaseless are those whose servers need not be told which database.
var databaseless = []string{"redis", "mysql", "mongodb", "sqlserver", "cassandra", "cockroachdb", "dynamodb", "elasticsearch", "opensearch"}

// OpenDatabase opens a local proxy to a database, or returns the one that is open already. It may ask for a touch to
// find the database; what the certificate needs is asked for when the first tool connects.
func (m *Manager) OpenDatabase(ctx context.Context, ref DatabaseRef) (ProxyID, error) {
	database, err := findTarget(m, ref.Cluster, "database", ref.Name, (*cluster).databaseList,
		func(d Database) string { return d.Name }, func() ([]Database, error) { return m.Databases(ctx, ref.Cluster) })
	if err != nil {
		return 0, err
	}
	if err := checkDatabase(database, ref); err != nil {
		return 0, err
	}
	source := &databaseSource{m: m, ref: ref, protocol: database.Protocol}
	return m.openProxy(opening{port: ref.Port, source: source, refusal: localproxy.DatabaseRefusal(database.Protocol), info: ProxyInfo{
		Cluster: ref.Cluster, Kind: ProxyDatabase, Name: ref.Name, Protocol: database.Protocol, User: ref.User, Database: ref.Database,
	}})
}

func checkDatabase(d Database, ref DatabaseRef) error {
	switch {
	case ref.User == "" && !slices.Contains(userless, d.Protocol):
		return fault.New(fmt.Sprintf("No user for the database %s was given.", d.Name),
			"Say as whom to connect: --db-user on the command line.")
	case ref.Database == "" && !slices.Contains(databaseless, d.Protocol):
		return fault.New(fmt.Sprintf("The server of %s holds several databases, and none was named.", d.Name),
			"Name one: --db-name on the command line.")
	}
	return nil
}

// databaseSource issues the certificates of one local proxy.
type databaseSource struct {
	m        *Manager
	ref      DatabaseRef
	protocol string
}

// Issue implements localproxy.CertSource.
func (s *databaseSource) Issue(ctx context.Context) (route localproxy.Route, err error) {
	w := s.way()
	err = s.m.withLiveSession(ctx, s.ref.Cluster, func(p profile, link *link) error {
		var cert *x509.Certificate
		err := link.withAuth(ctx, w.what, func(auth *teleport.Auth) (err error) {
			cert, err = link.routeCertificate(ctx, auth, w.what, s.request())
			return err
		})
		if err != nil {
			return useFault(p, err)
		}
		route = noticeLateChecks(link.route(s.ref.Cluster, cert, w))
		return nil
	})
	return route, err
}

func (s *databaseSource) way() way {
	what := "Connect to database " + s.ref.Name
	if s.ref.User != "" {
		what += " as " + s.ref.User
	}
	return way{what: what, name: s.ref.Name, to: teleport.DatabaseService(s.protocol), check: s.check}
}

// request is for a certificate that only leads to this database.
func (s *databaseSource) request() *authpb.UserCertsRequest {
	return &authpb.UserCertsRequest{
		Usage:         authpb.UserCertsRequest_Database,
		RequesterName: authpb.UserCertsRequest_TSH_DB_LOCAL_PROXY_TUNNEL,
		RouteToDatabase: &authpb.RouteToDatabase{
			ServiceName: s.ref.Name, Protocol: s.protocol, Username: s.ref.User, Database: s.ref.Database,
		},
	}
}

// check finds out whether the database is still there.
func (s *databaseSource) check(ctx context.Context, auth *teleport.Auth) error {
	found, err := auth.ListDatabases(ctx, s.ref.Name)
	if err != nil {
		return err
	}
	for _, d := range distinct(found, databaseOf) {
		if d.Name == s.ref.Name {
			return nil
		}
	}
	return fault.New(fmt.Sprintf("The database %s is not there any more, or you may not see it any more.", s.ref.Name),
		"Refresh the list of databases.")
}
