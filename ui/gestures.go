package ui

import (
	"fmt"
	"slices"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/session"
	"github.com/touchstone-app/touchstone/ui/widget"
)

// gestureList shows what a sign-in wants of the person, in the order it comes: taps, touches, PIN and codes, each with
// its reason and ticked off when it was done. Its width is fixed, and ticking off changes no height.
type gestureList struct {
	root  fyne.CanvasObject
	count *widget.Text
	steps *widget.Stepper
	none  *widget.Paragraph
}

// gestureWidth is the width of the list with the space around it.
const gestureWidth float32 = 244

func newGestureList() *gestureList {
	const edge = 14
	inner := gestureWidth - 2*edge
	l := &gestureList{
		count: widget.NewText("", widget.Hint),
		steps: widget.NewStepperFor(inner),
		none:  widget.NewParagraph("Nothing besides the password so far.", widget.Small, inner),
	}
	head := widget.Ends(widget.NewText("ASKED OF YOU", widget.Overline), l.count)
	l.root = widget.NewBox(widget.Well, widget.Inset(edge, edge, edge, edge,
		widget.AtLeast(inner, 0, widget.Column(widget.SpaceM, head, l.none, l.steps))))
	l.show(nil)
	return l
}

// show brings the list up to date and reports whether there is anything on it.
func (l *gestureList) show(gestures []session.Gesture) bool {
	l.count.SetText(gestureCount(gestures))
	l.steps.Set(gestureSteps(gestures))
	l.steps.Hidden = len(gestures) == 0
	l.none.Hidden = len(gestures) > 0
	return len(gestures) > 0
}

// gestureSteps is the list in words.
func gestureSteps(gestures []session.Gesture) []widget.Step {
	steps := make([]widget.Step, 0, len(gestures))
	for _, g := range gestures {
		step := widget.Step{Title: gestureTitle(g.Kind), Detail: g.Why}
		switch g.State {
		case session.GestureNow:
			step.State = widget.StepNow
		case session.GestureDone:
			step.State = widget.StepDone
		}
		steps = append(steps, step)
	}
	return steps
}

// gestureTitle says what to do. A tap goes to the security key, a touch to the key in the certificate: both may be the
// same piece of hardware, which blinks for both.
func gestureTitle(kind session.GestureKind) string {
	switch kind {
	case session.GestureTap:
		return "Tap the security key"
	case session.GestureTouch:
		return "Touch the hardware key"
	case session.GesturePIN:
		return "Type the key's PIN"
	case session.GestureCode:
		return "Type a one-time code"
	default:
		return string(kind)
	}
}

// gestureCount says how far the person is; empty while nothing is known to come.
func gestureCount(gestures []session.Gesture) string {
	done := 0
	for _, g := range gestures {
		if g.State == session.GestureDone {
			done++
		}
	}
	if len(gestures) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d done", done, len(gestures))
}

// gesturesOf is what the sign-in to the cluster of that name wants; nil when none runs.
func gesturesOf(s session.Snapshot, cluster string) []session.Gesture {
	for _, c := range s.Clusters {
		if c.Name == cluster && c.SignIn != nil {
			return c.SignIn.Gestures
		}
	}
	return nil
}

// during is the list while one kind of gesture is asked for. A sign-in knows that a key is being prepared, and not
// whether it is at the PIN or at the touch; the question tells: the PIN always comes first.
func during(kind session.GestureKind, gestures []session.Gesture) []session.Gesture {
	gestures = slices.Clone(gestures)
	for i, g := range gestures {
		switch {
		case g.State != session.GestureNow || g.Kind == kind:
		case kind == session.GestureTouch && g.Kind == session.GesturePIN:
			gestures[i].State = session.GestureDone
		case kind == session.GesturePIN && g.Kind == session.GestureTouch:
			gestures[i].State = session.GestureAhead
		}
	}
	return gestures
}
