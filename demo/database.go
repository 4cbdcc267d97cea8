package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/internal/wire/authpb"
	"github.com/touchstone-app/touchstone/internal/wire/typespb"
)

// database is a database of the cluster.
type database struct {
	name, about string
	labels      map[string]string
	server      func() (addr string, err error)
}

// protocolPostgres is the protocol of every database here.
const protocolPostgres = "postgres"

// databases is the proxy and the agent of databases in one.
type databases struct {
	all     []*database
	missing string     // why there are none
	ca      *authority // of the servers, and of who we are there
	host    *host
	guard   *guard
	audit   *audit
	log     *slog.Logger
}

// seedDatabases are the databases where a server can be started: two ways to a real one, so that roles can tell them
// apart, and one whose server is down, to see what that looks like.
func seedDatabases(server *postgres) []*database {
	dev, prod := map[string]string{"env": envDev}, map[string]string{"env": envProd}
	return []*database{
		{name: "orders", about: "A PostgreSQL of the demo's own", labels: dev, server: server.address},
		{name: "offline", about: "A database whose server is down", labels: dev, server: func() (string, error) {
			port, err := freePort()
			return fmt.Sprintf("127.0.0.1:%d", port), err
		}},
		{name: "orders-prod", about: "The same PostgreSQL, as if it were production", labels: prod, server: server.address},
	}
}

// entries lists them.
func (d *databases) entries() []entry {
	var all []entry
	for _, one := range d.all {
		server := &typespb.DatabaseServerV3{
			Kind: "db_server", Version: "v3", Metadata: &typespb.Metadata{Name: one.name, Namespace: "default"},
			Spec: &typespb.DatabaseServerSpecV3{
				Hostname: d.host.name, HostId: d.host.id,
				Database: &typespb.DatabaseV3{
					Kind: "db", Version: "v3",
					Metadata: &typespb.Metadata{Name: one.name, Namespace: "default", Description: one.about, Labels: one.labels},
					Spec:     &typespb.DatabaseSpecV3{Protocol: protocolPostgres, Uri: "localhost:5432"},
				},
			},
		}
		all = append(all, entry{
			kind: databaseKind, name: one.name, labels: one.labels,
			keys:     map[string]string{"name": one.name, "description": one.about, "type": "self-hosted"},
			resource: &authpb.PaginatedResource{Resource: &authpb.PaginatedResource_DatabaseServer{DatabaseServer: server}},
		})
	}
	return all
}

func (d *databases) find(name string) *database {
	at := slices.IndexFunc(d.all, func(one *database) bool { return one.name == name })
	if at < 0 {
		return nil
	}
	return d.all[at]
}

// serve leads one client with a route certificate to its database. The proxy authorizes before it reads a byte, and
// says nothing when it refuses (databases sheet, 2.2).
func (d *databases) serve(c *tls.Conn) {
	defer func() { _ = c.Close() }()
	granted, to, err := d.authorize(c)
	if err != nil {
		return
	}
	var client net.Conn = c
	if strings.HasSuffix(c.ConnectionState().NegotiatedProtocol, wire.ALPNPing) {
		client = newPingConn(c)
		defer func() { _ = client.Close() }()
	}
	start, err := readPGStartup(client, pgSSLRequest, pgGSSRequest)
	if err != nil {
		d.log.Debug("a database client", "err", err)
		return
	}
	d.servePostgres(client, granted, to, start)
}

// servePort does the same for a client of PostgreSQL's own port, which has asked for TLS already and may not do so
// again. The proxy reads the first packet before it authorizes, and can say why it refuses.
func (d *databases) servePort(c *tls.Conn) {
	defer func() { _ = c.Close() }()
	start, err := readPGStartup(c, pgGSSRequest)
	if err != nil {
		d.log.Debug("a database client", "err", err)
		return
	}
	granted, to, err := d.authorize(c)
	if err != nil {
		_, _ = c.Write(pgError(pgNotAuthorized, err.Error()))
		return
	}
	d.servePostgres(c, granted, to, start)
}

