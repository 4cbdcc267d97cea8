package widget

import (
	"image/color"
	"math"
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"
)

// TouchRing counts the seconds down that a key waits for a touch: an arc that shortens around the number.
type TouchRing struct {
	fynewidget.BaseWidget

	total, left time.Duration
	track, arc  *canvas.Arc
	number      *Text
	unit        *Text
	edge        float32
}

// NewTouchRing makes a full ring of the given diameter.
func NewTouchRing(total time.Duration, diameter float32) *TouchRing {
	r := &TouchRing{total: total, left: total, edge: diameter}
	r.track = canvas.NewArc(0, 360, 0.9, color.Transparent)
	r.arc = canvas.NewArc(0, 360, 0.9, color.Transparent)
	r.number = NewCentered("", Style{Size: 34, Color: theme.ColorNameForeground, Bold: true})
	r.unit = NewCentered("", Hint)
	r.ExtendBaseWidget(r)
	return r
}

// SetLeft shows the time left; less than nothing is nothing.
func (r *TouchRing) SetLeft(left time.Duration) {
	left = min(max(left, 0), r.total)
	if r.left != left {
		r.left = left
		r.Refresh()
	}
}

// Seconds is the number shown: whole seconds, rounded up, so that it reads 0 only when the time is over.
func (r *TouchRing) Seconds() int { return int(math.Ceil(r.left.Seconds())) }

// Describe says the number.
func (r *TouchRing) Describe() Description {
	return Description{Kind: "text", Text: strconv.Itoa(r.Seconds()) + " " + r.unitText()}
}

// CreateRenderer is Fyne's entry.
func (r *TouchRing) CreateRenderer() fyne.WidgetRenderer {
	words := container.NewCenter(Column(0, r.number, r.unit))
	return newRenderer(AtLeast(r.edge, r.edge, container.NewStack(r.track, r.arc, words)), r.apply)
}

func (r *TouchRing) apply() {
	r.track.FillColor = theme.Color(ColorBorder)
	r.arc.FillColor = theme.Color(ColorGold)
	r.arc.EndAngle = 360 * float32(r.left) / float32(r.total)
	r.arc.CornerRadius = 6
	r.arc.Hidden = r.left == 0
	r.number.SetText(strconv.Itoa(r.Seconds()))
	r.unit.SetText(r.unitText())
}

func (r *TouchRing) unitText() string {
	if r.Seconds() == 1 {
		return "second"
	}
	return "seconds"
}
