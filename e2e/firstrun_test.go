//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	pin = "73915264"
	puk = "86420975"
)

// TestFromDoubleClickToAShell is the whole story: someone with neither a YubiKey nor a cluster starts the demo and
// ends up typing in a shell on a server. It is also what "make demo" shows where there is no display.
func TestFromDoubleClickToAShell(t *testing.T) {
	w := newWorld(t, program)
	toAShell(w)
}

// TestWidgetsChangeOnFynesThreadOnly tells the same story to a program in which Fyne checks every call.
func TestWidgetsChangeOnFynesThreadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, checkedProgram)
	toAShell(w)
	staysOnFynesThread(w)
}

// staysOnFynesThread reads in the log of checkedProgram what Fyne has complained of.
func staysOnFynesThread(w *World) {
	w.t.Helper()
	log, err := os.ReadFile(filepath.Join(w.state, "home", "touchstone.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	if at := strings.Index(string(log), "Error in Fyne call thread"); at >= 0 {
		w.t.Errorf("a call from another thread:\n%s", log[at:min(len(log), at+2000)])
	}
}

func toAShell(w *World) {
	w.Display.Move("Virtual key", 1220, 40)

	w.Sees("Security key found")
	w.Shot("key-found")
	w.Presses("Return")

	w.Sees("Choose a PIN")
	w.Focus("New PIN")
	w.Types("123456", true)
	w.Presses("Tab")
	w.Focus("Repeat PIN")
	w.Types("123456", true)
	w.Shot("factory-pin-refused")
	w.Presses("Return") // must not go on
	w.Presses("shift+Tab")
	w.Focus("New PIN")
	w.Presses("ctrl+a")
	w.Types(pin, true)
	w.Presses("Tab")
	w.Focus("Repeat PIN")
	w.Presses("ctrl+a")
	w.Types(pin, true)
	w.Shot("pin-chosen")
	w.Presses("Return")

	w.Focus("New PUK")
	w.Types(puk, true)
	w.Presses("Tab")
	w.Focus("Repeat PUK")
	w.Types(puk, true)
	w.Shot("puk-chosen")
	w.Presses("Return")

	w.Sees("Which cluster?")
	w.Shot("cluster")
	w.Presses("Return")

	w.Sees("Sign in to demo")
	w.Shot("sign-in")
	w.Presses("Return")

	w.Sees("Enter your PIN")
	w.Focus("PIN")
	w.Types(pin, true)
	w.Shot("pin")
	w.Presses("Return")

	w.Sees("Touch your security key")
	w.Shot("touch")
	w.Clicks("Gold contact")

	w.Sees("demo-node")
	w.Display.Move("Touchstone", 10, 40)
	w.Shot("servers")
	w.Clicks("Connect to demo-node")
	w.Reads("This is the demo node of Touchstone.")
	w.Shot("shell")
	w.Enters("echo $((6*7)) from $SSH_TELEPORT_USER")
	w.Reads("42 from touch-pin")
	w.Enters("printf '\\033[1;32mgreen\\033[0m \\033[44mblue\\033[0m\\n'")
	w.Reads("green blue")
	w.Shot("colours")
	w.Enters("exit 3")
	w.Sees("status 3")
	w.Shot("ended")
}
