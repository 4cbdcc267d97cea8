package glyph

import (
	"image"
	"math"
)

// drawShape draws a character whose form is the cell itself: lines, blocks, Braille and the arrows of prompts. It
// reports false for all others.
func (a *Atlas) drawShape(mask *image.Alpha, r rune) bool {
	switch {
	case r >= 0x2500 && r <= 0x257f:
		a.drawBox(mask, r)
	case r >= 0x2580 && r <= 0x259f:
		drawBlock(mask, r)
	case r >= 0x2800 && r <= 0x28ff:
		drawBraille(mask, uint8(r))
	case r >= 0xe0b0 && r <= 0xe0b3:
		drawArrow(mask, r, float64(a.Line))
	default:
		return false
	}
	return true
}

// The arms of box characters: none, light, heavy, double.
const (
	light  = 1
	heavy  = 2
	double = 3
)

// boxes are the arms of U+2500 to U+257F: left, up, right, down. The empty ones are drawn by drawBoxLine.
var boxes = [128]string{
	"1010", "2020", "0101", "0202", "", "", "", "", "", "", "", "", "0011", "0021", "0012", "0022", // 2500
	"1001", "2001", "1002", "2002", "0110", "0120", "0210", "0220", "1100", "2100", "1200", "2200", "0111", "0121", "0211", "0112", // 2510
	"0212", "0221", "0122", "0222", "1101", "2101", "1201", "1102", "1202", "2201", "2102", "2202", "1011", "2011", "1021", "2021", // 2520
	"1012", "2012", "1022", "2022", "1110", "2110", "1120", "2120", "1210", "2210", "1220", "2220", "1111", "2111", "1121", "2121", // 2530
	"1211", "1112", "1212", "2211", "1221", "2112", "1122", "2221", "2122", "2212", "1222", "2222", "", "", "", "", // 2540
	"3030", "0303", "0031", "0013", "0033", "3001", "1003", "3003", "0130", "0310", "0330", "3100", "1300", "3300", "0131", "0313", // 2550
	"0333", "3101", "1303", "3303", "3031", "1013", "3033", "3130", "1310", "3330", "3131", "1313", "3333", "", "", "", // 2560
	"", "", "", "", "1000", "0100", "0010", "0001", "2000", "0200", "0020", "0002", "1020", "0102", "2010", "0201", // 2570
}

func (a *Atlas) drawBox(mask *image.Alpha, r rune) {
	arms := boxes[r-0x2500]
	if arms == "" {
		a.drawBoxLine(mask, r)
		return
	}
	w := [4]int{}
	for i := range w {
		w[i] = int(arms[i] - '0')
	}
	for side := range w {
		if w[side] != 0 {
			a.drawArm(mask, side, w)
		}
	}
}

// drawArm draws one arm of a box character. It is computed as the left arm of the cell turned so that the arm points
// left: along is the length of the cell in the arm's direction, across the other one.
func (a *Atlas) drawArm(mask *image.Alpha, side int, arms [4]int) {
	size := mask.Bounds().Size()
	vertical := side%2 == 1
	far := side >= 2 // right and down grow from the far edge
	along, across := size.X, size.Y
	if vertical {
		along, across = across, along
	}
	// The neighbours: at the lower and the higher coordinate across, and opposite.
	low, high := arms[(side+1)%2], arms[(side+1)%2+2]
	opposite := arms[(side+2)%4]
	put := func(from, thickness, length int) {
		r := image.Rect(0, from, length, from+thickness)
		if far {
			r.Min.X, r.Max.X = along-length, along
		}
		if vertical {
			r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
		}
		fillRect(mask, r, 255)
	}
	// reach is the length of an arm that goes d beyond the far side of a crossing line of thickness t.
	reach := func(t, d int) int {
		start := (along - t) / 2
		if far {
			return along - start + d
		}
		return start + t + d
	}
	t := a.Line
	if arms[side] == double { // two lines, as far apart as they are thick
		centre := (across - t) / 2
		put(centre-t, t, reach(t, doubleEnd(low, high, t)))
		put(centre+t, t, reach(t, doubleEnd(high, low, t)))
		return
	}
	length := reach(t*max(light, min(max(low, high), heavy)), 0)
	if low == double || high == double {
		length = reach(t, singleEnd(low, high, opposite, t))
	}
	thickness := t * arms[side]
	put((across-thickness)/2, thickness, length)
}

// doubleEnd says how far beyond the centre one line of a double arm goes: near is the arm on its own side, other the
// one across.
func doubleEnd(near, other, t int) int {
	switch {
	case near == double:
		return -t
	case other == double:
		return t
	}
	return 0
}

// singleEnd says how far beyond the centre a single arm goes that meets double ones.
func singleEnd(low, high, opposite, t int) int {
	switch {
	case opposite != 0:
		return 0
	case low == double && high == double:
		return -t
	}
	return t
}

// drawBoxLine draws dashes, rounded corners and diagonals.
func (a *Atlas) drawBoxLine(mask *image.Alpha, r rune) {
	switch {
	case r >= 0x256d && r <= 0x2570:
		a.drawCorner(mask, r)
	case r >= 0x2571 && r <= 0x2573:
		a.drawDiagonals(mask, r != 0x2572, r != 0x2571)
	case r <= 0x250b:
		a.drawDashes(mask, 3+int(r-0x2504)/4, r&1 != 0, r&2 != 0)
	default:
		a.drawDashes(mask, 2, r&1 != 0, r&2 != 0)
	}
}

func (a *Atlas) drawDashes(mask *image.Alpha, n int, thick, vertical bool) {
	size := mask.Bounds().Size()
	along, across := size.X, size.Y
	if vertical {
		along, across = across, along
	}
	t := a.Line
	if thick {
		t *= heavy
	}
	for i := range n {
		from, to := along*i/n, along*(i+1)/n
		r := image.Rect(from, (across-t)/2, to-max(1, (to-from)/3), (across-t)/2+t)
		if vertical {
			r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
		}
		fillRect(mask, r, 255)
	}
}

// drawCorner draws an arc that continues the lines of its neighbours.
func (a *Atlas) drawCorner(mask *image.Alpha, r rune) {
	size := mask.Bounds().Size()
	t := float64(a.Line)
	cx := float64((size.X-a.Line)/2) + t/2
	cy := float64((size.Y-a.Line)/2) + t/2
	radius := math.Min(math.Min(cx, float64(size.X)-cx), cy)
	// The directions of the arms: ╭ right and down, ╮ left and down, ╯ left and up, ╰ right and up.
	dx, dy := 1.0, 1.0
	if r == 0x256e || r == 0x256f {
		dx = -1
	}
	if r >= 0x256f {
		dy = -1
	}
	shade(mask, func(x, y float64) float64 {
		u, v := (x-cx)*dx, (y-cy)*dy
		d := math.Abs(math.Hypot(u-radius, v-radius) - radius)
		switch {
		case u >= radius:
			d = math.Abs(v)
		case v >= radius:
			d = math.Abs(u)
		}
		return t/2 + 0.5 - d
	})
}

func (a *Atlas) drawDiagonals(mask *image.Alpha, rising, falling bool) {
	size := mask.Bounds().Size()
	w, h := float64(size.X), float64(size.Y)
	length := math.Hypot(w, h)
	t := float64(a.Line)
	shade(mask, func(x, y float64) float64 {
		d := math.Inf(1)
		if rising {
			d = math.Abs(h*x+w*y-w*h) / length
		}
		if falling {
			d = math.Min(d, math.Abs(h*x-w*y)/length)
		}
		return t/2 + 0.5 - d
	})
}
