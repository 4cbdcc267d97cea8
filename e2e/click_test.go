//go:build e2e

package e2e

import (
	"strconv"
	"testing"
)

// TestAClickIntoThePasswordTakesTheKeyboardAtOnce types as quickly after a click as nobody can: not one letter of a
// password may land in the field above, where it could be read. The page is that of a cluster that knows no user yet.
func TestAClickIntoThePasswordTakesTheKeyboardAtOnce(t *testing.T) {
	t.Parallel()
	w := newDisplayWorld(t, nil)
	cluster := w.serve("demo", "--serve", "--state", w.state, "--touch", "auto")
	w.env = []string{"PCSCLITE_CSOCK_NAME=" + cluster.PCSCSocket}
	w.start(program, "--home", w.state+"-home")
	t.Cleanup(w.finish)
	setUpKey(w)
	w.Sees("Which cluster?")
	w.Focus("Cluster address")
	w.Types(cluster.Proxy, false)
	w.Presses("Tab")
	w.Focus("CA file")
	w.Types(cluster.CAFile, false)
	w.Presses("Return")
	w.Focus("User")
	w.Types("off", false)

	field := w.Finds("secret", "Password")
	win, err := w.Display.FindWindow(field.window)
	if err != nil {
		t.Fatal(err)
	}
	w.Display.Run("xdotool", "mousemove", "--window", win, strconv.Itoa(field.X+40), strconv.Itoa(field.Y+field.H/2),
		"click", "1", "type", "--delay", "1", w.password("off"))
	w.Focus("Password")
	w.Presses("Return")
	w.Sees("demo-node")
}
