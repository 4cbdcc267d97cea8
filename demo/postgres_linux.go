package demo

import (
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"strconv"
	"syscall"
)

// serverAccount is who runs the database server: whoever runs the demo, but for root, as whom it refuses to run. The
// zero account is our own.
type serverAccount struct {
	other    bool
	uid, gid int
}

// findServerAccount returns the account that Debian makes for the server where we are root.
func findServerAccount() (serverAccount, error) {
	if os.Geteuid() != 0 {
		return serverAccount{}, nil
	}
	found, err := osuser.Lookup("postgres")
	if err != nil {
		return serverAccount{}, fmt.Errorf("there is no account to run PostgreSQL as: %w", err)
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		return serverAccount{}, fmt.Errorf("reading the account of PostgreSQL: %w", err)
	}
	gid, err := strconv.Atoi(found.Gid)
	if err != nil {
		return serverAccount{}, fmt.Errorf("reading the account of PostgreSQL: %w", err)
	}
	return serverAccount{other: true, uid: uid, gid: gid}, nil
}

// base is a folder that the account can enter; ours for temporary files may be closed to others.
func (a serverAccount) base() string {
	if a.other {
		return "/tmp"
	}
	return ""
}

// own gives a file to the account.
func (a serverAccount) own(path string) error {
	if !a.other {
		return nil
	}
	if err := os.Chown(path, a.uid, a.gid); err != nil {
		return fmt.Errorf("giving PostgreSQL its files: %w", err)
	}
	return nil
}

// apply runs a program as the account. The kernel ends it should we die without a word.
func (a serverAccount) apply(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if a.other {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}
