package demo

import (
	"os/exec"
	"syscall"
)

func canTether() error { return nil }

// tether puts a program into a process group of its own, where a terminal's Ctrl-C does not reach it before us. The
// kernel ends it should we die without a word.
func tether(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
