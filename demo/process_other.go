//go:build !unix

package demo

import (
	"errors"
	"os/exec"
)

// startProcess refuses: the node's shells need terminals and signals of a Unix system. Everything else of the demo
// cluster works.
func startProcess(processSpec, stdio) (*process, error) {
	return nil, errors.New("programs on the demo node need a Unix system")
}

func (p *process) wake()                  {}
func (p *process) hangup()                {}
func (p *process) kill()                  {}
func (p *process) resize(*terminal) error { return nil }

func exitStatus(cmd *exec.Cmd, _ error) int { return cmd.ProcessState.ExitCode() }
