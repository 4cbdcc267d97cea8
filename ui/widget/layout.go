package widget

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
)

// Row puts objects side by side with a gap between them.
func Row(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedHBoxLayout(gap), objects...)
}

// Column puts objects below each other with a gap between them.
func Column(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedVBoxLayout(gap), objects...)
}

// Inset surrounds an object with space, in the order of CSS: top, right, bottom, left.
func Inset(top, right, bottom, left float32, object fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedLayout(top, bottom, left, right), object)
}

// AtLeast gives an object a minimum size.
func AtLeast(width, height float32, object fyne.CanvasObject) *fyne.Container {
	strut := canvas.NewRectangle(color.Transparent)
	strut.SetMinSize(fyne.NewSize(width, height))
	return container.NewStack(strut, object)
}

// Middle centres an object vertically at its minimum height.
func Middle(object fyne.CanvasObject) *fyne.Container {
	return container.NewVBox(layout.NewSpacer(), object, layout.NewSpacer())
}

// Ends puts one object at the left and one at the right; either may be nil.
func Ends(left, right fyne.CanvasObject) *fyne.Container {
	return container.NewBorder(nil, nil, left, right)
}

// Border puts an object on top, one at the left and one at the right of the one that takes the rest; the first three may
// be nil.
func Border(top, left, right, rest fyne.CanvasObject) *fyne.Container {
	return container.NewBorder(top, nil, left, right, rest)
}

// Columns lays objects out in columns: a positive width is fixed, a negative one is a share of what is left. Rows with
// equal Columns line up, which is how the server list makes a table of a list.
type Columns []float32

// MinSize is the fixed widths, and the height of the tallest object.
func (c Columns) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var size fyne.Size
	for i, o := range objects {
		size.Height = max(size.Height, o.MinSize().Height)
		size.Width += max(c[i], 0)
	}
	return size
}

// Layout places the objects.
func (c Columns) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	var fixed, shares float32
	for _, w := range c {
		fixed += max(w, 0)
		shares += max(-w, 0)
	}
	x := float32(0)
	for i, o := range objects {
		width := c[i]
		if width < 0 {
			width = max(size.Width-fixed, 0) * -width / shares
		}
		o.Move(fyne.NewPos(x, 0))
		o.Resize(fyne.NewSize(width, size.Height))
		x += width
	}
}
