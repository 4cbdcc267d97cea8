//go:build linux

package fido

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

// What the test binary is when it is not a test.
const (
	workerVariable = "TOUCHSTONE_TEST_FIDO_WORKER"
	leaderVariable = "TOUCHSTONE_TEST_FIDO_LEADER" // holds the path of a device
)

func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		if err := RunWorker(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if device := os.Getenv(leaderVariable); device != "" {
		os.Exit(runLeader(device))
	}
	testkit.Main(m)
}

// quickExit spares the second that a process with the race detector waits before it ends.
const quickExit = "GORACE=atexit_sleep_ms=0"

func testWorker() *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerVariable+"=1", quickExit)
	cmd.Stderr = os.Stderr
	return cmd
}

// runLeader is a program that leads a session without a terminal, as a service does. It asks for an assertion that its
// standard input describes and prints what it is told.
func runLeader(device string) int {
	var r Request
	if err := json.NewDecoder(os.Stdin).Decode(&r); err != nil {
		return 2
	}
	ask := Authenticator{Worker: testWorker, Devices: []string{device}, NoDiscovery: true}
	_, err := ask.Assert(context.Background(), r, &person{taps: make(chan []string, 10)})
	if f, ok := fault.As(err); ok {
		fmt.Println(f.What)
	}
	if tty, err := os.Open("/dev/tty"); err == nil {
		tty.Close()
		fmt.Println("it has a terminal")
	}
	return 0
}
