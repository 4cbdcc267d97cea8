// Package localproxy gives ordinary tools a port on this computer that leads to one database, application or
// Kubernetes cluster behind a cluster's proxy: they need neither a key nor a certificate. It knows no cluster: whoever
// opens a proxy hands it a CertSource, which issues certificates and knows the way.
package localproxy
