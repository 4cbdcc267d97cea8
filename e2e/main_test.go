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

// The whole program, built with the tag e2e: as it is shipped, and once more so that Fyne checks every call for the
// thread it comes from.
var program, checkedProgram string

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
	program, checkedProgram = filepath.Join(folder, "touchstone"), filepath.Join(folder, "touchstone-checked")
	for path, tags := range map[string]string{
		program:        "gles,migrated_fynedo,e2e",
		checkedProgram: "gles,no_metadata,threadcheck,e2e",
	} {
		if out, err := exec.Command("go", "build", "-tags", tags, "-o", path, "..").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the program with the tags %s: %v\n%s", tags, err, out)
			return 1
		}
	}
	return m.Run()
}
