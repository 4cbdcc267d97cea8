package demo

import (
	"os"
	"os/exec"
	"sync"
)

// processSpec says what to run.
type processSpec struct {
	shell   string
	command string // empty for an interactive shell
	dir     string
	env     []string
	term    *terminal // nil for pipes instead of a terminal
}

func (s processSpec) cmd() *exec.Cmd {
	var cmd *exec.Cmd
	switch {
	case s.command != "":
		cmd = exec.Command(s.shell, "-c", s.command)
	case s.term != nil:
		cmd = exec.Command(s.shell, "-i")
	default:
		cmd = exec.Command(s.shell)
	}
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// process is a program on the node, leader of a process group of its own.
type process struct {
	cmd    *exec.Cmd
	tty    *os.File      // our end of the terminal; nil without one
	pipes  []*os.File    // our ends of the output pipes; none with a terminal
	exited chan struct{} // closed when the program is gone, perhaps before its last output was passed on
	output sync.WaitGroup
	input  sync.WaitGroup
}

// wait returns once the program has ended and its output was passed on: the exit status, or 128 and the number of
// the signal that ended it.
func (p *process) wait() int {
	err := p.cmd.Wait()
	close(p.exited)
	p.wake()
	p.output.Wait()
	if p.tty != nil {
		_ = p.tty.Close()
	}
	return exitStatus(p.cmd, err)
}

// settle waits for the input of a program that has ended. Its channel must be closed.
func (p *process) settle() { p.input.Wait() }

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}
