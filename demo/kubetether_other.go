//go:build !linux

package demo

import (
	"os/exec"

	"github.com/touchstone-app/touchstone/internal/fault"
)

func canTether() error {
	return fault.New("The demo starts Kubernetes on Linux only.", "Everything else of the demo works here.")
}

func tether(*exec.Cmd) {}
