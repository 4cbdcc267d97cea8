//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOneClickInTheTrayOpensAShell closes the window and goes on in the tray. One click on a pinned server asks for a
// touch with a notification, which goes when the key was touched; the window comes back with the shell.
func TestOneClickInTheTrayOpensAShell(t *testing.T) {
	t.Parallel()
	bus := startBus(t)
	w := newWorldWith(t, []string{"DBUS_SESSION_BUS_ADDRESS=" + bus.address}, checkedProgram)
	openServers(w)

	w.Clicks("Pin demo-node")
	bus.Shows("demo-node · demo")
	bus.keep(w, "tray-pinned.txt")

	closeWindow(w)
	w.Sees("Touchstone keeps running in the tray")
	w.Shot("closing")
	w.Presses("Return")
	w.Gone("Touchstone")
	w.Shot("in-the-tray")

	// The key takes a touch as good for 15 seconds: only after them it wants another.
	bus.ShowsNot("touch good for")
	bus.Clicks(w, "demo-node · demo")
	note := bus.Notified("Touch your security key")
	bus.Shows("waiting for touch")
	bus.keep(w, "tray-waiting.txt")
	w.Say("    notification %q: %q", note.title, note.text)
	if _, err := w.Display.FindWindow("Touchstone"); err == nil {
		t.Error("the window came back before there was a shell")
	}
	w.Clicks("Gold contact")
	bus.Closed(note)
	w.Reads("This is the demo node of Touchstone.")
	w.There("Touchstone")
	w.Enters("echo from $SSH_TELEPORT_USER")
	w.Reads("from touch-pin")
	w.Shot("shell-from-the-tray")
	bus.Shows("· open")
	bus.keep(w, "tray-open.txt")

	closeWindow(w) // asks nothing this time
	w.Gone("Touchstone")
	bus.Clicks(w, "Quit")
	w.Sees("Quit Touchstone?")
	w.Shot("quit-from-the-tray")
	w.Clicks("End sessions and quit")
	bus.Gone()
	staysOnFynesThread(w) // a tray calls from threads of its own
}

// openServers goes from the first start to the list of servers.
func openServers(w *World) {
	w.t.Helper()
	w.Display.Move("Virtual key", 1220, 40)
	setUpKey(w)
	w.Sees("Which cluster?")
	w.Presses("Return")
	w.Sees("Sign in to demo")
	w.Presses("Return")
	enterPIN(w, pin)
	w.Sees("Touch your security key")
	w.Clicks("Gold contact")
	w.Sees("demo-node")
	w.Display.Move("Touchstone", 10, 40)
}

// closeWindow closes the main window as the window manager does.
func closeWindow(w *World) {
	w.t.Helper()
	window, err := w.Display.FindWindow("Touchstone")
	if err != nil {
		w.t.Fatal(err)
	}
	w.Display.Run("xdotool", "windowactivate", "--sync", window)
	w.Presses("alt+F4")
}

// Gone waits until no window has that title, There until one has.
func (w *World) Gone(title string) {
	w.t.Helper()
	eventually(w.t, waitLimit, title+" has no window", func() error {
		if id, err := w.Display.FindWindow(title); err == nil {
			return os.NewSyscallError("window "+id, os.ErrExist)
		}
		return nil
	})
	w.Say("    the window %q is gone", title)
}

// There waits until a window has that title.
func (w *World) There(title string) {
	w.t.Helper()
	eventually(w.t, waitLimit, title+" has a window", func() error {
		_, err := w.Display.FindWindow(title)
		return err
	})
}

// keep writes the tray's menu into the artefacts and the transcript.
func (b *Bus) keep(w *World, file string) {
	w.t.Helper()
	items, err := b.menu()
	if err != nil {
		w.t.Fatal(err)
	}
	text := menuText(items)
	w.Say("    the tray's menu [%s]:\n\t%s", file, strings.ReplaceAll(text, "\n", "\n\t"))
	if err := os.WriteFile(filepath.Join(w.folder, file), []byte(text), 0o600); err != nil {
		w.t.Error(err)
	}
}
