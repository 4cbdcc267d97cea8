//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestSecondFactorsFromSignInToProduction signs in with password, taps and a touch, which a list ticks off. As someone
// whose sessions in production are checked one by one it opens shells and a database there: a tap each, a sentence where
// the tap is refused, and nothing asked elsewhere. In the end the window is closed and the tray asks.
func TestSecondFactorsFromSignInToProduction(t *testing.T) {
	t.Parallel()
	bus := startBus(t)
	w := newWorldWith(t, []string{"DBUS_SESSION_BUS_ADDRESS=" + bus.address}, program)
	w.Display.Move("Virtual key", 1220, 40)
	setUpKey(w)
	w.Sees("Which cluster?")
	w.Presses("Return")
	w.Sees("Sign in to demo")
	w.Focus("Password")
	signInAs(w, "touch-mfa")
	tapsAndTouches(w)

	w.Display.Move("Touchstone", 10, 40)
	w.Clicks("Sign out")
	w.Clicks("Sign in")
	w.Focus("Password")
	signInAs(w, "guide")
	w.Sees("Tap your security key")
	w.Clicks("Gold contact")
	w.Sees("demo-node")

	shells(w)
	database(w)
	fromTheTray(w, bus)
}

// signInAs fills the sign-in page, whose password has the keyboard, and sends it.
func signInAs(w *World, user string) {
	w.t.Helper()
	w.Replaces(w.password(user))
	w.Presses("shift+Tab")
	w.Focus("User")
	w.Replaces(user)
	w.Presses("Return")
}

// keep writes what a notification said into the artefacts and the transcript.
func (n notification) keep(w *World, file string) {
	w.t.Helper()
	w.Say("    notification %q: %q [%s]", n.title, n.text, file)
	if err := os.WriteFile(filepath.Join(w.folder, file), []byte(n.title+"\n"+n.text+"\n"), 0o600); err != nil {
		w.t.Error(err)
	}
}

// tapsAndTouches goes through a first sign-in under hardware_key_touch.
func tapsAndTouches(w *World) {
	w.t.Helper()
	for _, step := range []struct{ title, count, shot string }{
		{"Tap your security key", "0 of 1 done", "taps-1"},
		{"Touch your security key", "1 of 3 done", "taps-2"},
		{"Tap your security key", "2 of 3 done", "taps-3"},
	} {
		w.Sees(step.count)
		w.Sees(step.title)
		w.Shot(step.shot)
		w.Clicks("Gold contact")
	}
	w.SeesAfterTouches("demo-node")
	w.Sees("PIV 9c ready")
	w.Shot("signed-in")
}

// SeesAfterTouches waits until a text is on the screen, and touches the key whenever it asks: on a slow machine the touch
// of the sign-in may be too old for the lists.
func (w *World) SeesAfterTouches(text string) {
	w.t.Helper()
	eventually(w.t, waitLimit, fmt.Sprintf("%q is on the screen", text), func() error {
		controls, err := w.controls()
		if err != nil {
			return err
		}
		for _, c := range controls {
			switch {
			case c.shows(text):
				return nil
			case c.shows("Touch your security key"):
				w.Clicks("Gold contact")
			}
		}
		return fmt.Errorf("on the screen: %s", describe(controls))
	})
}

// shells opens one in production, after a refusal, and one elsewhere.
func shells(w *World) {
	w.t.Helper()
	w.Clicks("Connect to prod")
	w.Sees("Tap your security key")
	w.Sees("MFA for SSH to")
	w.Shot("mfa")
	w.Presses("Escape")
	w.Sees("was refused, so nothing was opened.")
	w.Shot("mfa-refused")
	w.Clicks("Try again")
	w.Sees("Tap your security key")
	w.Clicks("Gold contact")
	w.Reads("This is the demo node of Touchstone.")
	w.Enters("echo $((6*7)) from $SSH_TELEPORT_USER")
	w.Reads("42 from guide")
	w.Shot("shell-in-production")

	w.Presses("ctrl+shift+t")
	w.Clicks("Connect to demo-node")
	w.Reads("This is the demo node of Touchstone.")
	w.SeesNot("Tap your security key")
	w.Shot("shell-elsewhere")
}

// database opens one in production and runs psql in a tab, which waits for the tap.
func database(w *World) {
	w.t.Helper()
	w.Presses("ctrl+shift+t")
	w.Clicks("Show databases")
	w.Shot("databases")
	w.Clicks("Connect to orders-prod")
	w.Focus("Database user")
	w.Types("reader", false)
	w.Presses("Tab")
	w.Focus("Database name")
	w.Types("orders", false)
	w.Presses("Return")
	w.Sees("listening")
	w.Shot("open")
	w.Clicks("Run command for orders-prod as reader · demo")
	w.Sees("Tap your security key")
	w.Sees("orders-prod as reader on demo")
	w.Shot("mfa-database")
	w.Clicks("Gold contact")
	w.Reads("orders=>")
	w.Enters("select customer from orders order by id;")
	w.Reads(" Grace")
	w.Shot("psql-in-a-tab")
	w.Presses("ctrl+shift+p")
	w.Sees("1 client")
	w.Shot("open-with-psql")
	w.Clicks("Show psql orders-prod")
	w.Enters(`\q`)
	w.Sees("psql has ended.")
	w.Shot("psql-ended")
}

// fromTheTray closes the window, connects to production with one click and is called to the key by a notification.
func fromTheTray(w *World, bus *Bus) {
	w.t.Helper()
	w.Presses("ctrl+shift+t")
	w.Clicks("Show all")
	w.Clicks("Pin prod")
	closeWindow(w)
	w.Sees("Touchstone keeps running in the tray")
	w.Presses("Return")
	w.Gone("Touchstone")
	bus.Clicks(w, "root@prod · demo")
	note := bus.Notified("Tap your security key")
	note.keep(w, "notification-tap.txt")
	bus.Shows("Tap your security key")
	bus.keep(w, "tray-tap.txt")
	w.Shot("called-by-a-notification")
	w.Clicks("Gold contact")
	bus.Closed(note)
	w.There("Touchstone")
	w.Reads("This is the demo node of Touchstone.")
	w.Enters("echo $((6*7)) from the tray")
	w.Reads("42 from the tray")
	w.Shot("shell-from-the-tray")
}
