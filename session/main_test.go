package session

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore"
)

// workerVariable turns the test binary into a worker process of the key store.
const workerVariable = "TOUCHSTONE_TEST_WORKER"

// socketVariable is how libpcsclite finds its smart-card service.
const socketVariable = "PCSCLITE_CSOCK_NAME"

// TestMain keeps the tests away from real cards: this process finds a smart-card service that is not there, and each
// worker the socket of one virtual key.
func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		if err := keystore.RunWorker(os.Stdin, os.Stdout); err != nil {
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
