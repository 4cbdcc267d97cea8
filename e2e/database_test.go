//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"regexp"
	"testing"
	"time"
)

// TestOneClickInTheTrayServesPsql opens a database as a person of the window does, pins it, closes the window and opens it
// again with one click in the tray. psql connects to the local address, is held while the key waits to be touched, and
// gets its answer.
func TestOneClickInTheTrayServesPsql(t *testing.T) {
	t.Parallel()
	bus := startBus(t)
	w := newWorldWith(t, []string{"DBUS_SESSION_BUS_ADDRESS=" + bus.address}, program)
	openServers(w)
	w.Clicks("Show databases")
	w.Shot("databases")
	w.Clicks("Connect to orders")
	w.Focus("Database user")
	w.Types("reader", false)
	w.Presses("Tab")
	w.Focus("Database name")
	w.Types("orders", false)
	w.Shot("as-whom")
	w.Presses("Return")
	w.Sees("listening")
	w.Shot("open")
	w.Clicks("Stop orders as reader · demo")
	w.Sees("Nothing is open")
	w.Presses("ctrl+shift+t")
	w.Clicks("Pin orders")

	closeWindow(w)
	w.Sees("Touchstone keeps running in the tray")
	w.Presses("Return")
	w.Gone("Touchstone")
	bus.Clicks(w, "reader@orders · demo")
	bus.Shows("· 127.0.0.1:")
	bus.ShowsNot("touch good for")
	bus.keep(w, "tray-database.txt")

	answer := make(chan string, 1)
	go func() { answer <- psql(t.Context(), bus.port(), "SELECT customer FROM orders ORDER BY id") }()
	note := bus.Notified("Touch your security key")
	w.Clicks("Gold contact")
	bus.Closed(note)
	select {
	case got := <-answer:
		if want := "Ada\nGrace\nEdsger\n"; got != want {
			t.Errorf("psql answers %q, want %q", got, want)
		}
		w.Say("    psql: %q", got)
	case <-time.After(waitLimit):
		t.Error("psql has no answer")
	}
	if _, err := w.Display.FindWindow("Touchstone"); err == nil {
		t.Error("the window came back for nothing")
	}
}

// port is where the local address in the tray's menu leads.
func (b *Bus) port() string {
	b.t.Helper()
	items, err := b.menu()
	if err != nil {
		b.t.Fatal(err)
	}
	found := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindStringSubmatch(menuText(items))
	if found == nil {
		b.t.Fatalf("the tray's menu tells no address:\n%s", menuText(items))
	}
	return found[1]
}

// psql runs one statement and returns what psql says, its errors as well.
func psql(ctx context.Context, port, statement string) string {
	out, err := exec.CommandContext(ctx, "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command", statement,
		"host=127.0.0.1 port="+port+" user=reader dbname=orders sslmode=disable").CombinedOutput()
	if err != nil {
		return string(out) + err.Error()
	}
	return string(out)
}
