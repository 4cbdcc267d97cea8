//go:build e2e

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

// Bus is a session bus of its own with what a desktop has on it: someone who shows tray icons and someone who shows
// notifications. It plays the person's part as well, who reads and clicks.
type Bus struct {
	t       testing.TB
	address string
	conn    *dbus.Conn

	mu    sync.Mutex
	item  string         // the bus name of the tray icon; guarded by mu
	notes []notification // all that came, in order; their IDs count from 1; guarded by mu
}

// notification is what a person was shown.
type notification struct {
	id          uint32
	title, text string
	closed      bool
}

// menuItem is one line of a tray's menu (com.canonical.dbusmenu).
type menuItem struct {
	id      int32
	label   string
	enabled bool
}

// startBus starts a bus that ends with the test.
func startBus(t testing.TB) *Bus {
	t.Helper()
	folder, err := os.MkdirTemp("", "bus") // a socket's address is short (unix(7), sun_path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	daemon := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address", "--address=unix:path="+filepath.Join(folder, "bus"))
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	startProcess(t, daemon)
	address, err := bufio.NewReader(out).ReadString('\n') // it answers once it accepts clients
	if err != nil {
		t.Fatalf("starting a session bus: %v", err)
	}
	b := &Bus{t: t, address: strings.TrimSpace(address)}
	if err := b.join(); err != nil {
		t.Fatalf("joining the session bus: %v", err)
	}
	t.Cleanup(func() { b.conn.Close() })
	return b
}

// join takes the places of the tray's host and of the notification server.
func (b *Bus) join() (err error) {
	if b.conn, err = dbus.Connect(b.address); err != nil {
		return err
	}
	const watcher, notifier = "org.kde.StatusNotifierWatcher", "org.freedesktop.Notifications"
	properties := prop.Map{watcher: {
		"IsStatusNotifierHostRegistered": {Value: true}, "ProtocolVersion": {Value: int32(0)},
	}}
	if _, err := prop.Export(b.conn, "/StatusNotifierWatcher", properties); err != nil {
		return err
	}
	if err := b.conn.Export((*trayHost)(b), "/StatusNotifierWatcher", watcher); err != nil {
		return err
	}
	if err := b.conn.Export((*notifications)(b), "/org/freedesktop/Notifications", notifier); err != nil {
		return err
	}
	for _, name := range []string{watcher, notifier} {
		if _, err := b.conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil {
			return err
		}
	}
	return nil
}

// trayHost is the bus as programs with a tray icon see it.
type trayHost Bus

// RegisterStatusNotifierItem remembers who has an icon.
func (h *trayHost) RegisterStatusNotifierItem(_ string, sender dbus.Sender) *dbus.Error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.item = string(sender)
	return nil
}

// notifications is the bus as programs that notify see it.
type notifications Bus

// Notify shows a notification (Desktop Notifications Specification 1.2).
func (n *notifications) Notify(_ string, _ uint32, _, title, text string, _ []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := uint32(len(n.notes) + 1)
	n.notes = append(n.notes, notification{id: id, title: title, text: text})
	return id, nil
}

// CloseNotification takes one back.
func (n *notifications) CloseNotification(id uint32) *dbus.Error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id == 0 || int(id) > len(n.notes) {
		return dbus.MakeFailedError(fmt.Errorf("there is no notification %d", id))
	}
	n.notes[id-1].closed = true
	return nil
}

// menu reads the tray's menu.
func (b *Bus) menu() ([]menuItem, error) {
	b.mu.Lock()
	item := b.item
	b.mu.Unlock()
	if item == "" {
		return nil, errors.New("nobody has a tray icon")
	}
	type layout struct {
		ID         int32
		Properties map[string]dbus.Variant
		Children   []dbus.Variant
	}
	var revision uint32
	var root layout
	call := b.conn.Object(item, "/StatusNotifierMenu").Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{})
	if err := call.Store(&revision, &root); err != nil {
		return nil, fmt.Errorf("reading the tray's menu: %w", err)
	}
	var items []menuItem
	for _, child := range root.Children {
		var l layout
		if err := dbus.Store([]any{child.Value()}, &l); err != nil {
			return nil, err
		}
		label, _ := l.Properties["label"].Value().(string)
		enabled, said := l.Properties["enabled"].Value().(bool)
		items = append(items, menuItem{l.ID, label, enabled || !said})
	}
	return items, nil
}

// menuText is a menu a line for each item; those that cannot be clicked are in brackets.
func menuText(items []menuItem) string {
	var text strings.Builder
	for _, i := range items {
		switch {
		case i.label == "":
			text.WriteString("---\n")
		case i.enabled:
			text.WriteString(i.label + "\n")
		default:
			text.WriteString("[" + i.label + "]\n")
		}
	}
	return text.String()
}

// Shows waits until the tray's menu has a text, ShowsNot until it has not.
func (b *Bus) Shows(text string) { b.t.Helper(); b.waits(text, true) }

// ShowsNot waits until a text is gone from the tray's menu.
func (b *Bus) ShowsNot(text string) { b.t.Helper(); b.waits(text, false) }

func (b *Bus) waits(text string, there bool) {
	b.t.Helper()
	eventually(b.t, waitLimit, fmt.Sprintf("the tray's menu has %q: %v", text, there), func() error {
		items, err := b.menu()
		if err == nil && strings.Contains(menuText(items), text) != there {
			err = fmt.Errorf("it is:\n%s", menuText(items))
		}
		return err
	})
}

// Clicks clicks a line of the tray's menu.
func (b *Bus) Clicks(w *World, label string) {
	b.t.Helper()
	eventually(b.t, waitLimit, fmt.Sprintf("the tray's menu offers %q", label), func() error {
		items, err := b.menu()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(items, func(i menuItem) bool { return i.label == label && i.enabled })
		if i < 0 {
			return fmt.Errorf("it is:\n%s", menuText(items))
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.conn.Object(b.item, "/StatusNotifierMenu").Call("com.canonical.dbusmenu.Event", 0,
			items[i].id, "clicked", dbus.MakeVariant(int32(0)), uint32(0)).Err
	})
	w.Say("click %q in the tray", label)
}

// Notified waits for a notification with that title that is not closed.
func (b *Bus) Notified(title string) notification {
	b.t.Helper()
	var found notification
	eventually(b.t, waitLimit, fmt.Sprintf("a notification says %q", title), func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, n := range b.notes {
			if n.title == title && !n.closed {
				found = n
				return nil
			}
		}
		return fmt.Errorf("there came %+v", b.notes)
	})
	return found
}

// Closed waits until a notification was taken back.
func (b *Bus) Closed(n notification) {
	b.t.Helper()
	eventually(b.t, waitLimit, fmt.Sprintf("the notification %q was taken back", n.title), func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.notes[n.id-1].closed {
			return errors.New("it is still there")
		}
		return nil
	})
}

// Gone waits until the program with the tray icon has left the bus.
func (b *Bus) Gone() {
	b.t.Helper()
	eventually(b.t, waitLimit, "the program has ended", func() error {
		var there bool
		err := b.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, b.item).Store(&there)
		if err == nil && there {
			err = errors.New("it is still on the bus")
		}
		return err
	})
}
