package widget

import "testing"

func TestAButtonUnderTheMouseKeepsItsLabelReadable(t *testing.T) {
	start(t)
	for style, name := range map[ButtonStyle]string{Chosen: "chosen", Danger: "danger"} {
		b := NewSmallButton("Databases", "", "", style, nil)
		show(t, b)
		resting := b.back.style
		b.MouseIn(nil)
		if hovered := b.back.style; hovered.FillAlpha <= resting.FillAlpha || hovered.FillAlpha > 128 {
			t.Errorf("the fill of the %s button goes from alpha %d to %d: its label has the same colour", name, resting.FillAlpha, hovered.FillAlpha)
		}
		b.MouseOut()
		if b.back.style != resting {
			t.Errorf("the %s button does not come to rest: %+v, want %+v", name, b.back.style, resting)
		}
	}
}
