//go:build linux || freebsd || openbsd || netbsd

package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"github.com/godbus/dbus/v5"
)

// The names of the session bus that matter here: who shows tray icons (StatusNotifierItem specification) and who shows
// notifications (Desktop Notifications Specification 1.2).
const (
	trayHost              = "org.kde.StatusNotifierWatcher"
	notifier              = "org.freedesktop.Notifications"
	notifierPath          = "/org/freedesktop/Notifications"
	nameOwnerChanged      = "org.freedesktop.DBus.NameOwnerChanged"
	actionInvoked         = notifier + ".ActionInvoked"
	notifyDefault         = "default" // the action of a click on the notification itself
	neverExpires          = int32(0)
	urgent           byte = 2
)

// notifierPatience is how long whoever shows notifications may take; closing the window waits for it.
const notifierPatience = 2 * time.Second

// busDesktop is a freedesktop desktop, reached over the session bus. Fyne's own notifications cannot be taken back.
type busDesktop struct {
	trayOf
	browser
	log    *slog.Logger
	conn   *dbus.Conn // nil where there is no bus
	tray   atomic.Bool
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	notes  sync.WaitGroup // notifications that are shown
	ear    sync.WaitGroup // follow

	mu      sync.Mutex
	clicked map[uint32]func() // by notification; guarded by mu
}

// openDesktop connects to the session bus, if there is one. Without one Fyne's tray is left alone, because it would start
// a bus.
func openDesktop(application fyne.App, getenv func(string) string, log *slog.Logger) *busDesktop {
	d := &busDesktop{browser: browser{application}, log: log, clicked: map[uint32]func(){}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	address := busAddress(getenv)
	if address == "" {
		return d
	}
	conn, err := dbus.Connect(address)
	if err == nil {
		err = d.listen(conn)
	}
	if err != nil {
		log.Warn("there is no session bus, so no tray", "error", err)
		return d
	}
	d.trayOf = newTray(application)
	return d
}

// busAddress is where the session bus is; empty for nowhere.
func busAddress(getenv func(string) string) string {
	if address := getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		return address
	}
	if folder := getenv("XDG_RUNTIME_DIR"); folder != "" { // systemd's user bus, sd_bus_open_user(3)
		return "unix:path=" + folder + "/bus"
	}
	return ""
}

// listen follows the tray's host and the clicks on notifications.
func (d *busDesktop) listen(conn *dbus.Conn) error {
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, trayHost)},
		{dbus.WithMatchInterface(notifier), dbus.WithMatchMember("ActionInvoked")},
	} {
		if err := conn.AddMatchSignal(match...); err != nil {
			return closeAfter(err, conn)
		}
	}
	var there bool
	if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, trayHost).Store(&there); err != nil {
		return closeAfter(err, conn)
	}
	d.tray.Store(there)
	d.conn = conn
	d.ear.Go(func() { d.follow(signals) })
	return nil
}

// follow ends when the connection does, which closes signals.
func (d *busDesktop) follow(signals <-chan *dbus.Signal) {
	for s := range signals {
		switch {
		case s.Name == nameOwnerChanged && len(s.Body) == 3:
			owner, _ := s.Body[2].(string)
			d.tray.Store(owner != "")
		case s.Name == actionInvoked && len(s.Body) == 2:
			id, _ := s.Body[0].(uint32)
			d.click(id)
		}
	}
	d.tray.Store(false)
}

func (d *busDesktop) click(id uint32) {
	d.mu.Lock()
	clicked := d.clicked[id]
	d.mu.Unlock()
	if clicked != nil {
		clicked()
	}
}

// HasTray says whether someone shows tray icons.
func (d *busDesktop) HasTray() bool { return d.trayOf.app != nil && d.tray.Load() }

// Notify shows a notification until withdraw, or Close, is called.
func (d *busDesktop) Notify(title, text string, clicked func()) (withdraw func()) {
	if d.conn == nil {
		return func() {}
	}
	ctx, withdraw := context.WithCancel(d.ctx)
	d.notes.Go(func() { d.notify(ctx, title, text, clicked) })
	return withdraw
}

// notify shows a notification from its beginning to its end.
func (d *busDesktop) notify(ctx context.Context, title, text string, clicked func()) {
	// A call that was given up half-way would leave a notification that nobody can take back.
	calling, done := context.WithTimeout(context.WithoutCancel(ctx), notifierPatience)
	defer done()
	server := d.conn.Object(notifier, notifierPath)
	hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(urgent), "desktop-entry": dbus.MakeVariant(appID)}
	var id uint32
	err := server.CallWithContext(calling, notifier+".Notify", 0, "Touchstone", uint32(0), appID, title, text,
		[]string{notifyDefault, "Show"}, hints, neverExpires).Store(&id)
	if err != nil {
		d.log.Warn("nobody shows notifications", "error", err)
		return
	}
	d.setClicked(id, clicked)
	<-ctx.Done()
	d.setClicked(id, nil)
	server.Call(notifier+".CloseNotification", dbus.FlagNoReplyExpected, id) // it may be gone already
}

func (d *busDesktop) setClicked(id uint32, clicked func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if clicked == nil {
		delete(d.clicked, id)
	} else {
		d.clicked[id] = clicked
	}
}

// Close takes open notifications back and lets go of the bus.
func (d *busDesktop) Close() error {
	d.cancel()
	if d.conn == nil {
		return nil
	}
	d.notes.Wait()
	err := d.conn.Close()
	d.ear.Wait()
	return err
}
