package ui

import (
	"fmt"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/ui/widget"
)

// askToClose answers the window's close button. With a tray everything goes on without the window, which is asked once;
// without one, and during the first run, closing quits.
func (w *Window) askToClose() {
	switch {
	case w.wizard != nil || !w.deps.Desktop.HasTray():
		w.askToQuit()
	case w.memory.now.StaysInTray:
		w.hide()
	default:
		w.askToStay()
	}
}

// askToStay says what closing does, until the person has agreed to it once.
func (w *Window) askToStay() {
	card := &modal{}
	card.cancel = func() { w.modals.hide(card) }
	card.submit = func() {
		w.modals.hide(card)
		w.memory.stayInTray()
		w.hide()
	}
	stay := widget.NewButton("Keep running", widget.Primary, card.submit)
	leave := widget.NewButton("Quit", widget.Secondary, func() {
		w.modals.hide(card)
		w.askToQuit()
	})
	card.content = widget.Column(20, promptHead("Touchstone keeps running in the tray",
		"Sessions stay open and one click there connects. Its menu brings the window back and quits. You are not asked again."),
		widget.Ends(nil, widget.Row(10, leave, stay)))
	card.focus = func() fyne.Focusable { return stay }
	w.modals.show(card)
}

// askToQuit asks when sessions would be lost, and quits.
func (w *Window) askToQuit() {
	n := w.main.openSessions()
	if n == 0 {
		w.quit()
		return
	}
	w.raise()
	sessions := "One session is"
	if n > 1 {
		sessions = fmt.Sprintf("%d sessions are", n)
	}
	card := &modal{}
	card.cancel = func() { w.modals.hide(card) }
	stay := widget.NewButton("Stay", widget.Primary, card.cancel)
	leave := widget.NewButton("End sessions and quit", widget.Danger, w.quit)
	card.content = widget.Column(20, promptHead("Quit Touchstone?", sessions+" still open. Quitting ends what runs in them."),
		widget.Ends(nil, widget.Row(10, leave, stay)))
	card.focus = func() fyne.Focusable { return stay }
	card.submit = card.cancel
	w.modals.show(card)
}

func (w *Window) quit() {
	w.deps.Prompter.attach(nil)
	w.deps.App.Quit()
}

// hide leaves Touchstone to its tray. A question that is open now calls from there.
func (w *Window) hide() {
	w.hidden = true
	w.win.Hide()
	if q := w.layer.question; q != nil {
		w.callPerson(q)
	}
}

// raise brings the window back and to the front, where the platform lets it.
func (w *Window) raise() {
	if w.hidden { // Fyne would move a window that is there already
		w.hidden = false
		w.win.Show()
	}
	w.win.RequestFocus()
}
