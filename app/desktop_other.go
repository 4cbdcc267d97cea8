//go:build !(linux || freebsd || openbsd || netbsd)

package app

import (
	"log/slog"

	"fyne.io/fyne/v2"
)

// plainDesktop is a desktop that always has a tray, and whose notifications go by themselves.
type plainDesktop struct {
	trayOf
	browser
}

func openDesktop(application fyne.App, _ func(string) string, _ *slog.Logger) *plainDesktop {
	return &plainDesktop{newTray(application), browser{application}}
}

// HasTray says that there is a tray.
func (d *plainDesktop) HasTray() bool { return d.trayOf.app != nil }

// Notify shows a notification; Fyne can neither take it back nor tell of a click.
func (d *plainDesktop) Notify(title, text string, _ func()) (withdraw func()) {
	d.browser.app.SendNotification(fyne.NewNotification(title, text))
	return func() {}
}

// Close has nothing to let go of.
func (d *plainDesktop) Close() error { return nil }
