package ui

import (
	"context"
	"encoding/json"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// activityPage is mainScreen.active while the page of what keys were asked to sign is shown, which has no tab.
const activityPage = -3

// activityScreen is the page of what keys were asked to sign, the newest first. Other processes add to it as well, so
// it is read again whenever it comes into sight.
type activityScreen struct {
	w       *Window
	visible bool
	reading bool
	then    []func() // what runs after the next reading, which something that came during this one leads to
	seen    uint64   // keystore.Snapshot.Activity of the last reading
	told    uint64   // and of the last notification
	list    []keystore.Activity
	rows    []activityRow

	withdraw func() // takes the last notification away

	root   *fyne.Container
	table  *activityList
	card   *widget.Box
	empty  *widget.EmptyState
	notify *widget.Button
	export *widget.Button
	again  *widget.Button
}

func newActivityScreen(w *Window) *activityScreen {
	a := &activityScreen{w: w, withdraw: func() {}, told: w.keys.Activity, seen: w.keys.Activity}
	a.notify = widget.NewSmallButton("Notify me of each use", "", "", widget.Chip, a.toggleNotify)
	a.export = widget.NewSmallButton("Copy as JSON", assets.IconCopy, "", widget.Secondary, a.copyAll)
	a.again = widget.NewSmallButton("", assets.IconRefresh, "", widget.Secondary, a.read).SetName("Read activity again")
	words := widget.Column(4, widget.NewText("Activity", widget.Heading),
		widget.NewCell("Who had what signed with your keys. It is kept on this computer alone.", widget.Muted))
	head := widget.Inset(0, 0, widget.SpaceM, 2, widget.Border(nil, nil, widget.Middle(widget.Row(widget.SpaceS, a.notify, a.export, a.again)), words))
	a.table = newActivityList(a)
	a.card = widget.NewBox(widget.Card, widget.Inset(1, 6, 6, 6, a.table))
	a.empty = widget.NewEmptyState(assets.IconShield, "Nothing was signed yet",
		"As soon as a program has one of your keys sign something, it is listed here: which program, what for, and with which key.", nil)
	a.root = container.NewBorder(head, nil, nil, nil, container.NewStack(a.card, a.empty))
	a.draw()
	return a
}

// setVisible says whether the page is the one that is shown.
func (a *activityScreen) setVisible(visible bool) {
	came := visible && !a.visible
	a.visible = visible
	if came {
		a.readAnd(a.focusTable)
	}
}

// show follows the key store: the page is read again when there is something new, and the person is told if they want.
func (a *activityScreen) show(k keystore.Snapshot) {
	telling := k.Activity != a.told && a.w.memory.now.NotifyUses
	a.told = k.Activity
	if telling || a.visible && k.Activity != a.seen {
		a.seen = k.Activity
		a.readAnd(func() {
			if telling {
				a.tell()
			}
		})
	}
}

func (a *activityScreen) read() { a.readAnd(func() {}) }

// readAnd reads the activity in the background, because it is on a disk; then runs when it is there. What comes while
// it is read leads to another reading.
func (a *activityScreen) readAnd(then func()) {
	if a.reading {
		a.then = append(a.then, then)
		return
	}
	a.reading = true
	var list []keystore.Activity
	a.w.loop.run(func(context.Context) error {
		list = a.w.deps.Keys.Activity()
		return nil
	}, func(error) {
		a.reading = false
		a.list = list
		a.draw()
		then()
		if waiting := a.then; len(waiting) > 0 {
			a.then = nil
			a.readAnd(func() {
				for _, f := range waiting {
					f()
				}
			})
		}
	})
}

// draw shows what was read.
func (a *activityScreen) draw() {
	a.rows = activityRows(a.list, a.w.deps.Now())
	nothing := len(a.rows) == 0
	a.card.Hidden, a.empty.Hidden, a.export.Hidden = nothing, !nothing, nothing
	a.notify.SetStyle(widget.Chip)
	if a.w.memory.now.NotifyUses {
		a.notify.SetStyle(widget.Chosen)
	}
	a.table.Refresh()
	a.root.Refresh()
}

// first is what the keyboard starts at.
func (a *activityScreen) first() fyne.Focusable {
	if len(a.rows) > 0 {
		return a.table
	}
	return a.notify
}

// focusTable moves the keyboard to what was read, unless the person has moved it already.
func (a *activityScreen) focusTable() {
	if a.visible && a.w.win.Canvas().Focused() == fyne.Focusable(a.notify) {
		a.w.focusMain()
	}
}

func (a *activityScreen) toggleNotify() {
	a.w.memory.notifyUses(!a.w.memory.now.NotifyUses)
	a.draw()
}

// copyAll puts everything into the clipboard, as "touchstone key activity --format json" prints it.
func (a *activityScreen) copyAll() {
	text, err := json.MarshalIndent(a.list, "", "  ")
	if err != nil {
		a.w.report(err)
		return
	}
	a.w.deps.App.Clipboard().SetContent(string(text) + "\n")
}

// tell shows the latest use as a notification, in the place of the one before.
func (a *activityScreen) tell() {
	if len(a.list) == 0 || a.list[0].Result != keystore.ActivitySigned {
		return
	}
	a.withdraw()
	title, text := useText(a.list[0])
	a.withdraw = a.w.deps.Desktop.Notify(title, text, func() { a.w.loop.hop(a.w.showActivity) })
}

// showActivity brings the window forward with the page.
func (w *Window) showActivity() {
	w.raise()
	if w.wizard == nil {
		w.main.turn(activityPage)
	}
}

// notifyUses remembers whether each use of a key is notified.
func (m *memory) notifyUses(on bool) {
	m.now.NotifyUses = on
	m.save()
}
