package ui

import (
	"runtime"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// binding is one key and what it does; the table of them is all there is to know about keys.
type binding struct {
	key  fyne.KeyName
	mod  fyne.KeyModifier
	what string // for a help page
	do   func(*Window)
}

// commandKey is held for the window's own keys: Cmd on macOS, Ctrl and Shift elsewhere, where Ctrl alone belongs to the
// shell.
func commandKey() fyne.KeyModifier {
	if runtime.GOOS == "darwin" {
		return fyne.KeyModifierSuper
	}
	return fyne.KeyModifierControl | fyne.KeyModifierShift
}

func bindings() []binding {
	command, control := commandKey(), fyne.KeyModifierControl
	return []binding{
		{fyne.KeyT, command, "New connection", (*Window).newConnection},
		{fyne.KeyW, command, "Close tab", (*Window).closeActiveTab},
		{fyne.KeyTab, control, "Next tab", func(w *Window) { w.turnTab(1) }},
		{fyne.KeyTab, control | fyne.KeyModifierShift, "Previous tab", func(w *Window) { w.turnTab(-1) }},
		{fyne.KeyF, command, "Find", (*Window).newConnection},
		{fyne.KeyK, command, "Search", (*Window).newConnection},
		{fyne.KeyP, command, "Connections", (*Window).showConnections},
		{fyne.KeyE, command, "Clusters", (*Window).focusClusters},
		{fyne.KeyL, command, "Forget PIN", (*Window).forgetPIN},
	}
}

// addShortcuts gives the window its keys.
func (w *Window) addShortcuts() {
	for _, b := range bindings() {
		w.win.Canvas().AddShortcut(&desktop.CustomShortcut{KeyName: b.key, Modifier: b.mod}, func(fyne.Shortcut) { w.shortcut(b) })
	}
}

// terminalShortcut takes the keys that a terminal has no use for.
func (w *Window) terminalShortcut(s fyne.Shortcut) {
	for _, b := range bindings() {
		if s.ShortcutName() == (&desktop.CustomShortcut{KeyName: b.key, Modifier: b.mod}).ShortcutName() {
			w.shortcut(b)
		}
	}
}

// shortcut does what a key stands for, unless a dialog has the keyboard.
func (w *Window) shortcut(b binding) {
	if len(w.modals.open) == 0 && w.wizard == nil {
		b.do(w)
	}
}

// searchKeys is what stands in the search box.
func searchKeys() []string {
	if runtime.GOOS == "darwin" {
		return []string{"Cmd", "K"}
	}
	return strings.Split("Ctrl Shift K", " ")
}
