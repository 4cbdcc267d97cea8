//go:build e2e

package e2e

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestEverythingRefusedSaysWhatToDo goes the same way as the first story and does wrong what can be done wrong. Each
// refusal is shown where it happened, and the next try works.
func TestEverythingRefusedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, program)
	w.Display.Move("Virtual key", 1220, 40)
	setUpKey(w)

	// A cluster that is not there, and one whose certificate nobody vouches for.
	w.Sees("Which cluster?")
	address := w.proxy()
	w.Focus("Cluster address")
	w.Replaces("localhost:1")
	w.Presses("Return")
	w.Sees("Nothing listens at localhost:1.")
	w.Shot("proxy-down")
	w.Replaces(silentServer(w.t))
	w.Presses("Return")
	w.Sees("does not answer.")
	w.Shot("proxy-silent")
	w.Replaces(address)
	w.Presses("Tab")
	w.Focus("CA file")
	w.Presses("ctrl+a", "BackSpace", "Return")
	w.Sees("SHA-256 fingerprint")
	w.Shot("untrusted")
	w.Types(filepath.Join(w.state, "cluster", "web-ca.pem"), false)
	w.Presses("Return")

	w.Sees("Sign in to demo")
	w.Focus("Password")
	w.Replaces("wrong-password")
	w.Presses("Return")
	w.Sees("did not accept the user name or the password")
	w.Shot("wrong-password")
	signIn(w)

	enterPIN(w, "11111111")
	w.Sees("2 attempts left")
	w.Shot("wrong-pin")
	enterPIN(w, pin)

	// The key is pulled while it waits to be touched, and waited for; what is back has forgotten the PIN.
	w.Sees("Touch your security key")
	w.Clicks("Unplug")
	w.Sees("Plug in your YubiKey")
	w.Shot("pulled")
	w.Clicks("Plug in")

	// A prompt that is cancelled ends in silence.
	w.Sees("Enter your PIN")
	w.Presses("Escape")
	w.SeesNot("Enter your PIN")
	signIn(w)

	// Ten times in a row the smart-card service says that the transaction does not exist; nobody notices.
	control := exec.Command(program, "virtual-key", "ctl", "--control", filepath.Join(w.state, "key", "control.sock"), "fail", "a4", "80100016", "10")
	if out, err := control.CombinedOutput(); err != nil {
		t.Fatalf("injecting the error: %v\n%s", err, out)
	}

	// A touch that does not come in time is asked for again, and what waits goes on waiting.
	enterPIN(w, pin)
	w.Sees("Touch your security key")
	w.Sees("No touch came in time.")
	w.Shot("untouched")
	w.Clicks("Gold contact")
	w.Sees("demo-node")
	w.Shot("signed-in-after-all")
}

// TestABlockedPINIsExplained spends all attempts. Another tool unblocks the PIN with the PUK.
func TestABlockedPINIsExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t, program)
	w.Display.Move("Virtual key", 1220, 40)
	setUpKey(w)
	w.Sees("Which cluster?")
	w.Presses("Return")
	w.Sees("Sign in to demo")
	w.Presses("Return")
	for _, wrong := range []struct{ pin, said string }{
		{"11111111", "2 attempts left"},
		{"22222222", "one more wrong PIN blocks it"},
	} {
		enterPIN(w, wrong.pin)
		w.Sees(wrong.said)
	}
	w.Shot("last-attempt")
	signIn(w)
	enterPIN(w, "33333333")
	w.Sees("is blocked.")
	w.Shot("blocked")

	unblock := exec.Command("ykman", "piv", "access", "unblock-pin", "-p", puk, "-n", pin)
	unblock.Env = append(w.Display.env(), "PCSCLITE_CSOCK_NAME="+filepath.Join(w.state, "key", "pcsc.sock"))
	if out, err := unblock.CombinedOutput(); err != nil {
		t.Fatalf("unblocking the PIN: %v\n%s", err, out)
	}
	signIn(w)
	enterPIN(w, pin)
	w.Sees("Touch your security key")
	w.Clicks("Gold contact")
	w.Sees("demo-node")
}

// signIn gives the password on the sign-in page.
func signIn(w *World) {
	w.t.Helper()
	w.Focus("Password")
	w.Replaces(w.password("touch-pin"))
	w.Presses("Return")
}

// enterPIN answers the PIN dialog.
func enterPIN(w *World, pin string) {
	w.t.Helper()
	w.Sees("Enter your PIN")
	w.Focus("PIN")
	w.Types(pin, true)
	w.Presses("Return")
}

// silentServer accepts connections and never says a word.
func silentServer(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts; nobody reads
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// setUpKey goes through the first pages of the wizard.
func setUpKey(w *World) {
	w.t.Helper()
	w.Sees("Security key found")
	w.Presses("Return")
	for _, kind := range []struct{ what, value string }{{"PIN", pin}, {"PUK", puk}} {
		w.Focus("New " + kind.what)
		w.Types(kind.value, true)
		w.Presses("Tab")
		w.Focus("Repeat " + kind.what)
		w.Types(kind.value, true)
		w.Presses("Return")
	}
}

// proxy is the address of the demo's cluster.
func (w *World) proxy() string {
	w.t.Helper()
	port, err := os.ReadFile(filepath.Join(w.state, "cluster", "port"))
	if err != nil {
		w.t.Fatal(err)
	}
	return "localhost:" + string(port)
}

// password is what the demo made up for one of its users.
func (w *World) password(user string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.state, "cluster", "credentials.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	var all []struct{ Name, Password string }
	if err := json.Unmarshal(text, &all); err != nil {
		w.t.Fatal(err)
	}
	for _, c := range all {
		if c.Name == user {
			return c.Password
		}
	}
	w.t.Fatalf("the demo has no user %s", user)
	return ""
}
