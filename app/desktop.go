package app

import (
	"net/url"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// trayOf is Fyne's system tray; only desktop drivers have one. The zero trayOf shows nothing.
type trayOf struct{ app desktop.App }

// browser opens addresses with what the desktop has for them.
type browser struct{ app fyne.App }

// OpenURL opens an address in a browser.
func (b browser) OpenURL(address string) error {
	parsed, err := url.Parse(address)
	if err == nil {
		err = b.app.OpenURL(parsed)
	}
	if err != nil {
		return fault.Wrap(err, "No browser could be opened.", "Open "+address+" yourself.")
	}
	return nil
}

func newTray(application fyne.App) trayOf {
	tray, _ := application.(desktop.App)
	return trayOf{tray}
}

// SetTrayIcon replaces the icon.
func (t trayOf) SetTrayIcon(icon fyne.Resource) {
	if t.app != nil {
		t.app.SetSystemTrayIcon(icon)
	}
}

// SetTrayMenu replaces the menu. Fyne asks for a place in the tray when the app begins to run, if there is a menu then.
func (t trayOf) SetTrayMenu(menu *fyne.Menu) {
	if t.app != nil {
		t.app.SetSystemTrayMenu(menu)
	}
}
