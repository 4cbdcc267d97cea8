package ui

import (
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// virtualKeyWindow is the virtual key: its contact blinks while a touch is wanted, a click on it is the touch, and a
// button unplugs it and plugs it in.
type virtualKeyWindow struct {
	key     VirtualKey
	loop    *loop
	win     fyne.Window
	contact *contact
	state   *widget.Text
	detail  *widget.Text
	plug    *widget.Button
	status  VirtualKeyStatus
	waiting atomic.Bool // a touch is wanted: the contact blinks
}

func newVirtualKeyWindow(app fyne.App, key VirtualKey, l *loop) *virtualKeyWindow {
	w := &virtualKeyWindow{key: key, loop: l, win: app.NewWindow("Virtual key")}
	w.contact = newContact(func() { w.touch() })
	w.state = widget.NewCentered("", widget.Strong)
	w.detail = widget.NewCentered("", widget.Hint)
	w.plug = widget.NewSmallButton("Unplug", assets.IconPlug, "", widget.Secondary, w.toggle)
	column := widget.Column(widget.SpaceS, w.contact, w.state, w.detail, widget.Inset(widget.SpaceS, 0, 0, 0, container.NewCenter(w.plug)))
	w.win.SetPadded(false)
	w.win.SetIcon(assets.AppIcon())
	w.win.SetContent(widget.NewBox(widget.SidePan, widget.Inset(18, 20, 20, 20, widget.AtLeast(200, 0, column))))
	w.win.SetFixedSize(true)
	w.draw(key.Status())
	return w
}

// show opens the window and follows the key.
func (w *virtualKeyWindow) show() {
	w.win.Show()
	w.loop.wg.Go(func() {
		for {
			changed := w.key.Changed()
			status := w.key.Status()
			w.loop.await(func() { w.draw(status) })
			select {
			case <-changed:
			case <-w.loop.ctx.Done():
				return
			}
		}
	})
	w.loop.every(blinkInterval, w.waiting.Load, w.blink)
}

// blinkInterval is half a period of the contact's light.
const blinkInterval = 330 * time.Millisecond

func (w *virtualKeyWindow) blink() {
	w.contact.picture.SetLit(w.status.Waiting && !w.contact.picture.Lit())
}

func (w *virtualKeyWindow) draw(s VirtualKeyStatus) {
	w.status = s
	w.waiting.Store(s.Waiting)
	w.contact.picture.SetFaded(!s.Plugged)
	w.contact.picture.SetLit(s.Waiting)
	state, color := "Ready", widget.ColorOK
	switch {
	case !s.Plugged:
		state, color = "Not plugged in", widget.ColorFaint
	case s.Waiting:
		state, color = "Click the gold contact", widget.ColorWarn
	}
	w.state.Set(state, widget.Strong.In(color))
	w.detail.SetText("Serial " + serialText(s.Serial) + " · firmware " + s.Firmware)
	if s.Plugged {
		w.plug.SetText("Unplug")
	} else {
		w.plug.SetText("Plug in")
	}
}

func (w *virtualKeyWindow) touch() {
	if w.status.Plugged {
		w.key.Touch()
	}
}

func (w *virtualKeyWindow) toggle() {
	if w.status.Plugged {
		w.key.Unplug()
	} else {
		w.key.Plug()
	}
}

// contact is the picture of the key whose gold contact can be pressed, by mouse, Space or Return.
type contact struct {
	fynewidget.BaseWidget
	picture *widget.KeyPicture
	frame   *widget.Box
	press   func()
	focused bool
}

// contactHeight is the height of the drawn key.
const contactHeight float32 = 270

func newContact(press func()) *contact {
	c := &contact{picture: widget.NewKeyPicture(contactHeight), press: press}
	c.frame = widget.NewBox(widget.BoxStyle{Radius: widget.RadiusL}, widget.Inset(8, 8, 8, 8, c.picture))
	c.ExtendBaseWidget(c)
	return c
}

// Describe names the contact, which is what a driver clicks.
func (c *contact) Describe() widget.Description {
	return widget.Description{Kind: "contact", Text: "Gold contact", Focused: c.focused}
}

// CreateRenderer is Fyne's entry.
func (c *contact) CreateRenderer() fyne.WidgetRenderer { return fynewidget.NewSimpleRenderer(c.frame) }

// Tapped is a touch when it hits the gold: the rest of the key is plastic.
func (c *contact) Tapped(event *fyne.PointEvent) {
	middle := fyne.NewPos(c.Size().Width/2, c.Size().Height*0.51)
	away := event.Position.Subtract(middle)
	if away.X*away.X+away.Y*away.Y <= 36*36 {
		c.press()
	}
}

// TypedKey touches with Space and Return.
func (c *contact) TypedKey(key *fyne.KeyEvent) {
	switch key.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		c.press()
	}
}

// TypedRune is of no use to a contact.
func (c *contact) TypedRune(rune) {}

// FocusGained shows the focus.
func (c *contact) FocusGained() { c.setFocused(true) }

// FocusLost hides the focus.
func (c *contact) FocusLost() { c.setFocused(false) }

func (c *contact) setFocused(focused bool) {
	c.focused = focused
	style := widget.BoxStyle{Radius: widget.RadiusL}
	if focused {
		style.Stroke, style.StrokeWidth = widget.ColorAccent, 2
	}
	c.frame.SetStyle(style)
}

// Cursor is the hand.
func (c *contact) Cursor() desktop.Cursor { return desktop.PointerCursor }
