package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynewidget "fyne.io/fyne/v2/widget"
)

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
