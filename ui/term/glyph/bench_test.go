package glyph

import (
	"fmt"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// BenchmarkDraw draws a screen of 200 by 50, text and coloured, at a scale of 1 and 2.
func BenchmarkDraw(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	text, colour := vt.New(200, 50, 0), vt.New(200, 50, 0)
	for range 200*50 - 1 {
		ch := '!' + rng.IntN(90)
		if rng.IntN(3) == 0 {
			ch = ' '
		}
		_, _ = fmt.Fprintf(text, "%c", ch)
		_, _ = fmt.Fprintf(colour, "\x1b[38;2;%d;%d;100;48;5;%dm%c", rng.IntN(256), rng.IntN(256), rng.IntN(256), ch)
	}
	for _, size := range []float64{13, 26} {
		for name, e := range map[string]*vt.Emulator{"text": text, "colour": colour} {
			b.Run(fmt.Sprintf("%s-%v", name, size), func(b *testing.B) {
				a := newAtlas(b, size)
				p := NewPainter(a.Metrics, Dark())
				img := image.NewRGBA(image.Rect(0, 0, 200*a.Width, a.Height))
				row := &Row{Glyphs: make([]*Glyph, 200), Cursor: -1}
				b.ReportAllocs()
				for b.Loop() {
					for y := range 50 {
						row.Cells = e.Line(y).Cells
						for x, c := range row.Cells {
							row.Glyphs[x] = a.Glyph(c, e.Text)
						}
						p.Draw(img, row)
					}
				}
			})
		}
	}
}
