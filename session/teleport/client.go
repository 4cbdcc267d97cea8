// Package teleport speaks the wire protocol of Teleport clusters as their client: web API, TLS routing, gRPC and SSH.
// It is stateless: no files, no prompts, no retries that a person would notice. Keys come in as a crypto.Signer.
package teleport

// Terminal is the pseudo terminal that a session asks for (RFC 4254, 6.2). Sizes are in character cells.
type Terminal struct {
	Type string // "xterm-256color"
	Cols int
	Rows int
}
