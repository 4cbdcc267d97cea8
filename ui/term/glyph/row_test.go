package glyph

import (
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

var update = flag.Bool("update", false, "rewrite the golden pictures")

// rowOf returns the first row of an emulator that got input.
func rowOf(a *Atlas, cols int, input string) *Row {
	e := vt.New(cols, 1, 0)
	_, _ = e.Write([]byte(input))
	row := &Row{Cells: e.Line(0).Cells, Glyphs: make([]*Glyph, cols), Cursor: -1}
	for x, c := range row.Cells {
		row.Glyphs[x] = a.Glyph(c, e.Text)
	}
	return row
}

func drawRow(a *Atlas, p Palette, row *Row) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, len(row.Cells)*a.Width, a.Height))
	NewPainter(a.Metrics, p).Draw(img, row)
	return img
}

// corner returns the colour of the pixel at the upper left of a cell, which letters leave free.
func corner(a *Atlas, img *image.RGBA, x int) color.NRGBA {
	return color.NRGBA(img.RGBAAt(x*a.Width, 0))
}

func TestGroundsAndMarks(t *testing.T) {
	a := newAtlas(t, 13)
	p := Dark()
	tests := []struct {
		name, input string
		prepare     func(*Row)
		want        color.NRGBA // of the second cell
	}{
		{"the default ground", "ab", nil, p.Background},
		{"beyond the text as well", "a", nil, p.Background},
		{"an indexed ground", "a\x1b[42mb", nil, p.ANSI[2]},
		{"a colour of the cube", "a\x1b[48;5;196mb", nil, color.NRGBA{R: 255, A: 255}},
		{"a grey", "a\x1b[48;5;232mb", nil, color.NRGBA{R: 8, G: 8, B: 8, A: 255}},
		{"a direct ground", "a\x1b[48;2;1;2;3mb", nil, color.NRGBA{R: 1, G: 2, B: 3, A: 255}},
		{"reverse exchanges", "a\x1b[7mb", nil, p.Foreground},
		{"a reversed screen exchanges", "ab", func(r *Row) { r.Reversed = true }, p.Foreground},
		{"reverse on a reversed screen is plain", "a\x1b[7mb", func(r *Row) { r.Reversed = true }, p.Background},
		{"the selection", "abc", func(r *Row) { r.SelectFrom, r.SelectTo = 1, 2 }, p.Selection},
		{"before the selection", "abc", func(r *Row) { r.SelectFrom, r.SelectTo = 2, 3 }, p.Background},
		{"a block cursor", "ab", func(r *Row) { r.Cursor = 1 }, p.Cursor},
		{"a block cursor on a wide character covers both cells", "漢", func(r *Row) { r.Cursor = 0 }, p.Cursor},
		{"a bar cursor", "ab", func(r *Row) { r.Cursor, r.Shape = 1, vt.CursorBar }, p.Cursor},
		{"an underline cursor is below", "ab", func(r *Row) { r.Cursor, r.Shape = 1, vt.CursorUnderline }, p.Background},
		{"without focus the cursor has an outline", "ab", func(r *Row) { r.Cursor, r.Hollow = 1, true }, p.Cursor},
		{"a cursor beyond the row is not drawn", "ab", func(r *Row) { r.Cursor = 99 }, p.Background},
		{"an underline cursor beyond the row is not drawn", "ab", func(r *Row) { r.Cursor, r.Shape = 99, vt.CursorBar }, p.Background},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			row := rowOf(a, 4, tt.input)
			if tt.prepare != nil {
				tt.prepare(row)
			}
			if got := corner(a, drawRow(a, p, row), 1); got != tt.want {
				t.Errorf("ground is %v, want %v", got, tt.want)
			}
		})
	}
}

func TestConcealedTextLeavesNoPixel(t *testing.T) {
	a := newAtlas(t, 13)
	if string(drawRow(a, Dark(), rowOf(a, 4, "\x1b[8mabc")).Pix) != string(drawRow(a, Dark(), rowOf(a, 4, "")).Pix) {
		t.Error("concealed text can be seen")
	}
}

func TestTextStandsOutFromItsGround(t *testing.T) {
	tests := []struct {
		name    string
		palette Palette
		input   string
	}{
		{"black on the dark ground", Dark(), "\x1b[30m█"}, {"white on the light ground", Light(), "\x1b[97m"},
		{"dark default text on a dark grey", Light(), "\x1b[48;5;236m"}, {"white on blue", Light(), "\x1b[97;44m"},
		{"bright black on the dark ground", Dark(), "\x1b[90m"}, {"black on green", Dark(), "\x1b[30;42m"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := vt.New(4, 1, 0)
			_, _ = e.Write([]byte(tt.input + "\x1b[Hx"))
			fg, bg := compile(tt.palette).of(&e.Line(0).Cells[0], false)
			if d := max(luma(fg), luma(bg)) - min(luma(fg), luma(bg)); d < tooClose {
				t.Errorf("text and ground are %d apart, want at least %d", d, tooClose)
			}
		})
	}
}

func TestColoursThatAProgramChoseExactlyStay(t *testing.T) {
	c := compile(Dark())
	cell := vt.Cell{Ch: 'x', FG: vt.RGB(16, 16, 24)}
	if fg, _ := c.of(&cell, false); fg != rgb(16, 16, 24) {
		t.Errorf("a direct colour became %x", fg)
	}
	block := vt.Cell{Ch: '▀', FG: vt.Indexed(0)}
	if fg, _ := c.of(&block, false); fg != toPixel(Dark().ANSI[0]) {
		t.Errorf("a block's colour became %x", fg)
	}
}

func TestMixing(t *testing.T) {
	a, b := rgb(0, 100, 255), rgb(255, 0, 55)
	for weight, want := range map[uint32]pixel{0: a, 256: b, 128: rgb(127, 50, 155)} {
		if got := mix(a, b, weight); got != want {
			t.Errorf("mix(%x, %x, %d) = %x, want %x", a, b, weight, got, want)
		}
	}
}

const specimen = "\x1b[1;32mls\x1b[0m \x1b[3mit\x1b[0m \x1b[4mun\x1b[0m \x1b[4:2mdo\x1b[0m \x1b[4:3mcu\x1b[0m \x1b[9mst\x1b[0m \x1b[7mre\x1b[0m ┌─╥╗▚⣿é漢"

func TestRowsLookAsReviewed(t *testing.T) {
	tests := []struct {
		name    string
		size    float64
		palette Palette
	}{{"dark", 13, Dark()}, {"light", 13, Light()}, {"dark-2x", 26, Dark()}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAtlas(t, tt.size)
			row := rowOf(a, 34, specimen)
			row.Cursor, row.SelectFrom, row.SelectTo = 32, 3, 8
			compare(t, filepath.Join("testdata", "row-"+tt.name+".png"), drawRow(a, tt.palette, row))
		})
	}
}

// compare fails where img is not the golden picture.
func compare(t *testing.T, path string, img *image.RGBA) {
	t.Helper()
	if *update {
		write(t, path, img)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if want.Bounds() != img.Bounds() {
		t.Fatalf("picture is %v, want %v", img.Bounds(), want.Bounds())
	}
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if got, want := img.RGBAAt(x, y), color.RGBAModel.Convert(want.At(x, y)); got != want {
				t.Fatalf("pixel %d,%d is %v, want %v", x, y, got, want)
			}
		}
	}
}

func write(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
