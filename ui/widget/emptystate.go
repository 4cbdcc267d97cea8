package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// EmptyState says in the middle of its room why there is nothing and what to do next.
type EmptyState struct {
	fynewidget.BaseWidget
	column *fyne.Container
}

// NewEmptyState makes one. action may be nil.
func NewEmptyState(icon assets.Icon, title, text string, action *Button) *EmptyState {
	well := NewBox(BoxStyle{Fill: ColorRaised, Radius: 28}, AtLeast(56, 56, NewIcon(icon, ColorAccent, 26)))
	e := &EmptyState{column: Column(10,
		container.NewCenter(well),
		NewCentered(title, Style{Size: 16, Color: theme.ColorNameForeground, Bold: true}),
	)}
	for _, line := range wrap(text, Muted, 440) {
		e.column.Add(NewCentered(line, Muted))
	}
	if action != nil {
		e.column.Add(Inset(SpaceS, 0, 0, 0, container.NewCenter(action)))
	}
	e.ExtendBaseWidget(e)
	return e
}

// Inside is the text and the button.
func (e *EmptyState) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{e.column} }

// CreateRenderer is Fyne's entry.
func (e *EmptyState) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(container.NewCenter(e.column), nil)
}

// Pair is one row of a Table.
type Pair struct {
	Name  string
	Value string
	Mono  bool
}

// Table shows names and values on a raised ground: who asks, for what, on which key.
type Table struct {
	fynewidget.BaseWidget
	rows  *fyne.Container
	width float32
}

// tableNames is the width of the names.
const tableNames float32 = 92

// NewTable makes a table of the given width.
func NewTable(width float32, pairs ...Pair) *Table {
	t := &Table{rows: Column(7), width: width}
	t.ExtendBaseWidget(t)
	t.Set(pairs)
	return t
}

// Set changes the rows; those without a value are left out.
func (t *Table) Set(pairs []Pair) {
	t.rows.Objects = nil
	for _, p := range pairs {
		if p.Value == "" {
			continue
		}
		style := Body
		if p.Mono {
			style = Code
		}
		value := NewParagraph(p.Value, style, t.width-tableNames-28)
		t.rows.Add(container.New(Columns{tableNames, -1}, NewParagraph(p.Name, Muted.In(ColorFaint), tableNames), value))
	}
	t.Refresh()
}

// Inside is the rows.
func (t *Table) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{t.rows} }

// CreateRenderer is Fyne's entry.
func (t *Table) CreateRenderer() fyne.WidgetRenderer {
	return newRenderer(NewBox(Well, Inset(SpaceM, 14, SpaceM, 14, t.rows)), nil)
}

// Bar is a line along which something is being done without a known end: three dots that are lit in turn by Step.
type Bar struct {
	fynewidget.BaseWidget
	dots [3]*canvas.Circle
	at   int
}

// NewBar makes a resting bar.
func NewBar() *Bar {
	b := &Bar{}
	for i := range b.dots {
		b.dots[i] = &canvas.Circle{}
	}
	b.ExtendBaseWidget(b)
	return b
}

// Step lights the next dot.
func (b *Bar) Step() {
	b.at = (b.at + 1) % len(b.dots)
	b.Refresh()
}

// CreateRenderer is Fyne's entry.
func (b *Bar) CreateRenderer() fyne.WidgetRenderer {
	row := Row(6)
	for _, dot := range b.dots {
		row.Add(AtLeast(6, 6, dot))
	}
	return newRenderer(Middle(row), func() {
		for i, dot := range b.dots {
			dot.FillColor = faded(ColorAccent, 70)
			if i == b.at {
				dot.FillColor = theme.Color(ColorAccent)
			}
		}
	})
}
