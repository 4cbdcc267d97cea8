package demo

import (
	"crypto/x509/pkix"
	"encoding/asn1"

	"github.com/touchstone-app/touchstone/internal/wire"
)

// route is the target in the subject of a route certificate; empty in others (certificates sheet, 2.3).
type route struct {
	database databaseRoute
	app      appRoute
	kube     string // name of a Kubernetes cluster
}

// databaseRoute is a database, and as whom and where in it.
type databaseRoute struct{ service, protocol, user, name string }

// appRoute is an application and the session with it.
type appRoute struct{ name, session, publicAddr, cluster string }

// field is a member of a route and its object identifier.
type field struct {
	value *string
	oid   asn1.ObjectIdentifier
}

func (r *route) fields() []field {
	return []field{
		{&r.database.service, wire.OIDDatabaseService},
		{&r.database.protocol, wire.OIDDatabaseProtocol},
		{&r.database.user, wire.OIDDatabaseUser},
		{&r.database.name, wire.OIDDatabaseName},
		{&r.app.name, wire.OIDAppName},
		{&r.app.session, wire.OIDAppSession},
		{&r.app.publicAddr, wire.OIDAppPublicAddr},
		{&r.app.cluster, wire.OIDAppCluster},
		{&r.kube, wire.OIDKubeCluster},
	}
}

// read takes a subject attribute over where it belongs to a route.
func (r *route) read(id asn1.ObjectIdentifier, value string) {
	for _, f := range r.fields() {
		if f.oid.Equal(id) {
			*f.value = value
		}
	}
}

// attributes are the subject attributes of the members that are set.
func (r *route) attributes() []pkix.AttributeTypeAndValue {
	var all []pkix.AttributeTypeAndValue
	for _, f := range r.fields() {
		if *f.value != "" {
			all = append(all, attribute(f.oid, *f.value))
		}
	}
	return all
}
