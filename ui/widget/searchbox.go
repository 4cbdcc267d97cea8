package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// SearchBox is a field with a lens at its left and the keys that lead to it at its right.
type SearchBox struct {
	fynewidget.BaseWidget

	Field *Field

	back *Box
}

// NewSearchBox makes a search box; changed gets every new text.
func NewSearchBox(placeholder string, keys []string, changed func(string)) *SearchBox {
	s := &SearchBox{Field: NewField("Search", placeholder)}
	s.Field.OnChanged = changed
	s.back = NewBox(BoxStyle{}, s.body(keys))
	s.Field.OnFocus = func(bool) { s.Refresh() }
	s.ExtendBaseWidget(s)
	return s
}

// Inside is the field.
func (s *SearchBox) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{s.Field} }

// CreateRenderer is Fyne's entry.
func (s *SearchBox) CreateRenderer() fyne.WidgetRenderer { return newRenderer(s.back, s.apply) }

func (s *SearchBox) body(keys []string) fyne.CanvasObject {
	tags := Row(SpaceXS)
	for _, key := range keys {
		tags.Add(NewTag(key))
	}
	field := container.NewThemeOverride(s.Field, Bare())
	line := container.NewBorder(nil, nil, NewIcon(assets.IconSearch, ColorFaint, 16), tags, field)
	return Inset(1, 12, 1, 13, line)
}

func (s *SearchBox) apply() {
	style := BoxStyle{Fill: ColorSurface, Stroke: ColorBorder, StrokeWidth: 1, Radius: 10}
	if s.Field.focused {
		style.Stroke = ColorAccent
	}
	s.back.SetStyle(style)
}
