//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestAForgedAttestationIsRefusedInTheWindow shows the app a key whose attestation leads to a root of its own.
func TestAForgedAttestationIsRefusedInTheWindow(t *testing.T) {
	t.Parallel()
	w := newDisplayWorld(t, nil)
	cluster := w.serve("demo", "--serve", "--state", w.state, "--touch", "auto")
	key := w.serve("virtual-key", "serve", "--state", filepath.Join(filepath.Dir(w.state), "forged"), "--touch", "auto")
	w.env = []string{"PCSCLITE_CSOCK_NAME=" + key.PCSCSocket}
	w.start(program, "--home", filepath.Join(filepath.Dir(w.state), "home"))
	t.Cleanup(w.finish)
	setUpKey(w)

	w.Sees("Which cluster?")
	w.Focus("Cluster address")
	w.Types(cluster.Proxy, false)
	w.Presses("Tab")
	w.Focus("CA file")
	w.Types(cluster.CAFile, false)
	w.Presses("Return")
	w.Sees("Sign in to demo")
	w.Focus("User")
	w.Types("touch", false)
	w.Presses("Tab")
	w.Focus("Password")
	w.Types(w.password("touch"), true)
	w.Presses("Return")
	w.Sees("demo refused YubiKey")
	w.Shot("forged")
}

// service is what the serving commands print when they are ready.
type service struct {
	Proxy      string `json:"proxy"`
	CAFile     string `json:"ca_file"`
	PCSCSocket string `json:"pcsc_socket"`
	Control    string `json:"control"`
}

// serve runs a serving command until the test ends.
func (w *World) serve(args ...string) service {
	w.t.Helper()
	command := exec.Command(program, args...)
	command.Env = append(w.Display.env(), "HOME="+filepath.Dir(w.state))
	out, err := command.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	startProcess(w.t, command)
	var s service
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err != nil {
		w.t.Fatalf("starting %v: %v", args, err)
	}
	return s
}
