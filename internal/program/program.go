// Package program runs programs of this computer on terminals of their own, for a window to show. It knows nothing of
// what they do; what they need of the environment is given to it.
package program

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Config says what to run.
type Config struct {
	Argv       []string // the program, which is looked for in the PATH of this process, and its arguments
	Env        []string // the whole environment, as "NAME=value"; of two with the same name the last one counts
	Cols, Rows int      // of the terminal
}

// errNothing says that a Config names no program.
var errNothing = errors.New("no program is named")

// find makes the command, or says in sentences why there is none.
func (c Config) find() (*exec.Cmd, error) {
	if len(c.Argv) == 0 {
		return nil, errNothing
	}
	path, err := exec.LookPath(c.Argv[0])
	if err != nil {
		return nil, missingFault(filepath.Base(c.Argv[0]), err)
	}
	return &exec.Cmd{Path: path, Args: c.Argv, Env: c.Env}, nil
}

// packages are the packages of Debian, and of the systems made from it, that bring a program.
var packages = map[string]string{
	"psql":      "postgresql-client",
	"mysql":     "default-mysql-client",
	"redis-cli": "redis-tools",
}

func missingFault(name string, err error) error {
	hint := "Install it, or see that it is in PATH, and try again."
	if p, known := packages[name]; known {
		hint = fmt.Sprintf("Install it, for example with \"apt install %s\", or see that it is in PATH, and try again.", p)
	}
	return fault.Wrap(err, fmt.Sprintf("The program %s was not found on this computer.", name), hint)
}
