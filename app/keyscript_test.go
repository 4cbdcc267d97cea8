package app

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// scriptCard plugs a virtual key in without a demo cluster: "card [FLAGS]". It sets CONTROL, SERIAL, ROOT and
// PCSCLITE_CSOCK_NAME. "halt card" ends it; another "card" then finds it as it was left.
func scriptCard(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("card cannot be negated")
	}
	state := ts.MkAbs("card")
	line := serveProgram(ts, "card", append([]string{"virtual-key", "serve", "--touch", "auto", "--state", state}, args...)...)
	var ready virtualKeyReady
	ts.Check(json.Unmarshal(line, &ready))
	root, err := exec.Command(program, "virtual-key", "root", "--state", state).Output()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("root.pem"), root, 0o600))
	ts.Setenv("ROOT", ts.MkAbs("root.pem"))
	ts.Setenv("CONTROL", ready.Control)
	ts.Setenv("SERIAL", fmt.Sprint(ready.Serial))
	ts.Setenv("PCSCLITE_CSOCK_NAME", ready.PCSCSocket)
}

// TestSeveralKeysAreToldApartBySerialNumber plugs two keys in: nothing is done to either until one is named.
func TestSeveralKeysAreToldApartBySerialNumber(t *testing.T) {
	first, err := virtual.Start(virtual.Config{Serial: 1111111})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := virtual.Start(virtual.Config{Serial: 2222222, Join: first})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	key := func(args ...string) (string, error) {
		command := exec.Command(program, append([]string{"key"}, args...)...)
		command.Env = []string{"PCSCLITE_CSOCK_NAME=" + first.Socket(), "TOUCHSTONE_HOME=" + filepath.Join(t.TempDir(), "home")}
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if out, err := key("list"); err != nil || !strings.Contains(out, "1111111") || !strings.Contains(out, "2222222") {
		t.Errorf("list: %v: %s", err, out)
	}
	if out, err := key("reset", "--yes-destroy", "1111111"); err == nil || !strings.Contains(out, "1111111, 2222222") {
		t.Errorf("a reset of no key in particular: %v: %s", err, out)
	}
	if out, err := key("generate", "--serial", "2222222", "--slot", "9a", "--policy", "none"); err != nil {
		t.Errorf("generate: %v: %s", err, out)
	}
	if out, err := key("attest", "--serial", "1111111", "--slot", "9a"); err == nil {
		t.Errorf("the key was made on the wrong card: %s", out)
	}
	if out, err := key("reset", "--serial", "1111111", "--yes-destroy", "2222222"); err == nil {
		t.Errorf("a key was reset with the number of another: %s", out)
	}
	if out, err := key("attest", "--serial", "2222222"); err != nil || !strings.Contains(out, "made in YubiKey 2222222") {
		t.Errorf("attest: %v: %s", err, out)
	}
}
