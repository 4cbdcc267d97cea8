// Package agent is the door by which one program of a person has another one sign with a hardware key: the key agent
// service of the clusters' own clients (hardware-key sheet, section 10), served and used. It is a way and no more: who
// signs, and who asks the person, is handed in. It makes no keys and signs nobody in.
//
// Folder, file names, the name in the certificate and the messages are those of the other clients, read in their
// source; that Touchstone works together with them was not tried, because none of them was at hand.
package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The files in the agent's folder, and the name that its certificate is for (hardware-key sheet, 10.1).
const (
	folderName      = ".Teleport-PIV"
	socketName      = "agent.sock"
	certificateName = "cert.pem"
	serverName      = "localhost"
)

// longestMessage is far more than any request needs.
const longestMessage = 64 << 10

// Folder is where the agents of this person are found: TELEPORT_KEY_AGENT_DIR, else TELEPORT_LOGIN_AGENT_DIR, else a
// folder in the system's one for temporary files. The last is the same for all accounts: whoever serves there first
// keeps the others out, and the rest must name a folder of their own.
func Folder(getenv func(string) string) string {
	for _, name := range []string{"TELEPORT_KEY_AGENT_DIR", "TELEPORT_LOGIN_AGENT_DIR"} {
		if folder := getenv(name); folder != "" {
			return folder
		}
	}
	return filepath.Join(os.TempDir(), folderName)
}

// ErrNoAgent says that no agent answers in the folder.
var ErrNoAgent = errors.New("no key agent answers")

// RunningError says that another process serves the folder already.
type RunningError struct{ PID int }

// Error names the process.
func (e *RunningError) Error() string {
	return fmt.Sprintf("another agent instance is already running; PID: %d", e.PID)
}
