//go:build !linux

package demo

import (
	"errors"
	"os/exec"
)

// serverAccount is who runs the database server.
type serverAccount struct{}

func findServerAccount() (serverAccount, error) {
	return serverAccount{}, errors.New("the demo starts PostgreSQL on Linux only")
}

func (serverAccount) base() string     { return "" }
func (serverAccount) own(string) error { return nil }
func (serverAccount) apply(*exec.Cmd)  {}
