package widget

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	fynewidget "fyne.io/fyne/v2/widget"
)

// Field is a line of text to type. Keys it has no use for go on to the window: Return and Escape reach the dialog.
type Field struct {
	fynewidget.Entry

	OnFocus func(focused bool)

	name    string
	focused bool
}

// NewField makes a field that is called name.
func NewField(name, placeholder string) *Field {
	f := &Field{name: name}
	f.PlaceHolder = placeholder
	f.Scroll = fyne.ScrollNone
	f.Wrapping = fyne.TextWrapOff
	f.ExtendBaseWidget(f)
	return f
}

// Describe names the field and never tells what is in it.
func (f *Field) Describe() Description {
	return Description{Kind: "field", Text: f.name, Focused: f.focused, Disabled: f.Disabled()}
}

// TypedKey types, and hands Return and Escape on.
func (f *Field) TypedKey(key *fyne.KeyEvent) {
	switch {
	case key.Name == fyne.KeyEscape,
		f.OnSubmitted == nil && (key.Name == fyne.KeyReturn || key.Name == fyne.KeyEnter):
		passKey(f, key)
	default:
		f.Entry.TypedKey(key)
	}
}

// TypedShortcut edits, and hands the window's own shortcuts on.
func (f *Field) TypedShortcut(shortcut fyne.Shortcut) {
	f.Entry.TypedShortcut(shortcut)
	if _, custom := shortcut.(*desktop.CustomShortcut); custom {
		passShortcut(f, shortcut)
	}
}

// FocusGained shows the cursor.
func (f *Field) FocusGained() {
	f.Entry.FocusGained()
	f.setFocused(true)
}

// FocusLost hides the cursor.
func (f *Field) FocusLost() {
	f.Entry.FocusLost()
	f.setFocused(false)
}

func (f *Field) setFocused(focused bool) {
	f.focused = focused
	if f.OnFocus != nil {
		f.OnFocus(focused)
	}
}

// Bare is the present theme, whichever that is, with fields that draw no border of their own because they stand on a
// box of ours.
func Bare() fyne.Theme { return bareTheme{} }

type bareTheme struct{}

func (bareTheme) present() fyne.Theme { return fyne.CurrentApp().Settings().Theme() }

func (t bareTheme) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	return t.present().Color(name, variant)
}

func (t bareTheme) Font(style fyne.TextStyle) fyne.Resource { return t.present().Font(style) }

func (t bareTheme) Icon(name fyne.ThemeIconName) fyne.Resource { return t.present().Icon(name) }

func (t bareTheme) Size(name fyne.ThemeSizeName) float32 {
	if name == theme.SizeNameInputBorder {
		return 0
	}
	return t.present().Size(name)
}
