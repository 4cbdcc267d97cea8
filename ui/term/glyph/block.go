package glyph

import (
	"image"
	"math"
)

// drawBlock draws U+2580 to U+259F.
func drawBlock(mask *image.Alpha, r rune) {
	size := mask.Bounds().Size()
	w, h := size.X, size.Y
	switch {
	case r == 0x2580: // upper half
		fillRect(mask, image.Rect(0, 0, w, h-eighth(4, h)), 255)
	case r <= 0x2588: // lower eighths
		fillRect(mask, image.Rect(0, h-eighth(int(r-0x2580), h), w, h), 255)
	case r <= 0x258f: // left eighths
		fillRect(mask, image.Rect(0, 0, eighth(int(0x2590-r), w), h), 255)
	case r == 0x2590: // right half
		fillRect(mask, image.Rect(eighth(4, w), 0, w, h), 255)
	case r <= 0x2593: // shades
		fillRect(mask, mask.Bounds(), uint8(64*(r-0x2590)))
	case r == 0x2594: // upper eighth
		fillRect(mask, image.Rect(0, 0, w, eighth(1, h)), 255)
	case r == 0x2595: // right eighth
		fillRect(mask, image.Rect(w-eighth(1, w), 0, w, h), 255)
	default:
		drawQuadrants(mask, quadrants[r-0x2596])
	}
}

// eighth returns n eighths of a length, rounded.
func eighth(n, of int) int { return (n*of + 4) / 8 }

// quadrants are U+2596 to U+259F: bits for upper left, upper right, lower left, lower right.
var quadrants = [10]uint8{0b0010, 0b0001, 0b1000, 0b1011, 0b1001, 0b1110, 0b1101, 0b0100, 0b0110, 0b0111}

func drawQuadrants(mask *image.Alpha, set uint8) {
	size := mask.Bounds().Size()
	// The middle is where the half blocks have it.
	xs, ys := [3]int{0, eighth(4, size.X), size.X}, [3]int{0, size.Y - eighth(4, size.Y), size.Y}
	for i := range 4 {
		if set&(0b1000>>i) != 0 {
			fillRect(mask, image.Rect(xs[i%2], ys[i/2], xs[i%2+1], ys[i/2+1]), 255)
		}
	}
}

// brailleDots are the columns and rows of the dots 1 to 8 (Unicode 15, 22.1).
var brailleDots = [8][2]int{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}}

func drawBraille(mask *image.Alpha, dots uint8) {
	size := mask.Bounds().Size()
	d := max(1, min(size.X/4, size.Y/8))
	for i, p := range brailleDots {
		if dots>>i&1 == 0 {
			continue
		}
		x := (2*p[0]+1)*size.X/4 - d/2
		y := (2*p[1]+1)*size.Y/8 - d/2
		fillRect(mask, image.Rect(x, y, x+d, y+d), 255)
	}
}

// drawArrow draws the prompt arrows U+E0B0 to U+E0B3: solid and outline, to the right and to the left.
func drawArrow(mask *image.Alpha, r rune, t float64) {
	size := mask.Bounds().Size()
	w, h := float64(size.X), float64(size.Y)/2
	length := math.Hypot(w, h)
	shade(mask, func(x, y float64) float64 {
		if r >= 0xe0b2 {
			x = w - x
		}
		// The distance to the edge, positive inside the triangle.
		d := (h*(w-x) - w*math.Abs(y-h)) / length
		if r&1 != 0 {
			return t/2 + 0.5 - math.Abs(d-t/2)
		}
		return d + 0.5
	})
}

// shade sets each pixel to the coverage that f returns for its centre, from 0 to 1.
func shade(mask *image.Alpha, f func(x, y float64) float64) {
	size := mask.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			v := min(max(f(float64(x)+0.5, float64(y)+0.5), 0), 1)
			mask.Pix[y*mask.Stride+x] = uint8(v*255 + 0.5)
		}
	}
}

// fillRect sets the pixels of a rectangle, as far as it lies in the mask.
func fillRect(mask *image.Alpha, r image.Rectangle, v uint8) {
	r = r.Intersect(mask.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := mask.Pix[y*mask.Stride+r.Min.X : y*mask.Stride+r.Max.X]
		for i := range row {
			row[i] = v
		}
	}
}
