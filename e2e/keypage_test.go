//go:build e2e

package e2e

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// newPIN and thirdPIN are what the PIN becomes on the key's page.
const (
	newPIN   = "28406153"
	thirdPIN = "60917284"
)

// TestTheKeyPageShowsAndChangesWhatIsOnTheKey does to a key what can be done to it in the window. Yubico's tools, which
// know nothing of this program, are asked each time whether it happened.
func TestTheKeyPageShowsAndChangesWhatIsOnTheKey(t *testing.T) {
	t.Parallel()
	w := newDisplayWorld(t, nil)
	cluster := w.serve("demo", "--serve", "--state", w.state, "--touch", "auto")
	key := keyOnTheSide{w: w, service: cluster}
	w.env = []string{"PCSCLITE_CSOCK_NAME=" + cluster.PCSCSocket}
	w.start(checkedProgram, "--home", w.state+"-home")
	t.Cleanup(w.finish)
	setUpKey(w)
	signInWithTouch(w, cluster)

	w.Clicks("Security key")
	w.Sees("Signs in to demo")
	w.Sees("Your own PIN")
	w.Sees("Made in the key")
	w.Shot("key")
	w.Clicks("Attestation of slot 9c")
	w.Sees("A cluster reads hardware_key_touch out of it")
	w.Shot("attestation")
	w.Presses("Escape")

	w.Clicks("Make key in slot 9a")
	w.Focus("Make key")
	w.Shot("make-key")
	w.Presses("Return")
	w.Sees("Slot 9a of YubiKey")
	w.Shot("key-made")
	if out, err := key.run("yubico-piv-tool", "-s", "9a", "-a", "attest"); err != nil {
		t.Fatalf("there is no key in slot 9a that could be attested: %v\n%s", err, out)
	}
	w.Clicks("New key in slot 9a")
	w.Focus("Keep it")
	w.Shot("overwrite")
	w.Presses("Return")
	w.SeesNot("Keep it")

	changesPIN(w)
	key.accepts(newPIN)
	key.refuses(pin)
	w.Clicks("Read key again")
	w.Sees("2 of 3 attempts left")

	key.refuses(pin)
	key.refuses(pin)
	w.Clicks("Read key again")
	w.Sees("Blocked")
	w.Shot("blocked")
	unblocksPIN(w)
	key.accepts(thirdPIN)

	key.does("unplug")
	w.Sees("Plug in your security key")
	w.Shot("unplugged")
	key.does("plug")
	w.Sees("Your own PIN")

	resetsKey(w, key.serial())
	key.accepts("123456")
	w.Sees("Factory PIN")
	w.Shot("after-reset")
}

// signInWithTouch signs in from the first run's page for a cluster.
func signInWithTouch(w *World, cluster service) {
	w.t.Helper()
	w.Sees("Which cluster?")
	w.Focus("Cluster address")
	w.Types(cluster.Proxy, false)
	w.Presses("Tab")
	w.Focus("CA file")
	w.Types(cluster.CAFile, false)
	w.Presses("Return")
	w.Focus("User")
	w.Types("touch", false)
	w.Presses("Tab")
	w.Focus("Password")
	w.Types(w.password("touch"), true)
	w.Presses("Return")
	w.Sees("demo-node")
}

// changesPIN changes the PIN by keyboard alone, at the second try.
func changesPIN(w *World) {
	w.t.Helper()
	w.Clicks("Change PIN")
	w.Focus("Present PIN")
	w.Types("99999999", true)
	w.Presses("Tab")
	w.Focus("New PIN")
	w.Types(newPIN, true)
	w.Presses("Tab")
	w.Focus("Repeat PIN")
	w.Types(newPIN, true)
	w.Presses("Return")
	w.Sees("2 attempts left before")
	w.Focus("Present PIN")
	w.Shot("wrong-pin")
	w.Types(pin, true)
	w.Presses("Return")
	w.Sees("was changed.")
	w.Shot("pin-changed")
}

func unblocksPIN(w *World) {
	w.t.Helper()
	w.Clicks("Unblock with PUK")
	w.Focus("Present PUK")
	w.Types(puk, true)
	w.Presses("Tab")
	w.Focus("New PIN")
	w.Types(thirdPIN, true)
	w.Presses("Tab")
	w.Focus("Repeat PIN")
	w.Types(thirdPIN, true)
	w.Shot("unblock")
	w.Presses("Return")
	w.Sees("was set.")
}

// resetsKey destroys everything, after it has kept everything.
func resetsKey(w *World, serial string) {
	w.t.Helper()
	w.Clicks("Reset key…")
	w.Focus("Keep everything")
	w.Sees("Slot 9c: Touchstone, signs in to demo")
	w.Presses("Return")
	w.SeesNot("Keep everything")
	w.Clicks("Reset key…")
	w.Focus("Keep everything")
	w.Presses("shift+Tab")
	w.Focus("Serial number")
	w.Types(serial, false)
	w.Finds("button", "Reset key")
	w.Shot("reset")
	w.Presses("Tab", "Tab")
	w.Focus("Reset key")
	w.Presses("Return")
	w.Sees("It has the factory PIN and PUK.")
}

// keyOnTheSide is the key as other programs reach it.
type keyOnTheSide struct {
	w       *World
	service service
}

// run runs a program that finds the key, and returns what it said. The window may be reading the key at that moment and
// gives it back soon.
func (k keyOnTheSide) run(name string, args ...string) (said string, failed error) {
	k.w.t.Helper()
	eventually(k.w.t, waitLimit, name+" gets the key", func() error {
		said, failed = k.runOnce(name, args...)
		if failed != nil && strings.Contains(said, "Failed to connect") {
			return errors.New(said)
		}
		return nil
	})
	return said, failed
}

func (k keyOnTheSide) runOnce(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(k.w.t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(k.w.Display.env(), "PCSCLITE_CSOCK_NAME="+k.service.PCSCSocket)
	out, err := command.CombinedOutput()
	return string(out), err
}

// accepts has Yubico's tool show the key its PIN.
func (k keyOnTheSide) accepts(pin string) {
	k.w.t.Helper()
	if out, err := k.run("yubico-piv-tool", "-a", "verify-pin", "-P", pin); err != nil {
		k.w.t.Fatalf("the key does not take the PIN that was set: %v\n%s", err, out)
	}
	k.w.Say("    yubico-piv-tool: the PIN is right")
}

// refuses has Yubico's tool show the key a wrong PIN.
func (k keyOnTheSide) refuses(pin string) {
	k.w.t.Helper()
	out, err := k.run("yubico-piv-tool", "-a", "verify-pin", "-P", pin)
	if err == nil || !strings.Contains(out, "tries left") && !strings.Contains(out, "blocked") {
		k.w.t.Fatalf("the key takes a PIN that was replaced, or something else is wrong: %v\n%s", err, out)
	}
	k.w.Say("    yubico-piv-tool: the PIN is wrong")
}

// serial is the number that ykman reads.
func (k keyOnTheSide) serial() string {
	k.w.t.Helper()
	out, err := k.run("ykman", "list", "--serials")
	if err != nil {
		k.w.t.Fatalf("asking ykman for the serial number: %v\n%s", err, out)
	}
	return strings.TrimSpace(out)
}

// does has the virtual key do something.
func (k keyOnTheSide) does(what string) {
	k.w.t.Helper()
	if out, err := k.run(program, "virtual-key", "ctl", "--control", k.service.Control, what); err != nil {
		k.w.t.Fatalf("having the key %s: %v\n%s", what, err, out)
	}
	k.w.Say("    the key: %s", what)
}
