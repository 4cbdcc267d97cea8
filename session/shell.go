package session

import (
	"io"

	"github.com/touchstone-app/touchstone/session/teleport"
)

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

// Shell is an open SSH session. Its streams may be used from different goroutines; Close ends it.
type Shell struct {
	remote *teleport.Session
	ended  chan struct{} // closed once status and err are set
	status int
	err    error
}

// Stdin is the standard input of the command; closing it passes on the end of input.
func (s *Shell) Stdin() io.WriteCloser { return s.remote.Stdin }

// Stdout is the standard output of the command, or what its terminal shows. Read it to the end: a full window stops
// the command.
func (s *Shell) Stdout() io.Reader { return s.remote.Stdout }

// Stderr is the standard error of the command; with a terminal, messages of the cluster. It must be read as well.
func (s *Shell) Stderr() io.Reader { return s.remote.Stderr }

// Resize tells the server the terminal's new size in character cells.
func (s *Shell) Resize(cols, rows int) error { return s.remote.Resize(cols, rows) }

// Wait returns once the command has ended: its exit status, or a fault when the connection was lost before one came.
// Any number of callers may wait.
func (s *Shell) Wait() (status int, err error) {
	<-s.ended
	return s.status, s.err
}

// Close ends the session and waits until nothing of it is left. Closing twice is allowed.
func (s *Shell) Close() error {
	err := s.remote.Close()
	<-s.ended
	return err
}
