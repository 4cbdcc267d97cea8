package app

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// trayOf is Fyne's system tray; only desktop drivers have one.
type trayOf struct{ app desktop.App }

func newTray(application fyne.App) trayOf {
	tray, _ := application.(desktop.App)
	return trayOf{tray}
}

// SetTrayIcon replaces the icon.
func (t trayOf) SetTrayIcon(icon fyne.Resource) { t.app.SetSystemTrayIcon(icon) }

// SetTrayMenu replaces the menu. Fyne asks the desktop for a place in the tray at the first call.
func (t trayOf) SetTrayMenu(menu *fyne.Menu) { t.app.SetSystemTrayMenu(menu) }
