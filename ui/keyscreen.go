package ui

import (
	"context"
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// keyScreenPage is mainScreen.active while the page of the security key is shown, which has no tab.
const keyScreenPage = -2

// keyScreen is the page of the security key: what is on it and what can be done to it. It reads a card when the card or
// what the program did to it changed, and only while the page is shown.
type keyScreen struct {
	loop    *loop
	keys    Keys
	actions keyActions

	visible  bool
	cards    []keystore.CardState
	sessions session.Snapshot
	noReader error  // why no card can be reached at all
	serial   uint32 // of the card that was chosen; 0 for the first
	details  *keystore.CardDetails
	problem  error  // why the card could not be read
	read     string // what the last reading, or the one under way, was about
	reading  bool

	root    *fyne.Container
	note    *fyne.Container
	choices *fyne.Container
	head    *keyHeadView
	banner  *banner
	tiles   *keyTiles
	slots   *slotList
	foot    *fyne.Container
	page    *fyne.Container
	absent  *fyne.Container
}

// keyActions is what a person can do to a key. All of them open a dialog.
type keyActions struct {
	setUp     func(keystore.CardDetails)
	changePIN func(keystore.CardDetails)
	changePUK func(keystore.CardDetails)
	unblock   func(keystore.CardDetails)
	reset     func(keystore.CardDetails)
	rename    func(keystore.CardID)
	attest    func(keystore.CardDetails, keystore.Slot)
	make      func(keystore.CardDetails, keystore.Slot)
}

func newKeyScreen(l *loop, keys Keys, actions keyActions) *keyScreen {
	k := &keyScreen{loop: l, keys: keys, actions: actions, choices: widget.Row(widget.SpaceS)}
	k.note = container.New(layout.NewCustomPaddedLayout(0, 0, 0, widget.SpaceXS)) // as wide as the page, which leaves room to scroll
	k.head = newKeyHeadView(func() { actions.rename(k.card().CardID) }, k.readAgain)
	k.banner = newBanner(620, k.retry)
	k.tiles = newKeyTiles(k)
	k.slots = newSlotList(func(slot keystore.Slot) { actions.attest(*k.details, slot) }, func(slot keystore.Slot) { actions.make(*k.details, slot) })
	k.note.Hide()
	k.foot = widget.Inset(2, 4, 0, 6, widget.Ends(widget.NewText("Everything on the PIV side can be erased, for a key that is handed on or whose PIN and PUK are lost.", widget.Small),
		widget.NewSmallButton("Reset key…", "", "", widget.Danger, func() {
			if k.details != nil {
				actions.reset(*k.details)
			}
		})))
	body := widget.Column(widget.SpaceM, k.choices, k.head.root, k.banner.box, k.tiles.root, k.slots.root, k.foot)
	k.page = container.NewStack(container.NewVScroll(widget.Inset(0, widget.SpaceXS, 0, 0, body)))
	k.absent = newAbsentKey()
	k.root = container.NewBorder(k.note, nil, nil, nil, container.NewStack(k.page, k.absent))
	k.banner.changed = k.root.Refresh
	return k
}

// newAbsentKey is what stands there while no key is plugged in.
func newAbsentKey() *fyne.Container {
	picture := widget.NewKeyPicture(190)
	picture.SetFaded(true)
	return container.NewCenter(widget.Column(10, picture,
		widget.NewCentered("Plug in your security key", widget.Brand),
		widget.NewCentered("A YubiKey 5 or newer. What is on it appears here by itself.", widget.Muted)))
}

// show follows the world.
func (k *keyScreen) show(keys keystore.Snapshot, s session.Snapshot) {
	k.cards, k.sessions, k.noReader = keys.Cards, s, nil
	if keys.Problem != nil {
		k.noReader = keys.Problem
	}
	k.refresh()
}

// setVisible says whether the page is the one that is shown. A page that comes into sight is read afresh: another
// program may have used the key.
func (k *keyScreen) setVisible(visible bool) {
	if visible && !k.visible {
		k.read = ""
	}
	k.visible = visible
	if visible {
		k.refresh()
	}
}

// card is the one that is shown; the zero card when none is plugged in.
func (k *keyScreen) card() keystore.CardState {
	i := slices.IndexFunc(k.cards, func(c keystore.CardState) bool { return c.Serial == k.serial })
	switch {
	case i >= 0:
		return k.cards[i]
	case len(k.cards) > 0:
		return k.cards[0]
	default:
		return keystore.CardState{}
	}
}

// choose turns to another card.
func (k *keyScreen) choose(serial uint32) {
	k.serial = serial
	k.tell("")
	k.refresh()
}

// readAgain reads the card whether something seems new or not. What was told of it before may no longer be true.
func (k *keyScreen) readAgain() {
	k.tell("")
	k.read = ""
	k.refresh()
}

// retry looks for readers and cards again, then reads.
func (k *keyScreen) retry() {
	k.loop.run(k.keys.Refresh, func(error) { k.readAgain() })
}

// refresh reads the card if that is worth while, and draws what is known.
func (k *keyScreen) refresh() {
	card := k.card()
	if k.details != nil && k.details.Serial != card.Serial {
		k.details, k.problem = nil, nil
		k.tell("")
	}
	if about := k.about(card); k.visible && !k.reading && about != "" && about != k.read {
		k.startReading(card.Serial, about)
	} else if about == "" {
		k.read, k.problem = "", nil
	}
	k.draw()
}

// about tells two moments apart between which a card may have changed; empty while there is nothing to read.
func (k *keyScreen) about(card keystore.CardState) string {
	if card.Serial == 0 || card.Problem != nil || k.noReader != nil {
		return ""
	}
	text := fmt.Sprint(card.Serial, card.Reader, card.Known, card.PINIsDefault, card.PUKIsDefault, card.PINAttempts, card.PUKAttempts)
	for _, c := range k.sessions.Clusters {
		text += fmt.Sprintf(" %s=%d/%s", c.ID, c.Serial, c.Slot)
	}
	return text
}

// startReading reads one card in the background. Something new meanwhile leads to another reading afterwards.
func (k *keyScreen) startReading(serial uint32, about string) {
	k.read, k.reading = about, true
	var details *keystore.CardDetails
	k.loop.run(func(ctx context.Context) (err error) {
		details, err = k.keys.Describe(ctx, serial)
		return err
	}, func(err error) {
		k.reading = false
		if k.card().Serial == serial {
			k.problem = err
			if err == nil {
				k.details = details
			}
		}
		k.refresh()
	})
}

// tell shows a line above the page until it is closed; an empty text closes it.
func (k *keyScreen) tell(text string) {
	k.note.Objects, k.note.Hidden = nil, text == ""
	if text != "" {
		k.note.Add(newNote(text, func() { k.tell("") }))
	}
	k.root.Refresh()
}

// draw shows what is known now.
func (k *keyScreen) draw() {
	card := k.card()
	nothing := len(k.cards) == 0 && k.noReader == nil
	k.absent.Hidden, k.page.Hidden = !nothing, nothing
	k.head.show(card, k.details, k.noReader != nil)
	k.banner.showError(k.trouble(card))
	unreadable := card.Serial == 0 || k.details == nil && k.trouble(card) != nil
	k.tiles.root.Hidden, k.slots.root.Hidden, k.foot.Hidden = unreadable, unreadable, unreadable
	k.tiles.show(k.details)
	k.slots.show(k.details, k.sessions)
	k.drawChoices(card.Serial)
	k.root.Refresh()
}

// trouble is what stands in the way of showing the key.
func (k *keyScreen) trouble(card keystore.CardState) error {
	switch {
	case k.noReader != nil:
		return k.noReader
	case card.Problem != nil:
		return card.Problem
	default:
		return k.problem
	}
}

// drawChoices lists the keys when there are several. The buttons stay the same while the keys do, and so does the focus.
func (k *keyScreen) drawChoices(shown uint32) {
	k.choices.Hidden = len(k.cards) < 2
	if len(k.choices.Objects) != len(k.cards) {
		k.choices.Objects = nil
		for i := range k.cards {
			k.choices.Add(widget.NewSmallButton(" ", assets.IconKey, "", widget.Chip, func() { k.choose(k.cards[i].Serial) }))
		}
	}
	for i, card := range k.cards {
		chip := k.choices.Objects[i].(*widget.Button)
		chip.SetText(cardName(card.CardID))
		chip.SetStyle(widget.Chip)
		if card.Serial == shown {
			chip.SetStyle(widget.Chosen)
		}
	}
}

// keyHeadView is the card at the top: picture, name and numbers.
type keyHeadView struct {
	root          fyne.CanvasObject
	picture       *widget.KeyPicture
	title, detail *widget.Text
	rename, again *widget.Button
}

func newKeyHeadView(rename, again func()) *keyHeadView {
	v := &keyHeadView{
		picture: widget.NewKeyPicture(96),
		title:   widget.NewCell("", widget.Heading),
		detail:  widget.NewCell("", widget.Muted),
	}
	v.rename = widget.NewSmallButton("Name…", "", "", widget.Secondary, rename).SetName("Name this key")
	v.again = widget.NewSmallButton("", assets.IconRefresh, "", widget.Secondary, again).SetName("Read key again")
	words := widget.Inset(0, widget.SpaceM, 0, widget.SpaceL, widget.Middle(widget.Column(6, v.title, v.detail)))
	buttons := widget.Middle(widget.Row(widget.SpaceS, v.rename, v.again))
	v.root = widget.NewBox(widget.Card, widget.Inset(12, 16, 12, 20, widget.Border(nil, v.picture, buttons, words)))
	return v
}

func (v *keyHeadView) show(card keystore.CardState, d *keystore.CardDetails, noReader bool) {
	v.picture.SetFaded(card.Serial == 0)
	v.picture.SetLit(card.TouchWaiting)
	v.rename.Hidden = card.Serial == 0
	v.title.SetText(keyTitle(card))
	v.detail.SetText(keyHead(card, d))
	if noReader {
		v.title.SetText("No key can be reached")
	}
}
