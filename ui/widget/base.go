package widget

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// renderer shows one root object. apply, which may be nil, brings colours and texts up to date; it runs before the first
// drawing, at every refresh and so at every change of theme.
type renderer struct {
	root  fyne.CanvasObject
	apply func()
}

func newRenderer(root fyne.CanvasObject, apply func()) *renderer {
	if apply == nil {
		apply = func() {}
	}
	apply()
	return &renderer{root: root, apply: apply}
}

func (r *renderer) Layout(size fyne.Size)        { r.root.Resize(size) }
func (r *renderer) MinSize() fyne.Size           { return r.root.MinSize() }
func (r *renderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.root} }
func (r *renderer) Destroy()                     {}

func (r *renderer) Refresh() {
	r.apply()
	r.root.Refresh()
}

// faded is a theme colour with another opacity, 0 to 255.
func faded(name fyne.ThemeColorName, alpha uint8) color.Color {
	c := color.NRGBAModel.Convert(theme.Color(name)).(color.NRGBA)
	c.A = alpha
	return c
}

// passKey hands a key that a focused control has no use for to the window, which knows Escape and Return.
func passKey(from focusable, key *fyne.KeyEvent) {
	if c := canvasOf(from); c != nil {
		if handle := c.OnTypedKey(); handle != nil {
			handle(key)
		}
	}
}

// passShortcut hands a shortcut that a focused control has no use for to the window. Fyne offers shortcuts to the focused
// control alone when it takes any.
func passShortcut(from focusable, shortcut fyne.Shortcut) {
	if c, ok := canvasOf(from).(fyne.Shortcutable); ok {
		c.TypedShortcut(shortcut)
	}
}

// focusable is a control that can have the keyboard.
type focusable interface {
	fyne.CanvasObject
	fyne.Focusable
}

// canvasOf is the canvas that a focused control is on. Fyne learns which one that is when it paints the control for
// the first time; a key can come earlier, and then only the focus tells.
func canvasOf(control focusable) fyne.Canvas {
	driver := fyne.CurrentApp().Driver()
	if c := driver.CanvasForObject(control); c != nil {
		return c
	}
	for _, win := range driver.AllWindows() {
		if win.Canvas().Focused() == fyne.Focusable(control) {
			return win.Canvas()
		}
	}
	return nil
}
