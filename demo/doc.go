// Package demo is an embedded cluster: a strict server that speaks the wire protocol of a Teleport 15.0.0 Enterprise
// cluster on one loopback port. It has certificate authorities of its own, users and roles as YAML files, a private
// key policy that is enforced when certificates are issued and again on every connection, and one SSH server whose
// shell runs as whoever started the demo.
//
// It is the other end of the wire. It shares message shapes (internal/wire) with the client, never code, so that a
// mistake cannot cancel itself out. It never listens anywhere but on loopback, knows no window and reads neither
// flags nor the environment.
package demo
