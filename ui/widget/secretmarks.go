package widget

import (
	"image/color"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// markPitch is the distance of two dots or characters, markDot the size of a dot.
const (
	markPitch float32 = 11
	markDot   float32 = 7
)

// marks draws the content of a SecretEntry: dots or single characters, the cursor and the selection. Long passwords keep
// their end in sight.
type marks struct {
	fynewidget.BaseWidget
	entry *SecretEntry
}

func newMarks(e *SecretEntry) *marks {
	m := &marks{entry: e}
	m.ExtendBaseWidget(m)
	return m
}

func (m *marks) CreateRenderer() fyne.WidgetRenderer {
	r := &marksRenderer{marks: m, cursor: canvas.NewRectangle(color.Transparent), selection: canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

type marksRenderer struct {
	marks             *marks
	cursor, selection *canvas.Rectangle
	characters        []fyne.CanvasObject
}

func (r *marksRenderer) MinSize() fyne.Size { return fyne.NewSize(markPitch, 20) }
func (r *marksRenderer) Destroy()           {}

func (r *marksRenderer) Objects() []fyne.CanvasObject {
	return append([]fyne.CanvasObject{r.selection, r.cursor}, r.characters...)
}

func (r *marksRenderer) Refresh() {
	e := r.marks.entry
	r.characters = r.characters[:0]
	for rest := e.Bytes(); len(rest) > 0; {
		char, size := utf8.DecodeRune(rest)
		r.characters = append(r.characters, r.mark(char))
		rest = rest[size:]
	}
	r.cursor.FillColor, r.selection.FillColor = color.Transparent, color.Transparent
	if e.focused {
		r.cursor.FillColor = theme.Color(ColorAccent)
	}
	if e.selected {
		r.selection.FillColor = theme.Color(theme.ColorNameSelection)
	}
	r.Layout(r.marks.Size())
	canvas.Refresh(r.marks)
}

// mark is one dot or one character. A string of a single ASCII character lies in the runtime's own table, so that
// showing a PIN leaves no copy of it.
func (r *marksRenderer) mark(char rune) fyne.CanvasObject {
	if !r.marks.entry.shown {
		return canvas.NewCircle(theme.Color(theme.ColorNameForeground))
	}
	t := canvas.NewText(string(char), theme.Color(theme.ColorNameForeground))
	t.TextSize, t.TextStyle, t.Alignment = 14, fyne.TextStyle{Monospace: true}, fyne.TextAlignCenter
	return t
}

func (r *marksRenderer) Layout(size fyne.Size) {
	fits := max(int((size.Width-markPitch)/markPitch), 1)
	hidden := max(len(r.characters)-fits, 0)
	middle := size.Height / 2
	for i, c := range r.characters {
		if i < hidden {
			c.Hide()
			continue
		}
		c.Show()
		x := float32(i-hidden) * markPitch
		if _, dot := c.(*canvas.Circle); dot {
			c.Move(fyne.NewPos(x+(markPitch-markDot)/2, middle-markDot/2))
			c.Resize(fyne.NewSquareSize(markDot))
			continue
		}
		c.Move(fyne.NewPos(x, 0))
		c.Resize(fyne.NewSize(markPitch, size.Height))
	}
	end := float32(len(r.characters)-hidden) * markPitch
	r.cursor.Move(fyne.NewPos(end+1, middle-9))
	r.cursor.Resize(fyne.NewSize(2, 18))
	r.selection.Move(fyne.NewPos(-1, middle-10))
	r.selection.Resize(fyne.NewSize(end+2, 20))
}

// eye is the button that shows what was typed. It does not take the keyboard, so that Tab leads from field to field; the
// entry has a key for it.
type eye struct {
	fynewidget.BaseWidget
	entry *SecretEntry
	icon  *Icon
}

func newEye(e *SecretEntry) *eye {
	y := &eye{entry: e, icon: NewIcon(assets.IconEye, ColorMuted, 17)}
	y.ExtendBaseWidget(y)
	return y
}

func (y *eye) Describe() Description {
	return Description{Kind: "button", Text: "Show " + y.entry.name}
}

func (y *eye) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(y.icon, func() {
		if y.entry.shown {
			y.icon.Set(assets.IconEyeOff, ColorMuted)
			return
		}
		y.icon.Set(assets.IconEye, ColorMuted)
	})
}

func (y *eye) Tapped(*fyne.PointEvent) { y.entry.toggle() }

func (y *eye) Cursor() desktop.Cursor { return desktop.PointerCursor }
