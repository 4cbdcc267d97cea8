package widget

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// StepState is where a step stands.
type StepState int

// The states of a step.
const (
	StepAhead StepState = iota
	StepNow
	StepDone
	StepFailed
)

// Step is one step of a Stepper.
type Step struct {
	Title  string
	Detail string
	State  StepState
}

// Stepper shows the steps of a longer way below each other: done, present and to come.
type Stepper struct {
	fynewidget.BaseWidget
	column *fyne.Container
	steps  []Step
}

// NewStepper makes a stepper.
func NewStepper(steps ...Step) *Stepper {
	s := &Stepper{column: Column(SpaceL)}
	s.ExtendBaseWidget(s)
	s.Set(steps)
	return s
}

// Set changes the steps.
func (s *Stepper) Set(steps []Step) {
	s.steps = steps
	s.column.Objects = nil
	for i, step := range steps {
		s.column.Objects = append(s.column.Objects, newStepRow(i+1, step))
	}
	s.Refresh()
}

// Steps is what is shown.
func (s *Stepper) Steps() []Step { return s.steps }

// Inside is one row for each step.
func (s *Stepper) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{s.column} }

// CreateRenderer is Fyne's entry.
func (s *Stepper) CreateRenderer() fyne.WidgetRenderer { return newRenderer(s.column, nil) }

func newStepRow(number int, step Step) fyne.CanvasObject {
	words := Column(1, NewText(step.Title, stepStyle(step.State)))
	if step.Detail != "" {
		words.Add(NewText(step.Detail, Hint))
	}
	return Row(11, Middle(newStepMark(number, step.State)), AtLeast(0, 30, Middle(words)))
}

func stepStyle(state StepState) Style {
	switch state {
	case StepNow:
		return Strong
	case StepDone:
		return Muted
	case StepFailed:
		return Strong.In(ColorDanger)
	default:
		return Muted.In(ColorFaint)
	}
}

// newStepMark is the round mark at the left of a step.
func newStepMark(number int, state StepState) fyne.CanvasObject {
	style := BoxStyle{Stroke: ColorBorder, StrokeWidth: 1.5, Radius: 13}
	var sign fyne.CanvasObject = container.NewCenter(NewText(strconv.Itoa(number), Style{Size: 12, Color: ColorFaint, Bold: true}))
	switch state {
	case StepDone:
		style = BoxStyle{Fill: ColorOK, Radius: 13}
		sign = NewIcon(assets.IconCheck, ColorSide, 15)
	case StepFailed:
		style = BoxStyle{Fill: ColorDanger, Radius: 13}
		sign = NewIcon(assets.IconClose, ColorSide, 14)
	case StepNow:
		style = BoxStyle{Fill: ColorAccentFill, Radius: 13}
		sign = container.NewCenter(NewText(strconv.Itoa(number), Style{Size: 12, Color: ColorOnAccent, Bold: true}))
	}
	return AtLeast(26, 26, NewBox(style, sign))
}

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

// NewRuleCheck makes a rule that is not met yet.
func NewRuleCheck(text string) *Rule {
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
