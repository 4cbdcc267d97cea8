package app

import (
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32              = windows.NewLazySystemDLL("kernel32.dll")
	freeConsole           = kernel32.NewProc("FreeConsole")
	getConsoleProcessList = kernel32.NewProc("GetConsoleProcessList")
)

// leaveConsole closes the console that Windows opened because the program was double-clicked. The program belongs to
// the console subsystem, or no shell would wait for its commands or show what they print. Since Windows 11 24H2 the
// manifest prevents such a console; before that it is there for a moment. A console with other processes is a
// person's own.
func leaveConsole() {
	var ids [2]uint32
	count, _, _ := getConsoleProcessList.Call(uintptr(unsafe.Pointer(&ids[0])), uintptr(len(ids))) // 0: no console
	if count == 1 {
		_, _, _ = freeConsole.Call() // the window works with a console as well
	}
}

// withoutConsole keeps a child that talks through pipes from opening a console of its own.
func withoutConsole(command *exec.Cmd) *exec.Cmd {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	return command
}
