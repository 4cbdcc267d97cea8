//go:build linux || freebsd || openbsd || netbsd

package app

import (
	"bufio"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"github.com/godbus/dbus/v5"
)

// traying is an app whose driver has a tray.
type traying struct {
	fyne.App
	trayApp
}

type trayApp = desktop.App

// noticeServer shows notifications by sending their fate to whoever tests.
type noticeServer struct{ shown, closed chan string }

func (s noticeServer) Notify(_ string, _ uint32, _, title, _ string, _ []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	s.shown <- title
	return 7, nil
}

func (s noticeServer) CloseNotification(id uint32) *dbus.Error {
	if id != 7 {
		return dbus.MakeFailedError(dbus.ErrMsgUnknownMethod)
	}
	s.closed <- "closed"
	return nil
}

// startBus starts a session bus that ends with the test, and joins it.
func startBus(t *testing.T) (address string, conn *dbus.Conn) {
	t.Helper()
	daemon := exec.CommandContext(t.Context(), "dbus-daemon", "--session", "--nofork", "--print-address", "--address=unix:tmpdir=/tmp")
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Wait() }) // t.Context has ended it by then
	address, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("starting a session bus: %v", err)
	}
	address = strings.TrimSpace(address)
	if conn, err = dbus.Connect(address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return address, conn
}

func openTestDesktop(t *testing.T, address string) *busDesktop {
	t.Helper()
	getenv := func(name string) string { return map[string]string{"DBUS_SESSION_BUS_ADDRESS": address}[name] }
	d := openDesktop(traying{}, getenv, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { d.Close() })
	return d
}

func TestTheTrayIsThereAsLongAsSomeoneShowsIcons(t *testing.T) {
	address, conn := startBus(t)
	d := openTestDesktop(t, address)
	if d.HasTray() {
		t.Fatal("there is a tray on an empty bus")
	}
	if _, err := conn.RequestName(trayHost, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	soon(t, "the tray is there", d.HasTray)
	if other := openTestDesktop(t, address); !other.HasTray() {
		t.Error("a tray that was there before is not seen")
	}
	if _, err := conn.ReleaseName(trayHost); err != nil {
		t.Fatal(err)
	}
	soon(t, "the tray is gone", func() bool { return !d.HasTray() })
}

func TestANotificationIsShownClickedAndTakenBack(t *testing.T) {
	address, conn := startBus(t)
	server := noticeServer{make(chan string, 2), make(chan string, 2)}
	if err := conn.Export(server, notifierPath, notifier); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName(notifier, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	d := openTestDesktop(t, address)
	clicked := make(chan string, 1)
	withdraw := d.Notify("Touch your security key", "It blinks.", func() {
		select {
		case clicked <- "clicked":
		default:
		}
	})
	hears(t, server.shown, "Touch your security key")
	soon(t, "the click arrives", func() bool {
		_ = conn.Emit(notifierPath, actionInvoked, uint32(7), notifyDefault) // until somebody listens for it
		return len(clicked) == 1
	})
	withdraw()
	hears(t, server.closed, "closed")
	withdraw()

	d.Notify("Enter your PIN", "", func() {})
	hears(t, server.shown, "Enter your PIN")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	hears(t, server.closed, "closed") // nobody could answer any more
}

func TestWithoutABusThereIsNoTrayAndNobodyIsNotified(t *testing.T) {
	for name, address := range map[string]string{"no address": "", "an address where nobody is": "unix:path=/nowhere/bus"} {
		t.Run(name, func(t *testing.T) {
			d := openTestDesktop(t, address)
			d.SetTrayIcon(nil)
			d.SetTrayMenu(nil)
			d.Notify("Touch", "", func() {})()
			if d.HasTray() {
				t.Error("there is a tray")
			}
		})
	}
}

// hears waits for a word.
func hears(t *testing.T, words <-chan string, want string) {
	t.Helper()
	select {
	case got := <-words:
		if got != want {
			t.Fatalf("heard %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("waited in vain for %q", want)
	}
}

// soon waits until something holds.
func soon(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline, again := time.After(10*time.Second), time.NewTicker(2*time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
