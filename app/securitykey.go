package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/touchstone-app/touchstone/keystore/fido"
)

// fidoWorkerCommand is the hidden command that talks to security keys (see fido.Authenticator.Worker).
const fidoWorkerCommand = "security-key-worker"

// fidoDeviceVariable names security keys to ask instead of those that the system finds, as a list like PATH's. The
// virtual key is reached in no other way, and who names it wants no other key to be asked.
const fidoDeviceVariable = "TOUCHSTONE_FIDO_DEVICE"

// securityKeys are the ones of this computer, or those that the environment names.
func securityKeys() *fido.Authenticator {
	return onlyKeys(filepath.SplitList(os.Getenv(fidoDeviceVariable))...)
}

// demoSecurityKey is the virtual key alone: a demo asks nobody's own keys.
func demoSecurityKey(device string) *fido.Authenticator {
	a := onlyKeys(device)
	a.NoDiscovery = true
	return a
}

// onlyKeys are the security keys with these paths; without any, all that the system finds.
func onlyKeys(paths ...string) *fido.Authenticator {
	paths = slices.DeleteFunc(paths, func(path string) bool { return path == "" })
	return &fido.Authenticator{Worker: fidoWorker, Devices: paths, NoDiscovery: len(paths) > 0}
}

func fidoWorker() *exec.Cmd { return workerProcess(fidoWorkerCommand) }

func runFIDOWorker(_ context.Context, env *environment, _ *options, _ []string) error {
	if err := fido.RunWorker(env.stdin, env.stdout); err != nil {
		return fmt.Errorf("talking to security keys: %w", err)
	}
	return nil
}
