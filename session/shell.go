package session

import "github.com/touchstone-app/touchstone/session/teleport"

// Terminal is the pseudo terminal that an interactive session asks for.
type Terminal = teleport.Terminal

// ShellRequest asks for an SSH session.
type ShellRequest struct {
	Cluster string // Cluster.ID
	Host    string // a server's ID, or its host name
	Login   string // Unix login; empty for the first one the certificates allow
	Command string // empty for an interactive shell
	// Terminal is nil for a command without a terminal.
	Terminal *Terminal
}
