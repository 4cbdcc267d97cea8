//go:build linux

package keystore

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// workerVariable turns the test binary into a worker process.
const workerVariable = "TOUCHSTONE_TEST_WORKER"

// fidoVariable turns it into one for security keys.
const fidoVariable = "TOUCHSTONE_TEST_FIDO_WORKER"

// socketVariable is how libpcsclite finds its smart-card service.
const socketVariable = "PCSCLITE_CSOCK_NAME"

// TestMain keeps the tests away from real cards: this process and every worker without a virtual key of its own find
// a smart-card service that is not there. newBench gives each worker the socket of one virtual key.
func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		exit(RunWorker(os.Stdin, os.Stdout))
	}
	if os.Getenv(fidoVariable) != "" {
		exit(fido.RunWorker(os.Stdin, os.Stdout))
	}
	if does := os.Getenv(otherVariable); does != "" {
		exit(runOther(does))
	}
	if err := os.Setenv(socketVariable, filepath.Join(os.DevNull, "no-service")); err != nil {
		panic(err)
	}
	testkit.Main(m)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// workerFor makes worker processes that reach the service at socket and nothing else.
func workerFor(socket string) func() *exec.Cmd {
	return func() *exec.Cmd {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), workerVariable+"=1", socketVariable+"="+socket, quickExit)
		command.Stderr = os.Stderr
		return command
	}
}

func fidoWorker() *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), fidoVariable+"=1", quickExit)
	command.Stderr = os.Stderr
	return command
}
