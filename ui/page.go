package ui

import (
	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
)

// page is one step of the wizard or of the sign-in dialog: a form with one way forward. Its host draws title and
// buttons around it and is told by the page's changed function when to look again.
type page interface {
	// head is the title and one sentence under it.
	head() (title, text string)
	content() fyne.CanvasObject
	focus() fyne.Focusable
	// next is the label of the button that leads forward, and whether it may be pressed now.
	next() (label string, enabled bool)
	// submit goes forward; it does nothing while next is disabled.
	submit()
	// show brings the page up to date with what is known.
	show(session.Snapshot, keystore.Snapshot)
	// close cancels what the page has under way and wipes what was typed.
	close()
}

// work is what a page needs to do things in the background.
type work struct {
	loop     *loop
	sessions Sessions
	keys     Keys
	welcome  Welcome
	changed  func()
	width    float32 // of the page's content
}
