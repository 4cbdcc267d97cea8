package term

import (
	"image"
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"github.com/touchstone-app/touchstone/ui/term/glyph"
	"github.com/touchstone-app/touchstone/ui/term/vt"
)

// margin is the free space around the cells, in Fyne's units.
const margin = 6

// view is what is on the Fyne canvas: one image for each row.
type view struct {
	placed  bool          // a canvas shows us: the scale is its own
	scale   float32       // physical pixels for each of Fyne's units
	origin  fyne.Position // of the first cell; it lies on a whole pixel of the canvas
	atlas   *glyph.Atlas
	painter *glyph.Painter
	palette Palette
	epoch   int // grows when every row must be drawn again

	ground *canvas.Rectangle
	thumb  *canvas.Rectangle // shows the place in the history
	rows   []*rowView
	cols   int
}

// rowView is one row and what its image shows.
type rowView struct {
	raster *canvas.Raster
	img    *image.RGBA
	row    glyph.Row
	shown  look
}

// look is everything that the picture of a row depends on.
type look struct {
	line       *vt.Line
	generation uint64
	epoch      int
	cursor     int
	shape      vt.CursorShape
	hollow     bool
	from, to   int // selected columns
	reversed   bool
}

func (v *view) setPalette(p Palette) {
	v.palette = p
	v.epoch++
	if v.ground == nil {
		v.ground = canvas.NewRectangle(p.Background)
		v.thumb = canvas.NewRectangle(color.Transparent)
		v.thumb.CornerRadius = 2
		v.thumb.Hide()
	}
	v.ground.FillColor = p.Background
	v.thumb.FillColor = color.NRGBA{R: p.Foreground.R, G: p.Foreground.G, B: p.Foreground.B, A: 90}
	if v.atlas != nil {
		v.painter = glyph.NewPainter(v.atlas.Metrics, p)
	}
}

// setScale makes the glyphs for a scale of the canvas; an error leaves the old ones.
func (v *view) setScale(fonts *glyph.Fonts, size, scale float32) error {
	atlas, err := glyph.NewAtlas(fonts, float64(size*scale))
	if err != nil {
		return err
	}
	v.scale = scale
	v.atlas = atlas
	v.painter = glyph.NewPainter(atlas.Metrics, v.palette)
	v.epoch++
	v.rows = nil
	return nil
}

// cellSize returns the size of a cell in Fyne's units.
func (v *view) cellSize() fyne.Size {
	return fyne.NewSize(float32(v.atlas.Width)/v.scale, float32(v.atlas.Height)/v.scale)
}

// fit returns how many cells there is room for.
func (v *view) fit(size fyne.Size) (cols, rows int) {
	// Half a pixel of slack: sizes in Fyne's units are rounded on their way to us.
	w := (size.Width-2*margin)*v.scale + 0.5
	h := (size.Height-2*margin)*v.scale + 0.5
	cols = min(max(int(w)/v.atlas.Width, 1), vt.MaxCols)
	rows = min(max(int(h)/v.atlas.Height, 1), vt.MaxRows)
	return cols, rows
}

// arrange makes and places the rows.
func (v *view) arrange(cols, rows int) {
	if cols != v.cols || len(v.rows) > rows {
		v.rows = nil
	}
	v.cols = cols
	size := fyne.NewSize(
		(float32(cols*v.atlas.Width)-nudge)/v.scale,
		(float32(v.atlas.Height)-nudge)/v.scale)
	for len(v.rows) < rows {
		v.rows = append(v.rows, newRowView(cols, v.atlas.Metrics))
	}
	for y, r := range v.rows {
		r.raster.Move(v.origin.AddXY(0, float32(y*v.atlas.Height)/v.scale))
		r.raster.Resize(size)
	}
}

