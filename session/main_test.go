package session

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
)

// workerVariable turns the test binary into a worker process of the key store.
const workerVariable = "TOUCHSTONE_TEST_WORKER"

// fidoVariable turns it into one that talks to security keys.
const fidoVariable = "TOUCHSTONE_TEST_FIDO_WORKER"

// socketVariable is how libpcsclite finds its smart-card service.
const socketVariable = "PCSCLITE_CSOCK_NAME"

// TestMain keeps the tests away from real cards: this process finds a smart-card service that is not there, and each
// worker the socket of one virtual key.
func TestMain(m *testing.M) {
	for variable, run := range map[string]func(io.Reader, io.Writer) error{workerVariable: keystore.RunWorker, fidoVariable: fido.RunWorker} {
		if os.Getenv(variable) == "" {
			continue
		}
		if err := run(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := os.Setenv(socketVariable, filepath.Join(os.DevNull, "no-service")); err != nil {
		panic(err)
	}
	testkit.Main(m)
}
