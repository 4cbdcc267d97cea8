//go:build !windows

package app

import "os/exec"

// leaveConsole does something on Windows only.
func leaveConsole() {}

// withoutConsole does something on Windows only.
func withoutConsole(command *exec.Cmd) *exec.Cmd { return command }