func newRowView(cols int, m glyph.Metrics) *rowView {
	r := &rowView{img: image.NewRGBA(image.Rect(0, 0, cols*m.Width, m.Height))}
	r.row.Cells = make([]vt.Cell, cols)
	r.row.Glyphs = make([]*glyph.Glyph, cols)
	r.raster = canvas.NewRaster(func(int, int) image.Image { return r.img })
	r.raster.ScaleMode = canvas.ImageScalePixels
	return r
}

// CreateRenderer is part of fyne.Widget.
func (t *Terminal) CreateRenderer() fyne.WidgetRenderer { return &renderer{t} }

type renderer struct{ t *Terminal }

func (r *renderer) Destroy() {}

// MinSize is room for a few cells: a terminal takes what it gets.
func (r *renderer) MinSize() fyne.Size { return fyne.NewSize(160, 64) }

func (r *renderer) Layout(fyne.Size) { r.t.layout() }

func (r *renderer) Refresh() {
	r.t.layout()
	r.t.view.ground.Refresh()
}

func (r *renderer) Objects() []fyne.CanvasObject {
	v := &r.t.view
	objects := make([]fyne.CanvasObject, 0, len(v.rows)+2)
	objects = append(objects, v.ground)
	for _, row := range v.rows {
		objects = append(objects, row.raster)
	}
	return append(objects, v.thumb)
}

// place adapts the view to the canvas that shows it: its scale, and where on its pixels we begin. It reports whether
// the rows must be arranged anew.
func (t *Terminal) place() bool {
	v := &t.view
	driver := fyne.CurrentApp().Driver()
	c := driver.CanvasForObject(t)
	if c == nil {
		return false
	}
	changed := !v.placed
	v.placed = true
	if scale := pixelScale(c); scale != v.scale && v.setScale(t.fonts, t.cfg.Size, scale) == nil {
		changed = true
	}
	inset, _ := c.InteractiveArea() // positions are counted from its corner, pixels from the canvas's
	at := driver.AbsolutePositionForObject(t).Add(inset)
	origin := fyne.NewPos(snap(at.X+margin, v.scale)-at.X, snap(at.Y+margin, v.scale)-at.Y)
	if origin != v.origin {
		v.origin = origin
		changed = true
	}
	return changed
}

// pixelScale returns the physical pixels of a canvas for each of Fyne's units. Canvas.Scale leaves out the ratio of a
// high density display; coordinates in pixels do not.
func pixelScale(c fyne.Canvas) float32 {
	const far = 1000
	x, _ := c.PixelCoordinateForPosition(fyne.NewPos(far, far))
	if x <= 0 {
		return 1
	}
	return float32(x) / far
}

// nudge is the part of a pixel by which places and sizes lie below whole pixels. Fyne's painters make whole ones of
// them, by rounding in GL and by rounding up in software: so both do, whatever float32 left of the last digit.
const nudge = 1.0 / 16

// snap moves a length to whole pixels, less the nudge: rows that begin between two would leave seams.
func snap(v, scale float32) float32 { return float32(math.Round(float64(v*scale))-nudge) / scale }

// layout fits the screen into the widget. Before a canvas shows it the size in pixels is unknown; then the first
// painting does it.
func (t *Terminal) layout() {
	size := t.Size()
	t.view.ground.Resize(size)
	if t.view.placed && !size.IsZero() {
		cols, rows := t.view.fit(size)
		changed := cols != t.view.cols || rows != len(t.view.rows)
		t.view.arrange(cols, rows)
		if changed {
			t.resize(cols, rows)
		}
	}
	t.repaint()
}

// resize gives the emulator and the shell the new size.
func (t *Terminal) resize(cols, rows int) {
	t.mu.Lock()
	t.emulator.Resize(cols, rows)
	t.mu.Unlock()
	t.selection.clear() // lines are wrapped anew: places mean something else now
	t.viewport.follow = true
	if cols != t.toldCols || rows != t.toldRows {
		t.toldCols, t.toldRows = cols, rows
		t.out.resize(cols, rows)
	}
}
