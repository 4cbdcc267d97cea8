package ui

import (
	"strings"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// askDatabase asks as whom, and to which database on the server, to connect. What was said the last time stands there
// already.
func (w *Window) askDatabase(cluster string, row resourceRow, then func(session.DatabaseRef)) {
	last := w.memory.last(placeOf(cluster, row))
	user := widget.NewField("Database user", "as the database knows you")
	name := widget.NewField("Database name", "on that server")
	user.SetText(last.Login)
	name.SetText(last.Database)
	card := &modal{}
	card.cancel = func() { w.modals.hide(card) }
	connect := widget.NewButton("Connect", widget.Primary, func() { card.submit() })
	card.submit = func() {
		if connect.Disabled() {
			return
		}
		w.modals.hide(card)
		then(session.DatabaseRef{Cluster: cluster, Name: row.Name,
			User: strings.TrimSpace(user.Text), Database: strings.TrimSpace(name.Text)})
	}
	changed := func(string) { connect.SetDisabled(strings.TrimSpace(user.Text) == "") }
	changed("")
	user.OnChanged = changed
	cancel := widget.NewButton("Cancel", widget.Secondary, card.cancel)
	card.content = widget.Column(18,
		promptHead("Connect to "+row.Name, "A local address leads there. Your database tool needs no password: the certificate says who you are."),
		widget.Column(widget.SpaceM, labelled("Database user", user), labelled("Database name", name)),
		widget.Ends(nil, widget.Row(10, cancel, connect)))
	card.focus = func() fyne.Focusable { return user }
	w.modals.show(card)
}
