//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// demoStory is the test that "make demo" runs where there is no display.
const demoStory = "TestFromDoubleClickToAShell"

// program is the binary under test: the whole program, built once with the tag e2e.
var program string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "touchstone-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "touchstone")
	build := exec.Command("go", "build", "-tags", "gles,migrated_fynedo,e2e", "-o", program, "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
