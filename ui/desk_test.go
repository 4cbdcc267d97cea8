package ui

import (
	"sync"
	"testing"

	"fyne.io/fyne/v2"
)

// desk is a desktop that remembers what it was told. Fyne thread only, but for the tray.
type desk struct {
	tray  bool
	icon  string
	menu  *fyne.Menu
	menus int // how often the menu was replaced
	notes []*note

	browsed string
}

// note is a notification.
type note struct {
	title, text string
	clicked     func()
	withdrawn   bool
}

func (d *desk) HasTray() bool                  { return d.tray }
func (d *desk) SetTrayIcon(icon fyne.Resource) { d.icon = icon.Name() }

func (d *desk) SetTrayMenu(menu *fyne.Menu) {
	d.menu = menu
	d.menus++
}

func (d *desk) OpenURL(url string) error {
	d.browsed = url
	return nil
}

func (d *desk) Notify(title, text string, clicked func()) (withdraw func()) {
	n := &note{title: title, text: text, clicked: clicked}
	d.notes = append(d.notes, n)
	return func() { n.withdrawn = true }
}

// click clicks a line of the tray's menu.
func (d *desk) click(t *testing.T, label string) {
	t.Helper()
	for _, item := range d.menu.Items {
		if item.Label == label && !item.Disabled {
			item.Action()
			return
		}
	}
	t.Fatalf("the tray's menu has no %q to click: %q", label, menuText(d.menu))
}

// menuText is a menu a line for each item; those that only tell are in brackets.
func menuText(menu *fyne.Menu) []string {
	var lines []string
	for _, item := range menu.Items {
		switch {
		case item.IsSeparator:
			lines = append(lines, "-")
		case item.Disabled:
			lines = append(lines, "["+item.Label+"]")
		default:
			lines = append(lines, item.Label)
		}
	}
	return lines
}

// notebook is a memory that lasts as long as the test.
type notebook struct {
	mu  sync.Mutex
	now Remembered
	err error
}

func (n *notebook) Remembered() Remembered {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

func (n *notebook) Remember(r Remembered) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = r
	return n.err
}
