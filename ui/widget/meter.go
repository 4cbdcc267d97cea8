package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// Meter is a row of bars, some of them lit: the length of a PIN, the steps of a sign-in.
type Meter struct {
	fynewidget.BaseWidget
	bars  []*Box
	lit   int
	color fyne.ThemeColorName
}

// NewMeter makes a meter of n dark bars.
func NewMeter(n int) *Meter {
	m := &Meter{color: ColorOK}
	for range n {
		m.bars = append(m.bars, NewBox(BoxStyle{}, AtLeast(10, 5, container.NewStack())))
	}
	m.ExtendBaseWidget(m)
	return m
}

// Set lights the first n bars.
func (m *Meter) Set(lit int, color fyne.ThemeColorName) {
	m.lit, m.color = lit, color
	m.Refresh()
}

// CreateRenderer is Fyne's entry.
func (m *Meter) CreateRenderer() fyne.WidgetRenderer {
	grid := container.NewGridWithColumns(len(m.bars))
	for _, bar := range m.bars {
		grid.Add(bar)
	}
	return newRenderer(grid, m.apply)
}

func (m *Meter) apply() {
	for i, bar := range m.bars {
		style := BoxStyle{Fill: ColorRaised, Radius: 2.5}
		if i < m.lit {
			style.Fill = m.color
		}
		bar.SetStyle(style)
	}
}

// Rule is a condition with a tick that lights when it is met.
type Rule struct {
	fynewidget.BaseWidget
	icon *Icon
	text *Text
	met  bool
}

// NewRule makes a rule that is not met yet.
func NewRule(text string) *Rule {
	r := &Rule{icon: NewIcon(assets.IconCheck, ColorFaint, 14), text: NewText(text, Small.In(ColorFaint))}
	r.ExtendBaseWidget(r)
	return r
}

// SetMet lights the tick or not.
func (r *Rule) SetMet(met bool) {
	r.met = met
	if met {
		r.icon.Set(assets.IconCheck, ColorOK)
		r.text.Set(r.text.text, Small.In(theme.ColorNameForeground))
		return
	}
	r.icon.Set(assets.IconCheck, ColorFaint)
	r.text.Set(r.text.text, Small.In(ColorFaint))
}

// Met says whether the tick is lit.
func (r *Rule) Met() bool { return r.met }

// Inside is tick and text.
func (r *Rule) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{r.text} }

// CreateRenderer is Fyne's entry.
func (r *Rule) CreateRenderer() fyne.WidgetRenderer { return newRenderer(Row(7, r.icon, r.text), nil) }