// authorize finds out who the client is and which database the certificate leads to.
func (d *databases) authorize(c *tls.Conn) (*access, *database, error) {
	state := c.ConnectionState()
	if len(state.VerifiedChains) == 0 {
		return nil, nil, refuse(accessDenied, "access denied: no client certificate")
	}
	id, err := identityFromTLS(state.PeerCertificates[0])
	if err != nil || len(id.usage) > 0 && !slices.Contains(id.usage, wire.UsageDatabase) {
		return nil, nil, refuse(accessDenied, "access denied: invalid client certificate")
	}
	granted, err := d.guard.admit(id, "db")
	if err != nil {
		return nil, nil, err
	}
	to := d.find(id.route.database.service)
	if to == nil || id.route.database.protocol != protocolPostgres {
		return nil, nil, refuse(notFound, "database %q not found", id.route.database.service)
	}
	return granted, to, nil
}

// servePostgres is the agent: what the client asks for in its first packet is what counts.
func (d *databases) servePostgres(client net.Conn, granted *access, to *database, start *pgStartup) {
	event := Event{Name: EventDBSessionStart, Service: "db", User: granted.identity.user, Session: newUUID(),
		Database: to.name, DatabaseUser: start.user, DatabaseName: start.name, MFADeviceID: granted.identity.mfaDevice}
	server, code, err := d.connect(granted, to, start)
	event.Success = err == nil
	if err != nil {
		event.Reason = err.Error()
	}
	d.audit.record(event)
	if err != nil {
		_, _ = client.Write(pgError(code, err.Error()))
		return
	}
	defer func() {
		event.Name = EventDBSessionEnd
		d.audit.record(event)
	}()
	copyBoth(client, server)
}

// SQLSTATE codes of refusals.
const (
	pgNotAuthorized = "28000"
	pgNoConnection  = "08006"
)

// connect checks the roles, connects to the server as the role asked for, and passes the first packet on.
func (d *databases) connect(granted *access, to *database, start *pgStartup) (net.Conn, string, error) {
	if err := granted.openDatabase(to.labels, start.user, start.name); err != nil {
		return nil, pgNotAuthorized, err
	}
	addr, err := to.server()
	if err != nil {
		d.log.Warn("the database server does not start", "database", to.name, "err", err)
		return nil, pgNoConnection, fmt.Errorf("the server of %s cannot be started", to.name)
	}
	server, err := d.dialServer(addr, start.user)
	if err == nil {
		_, err = server.Write(start.raw)
	}
	if err != nil {
		return nil, pgNoConnection, fmt.Errorf("failed to connect to the database server of %s: %w", to.name, err)
	}
	return server, "", nil
}

// dialServer shows the server a certificate for the role, as agents do.
func (d *databases) dialServer(addr, user string) (net.Conn, error) {
	key, err := newECKey()
	if err != nil {
		return nil, err
	}
	cert, err := d.ca.leafCertificate(key, user, time.Now()) // by the server's clock
	if err != nil {
		return nil, err
	}
	raw, err := net.DialTimeout("tcp", addr, dialTimeout)
	if err != nil {
		return nil, err
	}
	if err := askPGForTLS(raw); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	server := tls.Client(raw, &tls.Config{
		RootCAs: d.ca.pool(), ServerName: "localhost", Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	if err := server.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return server, nil
}

// askPGForTLS sends an SSLRequest; the answer must be yes.
func askPGForTLS(c net.Conn) error {
	if _, err := c.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(c, answer[:]); err != nil {
		return err
	}
	if answer[0] != 'S' {
		return errors.New("the database server does not speak TLS")
	}
	return nil
}

// copyBoth copies until one side has ended, and then ends the other.
func copyBoth(a, b net.Conn) {
	var both sync.WaitGroup
	for _, way := range []struct{ to, from net.Conn }{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(way.to, way.from)
			_ = way.to.Close()
			_ = way.from.Close()
		})
	}
	both.Wait()
}
