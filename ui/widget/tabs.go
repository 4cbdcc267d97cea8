package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	fynewidget "fyne.io/fyne/v2/widget"

	"github.com/touchstone-app/touchstone/assets"
)

// Tab is one item of a TabStrip.
type Tab struct {
	Title    string
	Icon     assets.Icon
	Color    fyne.ThemeColorName // of the icon; empty follows the text
	Closable bool
}

// TabStrip is a row of tabs with a plus at its end.
type TabStrip struct {
	fynewidget.BaseWidget

	// OnSelected, OnClosed and OnAdded run when the person picks, closes or wants a tab.
	OnSelected func(index int)
	OnClosed   func(index int)
	OnAdded    func()

	tabs   []Tab
	active int
	row    *fyne.Container
	plus   *Button
}

// NewTabStrip makes an empty strip.
func NewTabStrip() *TabStrip {
	s := &TabStrip{row: Row(SpaceXS)}
	s.plus = NewSmallButton("", assets.IconPlus, "", Quiet, func() { s.OnAdded() }).SetName("New connection")
	s.ExtendBaseWidget(s)
	return s
}

// Set changes tabs and the active one.
func (s *TabStrip) Set(tabs []Tab, active int) {
	s.tabs, s.active = tabs, active
	s.row.Objects = nil
	for i, tab := range tabs {
		s.row.Add(newTabItem(s, i, tab))
	}
	s.row.Add(Middle(s.plus))
	s.Refresh()
}

// Active is the index of the active tab.
func (s *TabStrip) Active() int { return s.active }

// Inside is the tabs.
func (s *TabStrip) Inside() []fyne.CanvasObject { return []fyne.CanvasObject{s.row} }

// CreateRenderer is Fyne's entry.
func (s *TabStrip) CreateRenderer() fyne.WidgetRenderer { return newRenderer(s.row, nil) }

// tabItem is one tab: tap or Return selects it, the cross closes it.
type tabItem struct {
	fynewidget.BaseWidget
	strip            *TabStrip
	index            int
	tab              Tab
	back             *Box
	icon             *Icon
	text             *Text
	close            *Button
	hovered, focused bool
}

func newTabItem(strip *TabStrip, index int, tab Tab) *tabItem {
	t := &tabItem{strip: strip, index: index, tab: tab, text: NewText(tab.Title, Strong), icon: NewIcon(tab.Icon, ColorFaint, 15)}
	if tab.Closable {
		t.close = NewSmallButton("", assets.IconClose, "", Quiet, func() { strip.OnClosed(index) }).SetName("Close " + tab.Title)
	}
	t.back = NewBox(BoxStyle{}, t.body())
	t.ExtendBaseWidget(t)
	return t
}

func (t *tabItem) Describe() Description {
	return Description{Kind: "tab", Text: t.tab.Title, Focused: t.focused}
}

func (t *tabItem) Inside() []fyne.CanvasObject {
	if t.close == nil {
		return nil
	}
	return []fyne.CanvasObject{t.close}
}

func (t *tabItem) CreateRenderer() fyne.WidgetRenderer { return newRenderer(t.back, t.apply) }

func (t *tabItem) body() fyne.CanvasObject {
	row := Row(SpaceS, t.icon, Middle(t.text))
	right := float32(SpaceM)
	if t.close != nil {
		row.Add(Middle(t.close))
		right = 3
	}
	return AtLeast(0, 30, Inset(0, right, 0, SpaceM, row))
}

func (t *tabItem) apply() {
	box, text, icon := BoxStyle{Radius: RadiusM}, Muted, ColorFaint
	if t.hovered {
		box.Fill, box.FillAlpha = ColorRaised, 140
	}
	if t.index == t.strip.active {
		box.Fill, box.FillAlpha = ColorRaised, 0
		text, icon = Strong, ColorAccent
	}
	if t.tab.Color != "" {
		icon = t.tab.Color
	}
	if t.focused {
		box.Stroke, box.StrokeWidth = ColorAccent, 2
	}
	text.Size = 12.5
	t.back.SetStyle(box)
	t.text.Set(t.tab.Title, text)
	t.icon.Set(t.tab.Icon, icon)
}

func (t *tabItem) Tapped(*fyne.PointEvent) { t.strip.OnSelected(t.index) }

func (t *tabItem) TypedKey(key *fyne.KeyEvent) {
	switch key.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		t.strip.OnSelected(t.index)
	default:
		passKey(t, key)
	}
}

func (t *tabItem) TypedRune(rune)                 {}
func (t *tabItem) FocusGained()                   { t.focused = true; t.Refresh() }
func (t *tabItem) FocusLost()                     { t.focused = false; t.Refresh() }
func (t *tabItem) MouseIn(*desktop.MouseEvent)    { t.hovered = true; t.Refresh() }
func (t *tabItem) MouseMoved(*desktop.MouseEvent) {}
func (t *tabItem) MouseOut()                      { t.hovered = false; t.Refresh() }
