package widget

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
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

// Stepper shows the steps of a longer way below each other: done, present and to come. A step has the same height in
// all three states.
type Stepper struct {
	fynewidget.BaseWidget
	column *fyne.Container
	steps  []Step
	width  float32 // that details are broken for; zero for never
}

// NewStepper makes a stepper whose details are one line each.
func NewStepper(steps ...Step) *Stepper { return NewStepperFor(0, steps...) }

// NewStepperFor makes a stepper of the given width. Details that are longer take several lines.
func NewStepperFor(width float32, steps ...Step) *Stepper {
	s := &Stepper{column: Column(SpaceL), width: width}
	s.ExtendBaseWidget(s)
	s.Set(steps)
	return s
}

// Set changes the steps.
func (s *Stepper) Set(steps []Step) {
	s.steps = steps
	s.column.Objects = nil
	for i, step := range steps {
		s.column.Objects = append(s.column.Objects, s.row(i+1, step))
	}
	s.Refresh()
}

// Steps is what is shown.
func (s *Stepper) Steps() []Step { return s.steps }

// Inside is one row for each step.
func (s *Stepper) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{s.column} }

// CreateRenderer is Fyne's entry.
func (s *Stepper) CreateRenderer() fyne.WidgetRenderer { return newRenderer(s.column, nil) }

// The mark at the left of a step and its distance from the words.
const (
	stepMark float32 = 26
	stepGap  float32 = 11
)

func (s *Stepper) row(number int, step Step) fyne.CanvasObject {
	words := Column(1, NewText(step.Title, stepStyle(step.State)))
	switch {
	case step.Detail != "" && s.width > 0:
		words.Add(NewParagraph(step.Detail, Hint, s.width-stepMark-stepGap))
	case step.Detail != "":
		words.Add(NewText(step.Detail, Hint))
	}
	return Row(stepGap, Middle(newStepMark(number, step.State)), AtLeast(0, 30, Middle(words)))
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
	return AtLeast(stepMark, stepMark, NewBox(style, sign))
}
