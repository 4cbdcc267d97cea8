//go:build e2e

package ui

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// inspected asks the window's socket as a test driver does.
func (h *harness) inspected(path string) dump {
	h.t.Helper()
	type answer struct {
		dump dump
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		conn, err := net.Dial("unix", path)
		if err == nil {
			err = json.NewDecoder(conn).Decode(&a.dump)
			conn.Close()
		}
		a.err = err
		done <- a
	}()
	a := wait(h, "the window answers", done)
	if a.err != nil {
		h.t.Fatalf("asking the window: %v", a.err)
	}
	return a.dump
}

func TestADriverLearnsWhereControlsAreAndNothingSecret(t *testing.T) {
	folder, err := os.MkdirTemp("", "ts") // t.TempDir is too long for a socket's address
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	path := filepath.Join(folder, "s")
	t.Setenv("TOUCHSTONE_INSPECT", path)
	h := newHarness(t, someClusters(), keystore.Snapshot{Cards: []keystore.CardState{readyCard()}}).open()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	connect := findControl(t, h.inspected(path), "button", "Connect to bastion-03")
	button := h.find("button", "Connect to bastion-03")
	if connect.W != int(button.Size().Width) || connect.X <= 236 || connect.Y <= 100 {
		t.Errorf("the button is told at %+v, and has %v", connect, button.Size())
	}
	h.w.cluster = "lab"
	h.w.signIn()
	h.typeInto("secret", "Password", "hunter22")
	d := h.inspected(path)
	if c := findControl(t, d, "secret", "Password"); !c.Focused {
		t.Error("the field that has the keyboard is not told so")
	}
	for _, c := range d.Windows[0].Controls {
		if c.Text == "hunter22" || c.Text == "Connect to bastion-03" {
			t.Errorf("the driver is told %+v", c)
		}
	}
}

func findControl(t *testing.T, d dump, kind, text string) dumpControl {
	t.Helper()
	all := d.Windows[0].Controls
	i := slices.IndexFunc(all, func(c dumpControl) bool { return c.Kind == kind && c.Text == text })
	if i < 0 {
		t.Fatalf("no %s %q among %+v", kind, text, all)
	}
	return all[i]
}

func TestADriverReadsTerminals(t *testing.T) {
	h := newHarness(t, session.Snapshot{Clusters: []session.Cluster{prod()}}, keystore.Snapshot{}).open()
	s := newPipeShell()
	tab := h.openTab(s)
	tab.screen.Feed([]byte("hello"))
	got := h.w.dump().Windows[0].Terminals
	if len(got) != 1 || got[0].Host != "web-1" || got[0].State != "open" || !got[0].Active || got[0].Text[:5] != "hello" {
		t.Errorf("got %+v", got)
	}
}
