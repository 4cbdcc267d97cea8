package widget

import (
	"slices"
	"strconv"

	"fyne.io/fyne/v2"
	fynewidget "fyne.io/fyne/v2/widget"
)

// Tags shows as many tags as there is room for and how many more there are.
type Tags struct {
	fynewidget.BaseWidget
	texts []string
	row   *fyne.Container
	width float32
}

// NewTags makes an empty row of tags.
func NewTags() *Tags {
	t := &Tags{row: Row(5)}
	t.ExtendBaseWidget(t)
	return t
}

// Set changes the tags. The caller does not change texts afterwards.
func (t *Tags) Set(texts []string) {
	if !slices.Equal(t.texts, texts) {
		t.texts = texts
		t.fill()
	}
}

// Inside is the tags that are shown.
func (t *Tags) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{t.row} }

// CreateRenderer is Fyne's entry.
func (t *Tags) CreateRenderer() fyne.WidgetRenderer { return &tagsRenderer{newRenderer(t.row, nil), t} }

type tagsRenderer struct {
	*renderer
	tags *Tags
}

func (r *tagsRenderer) MinSize() fyne.Size { return fyne.NewSize(0, 20) }

func (r *tagsRenderer) Layout(size fyne.Size) {
	if r.tags.width != size.Width {
		r.tags.width = size.Width
		r.tags.fill()
	}
	r.row().Resize(size)
}

func (r *tagsRenderer) row() *fyne.Container { return r.tags.row }

func (t *Tags) fill() {
	t.row.Objects = nil
	used := float32(0)
	for i, text := range t.texts {
		tag, rest := NewTag(text), NewTag("+"+strconv.Itoa(len(t.texts)-i))
		room := t.width
		if i < len(t.texts)-1 {
			room -= rest.MinSize().Width + 5
		}
		if used+tag.MinSize().Width > room {
			t.row.Objects = append(t.row.Objects, rest)
			break
		}
		used += tag.MinSize().Width + 5
		t.row.Objects = append(t.row.Objects, tag)
	}
	t.row.Refresh()
}
