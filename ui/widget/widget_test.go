package widget

import (
	"bytes"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/touchstone-app/touchstone/assets"
)

// plain is Fyne's theme with something visible for each colour of ours.
type plain struct{ fyne.Theme }

func (p plain) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	if slices.Contains([]fyne.ThemeColorName{ColorSide, ColorSurface, ColorRaised, ColorBorder, ColorMuted, ColorFaint, ColorAccent,
		ColorAccentFill, ColorOnAccent, ColorOK, ColorWarn, ColorDanger, ColorGold, ColorDim}, name) {
		return color.NRGBA{R: uint8(len(name)) * 17, G: name[0], B: name[len(name)-1], A: 0xff}
	}
	return p.Theme.Color(name, variant)
}

func start(t *testing.T) {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(plain{theme.DefaultTheme()})
}

// show puts an object into a window of its own size or larger.
func show(t *testing.T, o fyne.CanvasObject) fyne.Window {
	t.Helper()
	w := test.NewTempWindow(t, o)
	w.SetPadded(false)
	w.Resize(fyne.NewSize(400, 300).Max(o.MinSize()))
	return w
}

func key(name fyne.KeyName) *fyne.KeyEvent { return &fyne.KeyEvent{Name: name} }

func TestASecretIsTypedTakenBackAndReplaced(t *testing.T) {
	start(t)
	store := make([]byte, 8)
	e := NewSecretEntry("PIN", store)
	changes := 0
	e.OnChanged = func() { changes++ }
	show(t, e)
	test.Type(e, "48é3")
	if got := string(e.Bytes()); got != "48é3" || e.Len() != 5 {
		t.Fatalf("after typing: %q, %d bytes", got, e.Len())
	}
	e.TypedKey(key(fyne.KeyBackspace))
	e.TypedKey(key(fyne.KeyBackspace))
	if got := string(e.Bytes()); got != "48" {
		t.Errorf("after taking two characters back: %q", got)
	}
	if !bytes.Equal(store[2:], make([]byte, 6)) {
		t.Errorf("what was taken back is still in memory: %v", store)
	}
	e.TypedShortcut(&fyne.ShortcutSelectAll{})
	e.TypedRune('7')
	if got := string(e.Bytes()); got != "7" {
		t.Errorf("typing over a selection gives %q", got)
	}
	e.TypedShortcut(&fyne.ShortcutSelectAll{})
	e.TypedKey(key(fyne.KeyBackspace))
	if e.Len() != 0 || changes != 8 {
		t.Errorf("at the end: %d bytes after %d changes, want none after 8", e.Len(), changes)
	}
}

func TestASecretTakesNoMoreThanItsMemory(t *testing.T) {
	start(t)
	e := NewSecretEntry("PIN", make([]byte, 4))
	show(t, e)
	test.Type(e, "12345")
	if got := string(e.Bytes()); got != "1234" {
		t.Errorf("got %q", got)
	}
	e.TypedKey(key(fyne.KeyBackspace))
	e.TypedRune('é') // two bytes where one is left
	if got := string(e.Bytes()); got != "123" {
		t.Errorf("half a character was taken: %q", got)
	}
}

func TestASecretTakesTheKeyboardAsSoonAsTheMouseGoesDown(t *testing.T) {
	start(t)
	user, e := NewField("User", ""), NewSecretEntry("Password", make([]byte, 16))
	w := show(t, Column(0, user, e))
	w.Canvas().Focus(user)
	e.MouseDown(&desktop.MouseEvent{})
	if w.Canvas().Focused() != e {
		t.Errorf("the keyboard is on %v", w.Canvas().Focused())
	}
	e.MouseUp(&desktop.MouseEvent{})
}

func TestPastingASecretEndsAtTheLineFeed(t *testing.T) {
	start(t)
	e := NewSecretEntry("PIN", make([]byte, 16))
	show(t, e)
	clipboard := test.NewClipboard()
	clipboard.SetContent("482913\nrm -rf /\n")
	e.TypedShortcut(&fyne.ShortcutPaste{Clipboard: clipboard})
	if got := string(e.Bytes()); got != "482913" {
		t.Errorf("got %q", got)
	}
	e.TypedShortcut(&fyne.ShortcutCopy{Clipboard: clipboard})
	e.TypedShortcut(&fyne.ShortcutCut{Clipboard: clipboard})
	if got := clipboard.Content(); got != "482913\nrm -rf /\n" || e.Len() != 6 {
		t.Errorf("a secret can be copied: the clipboard has %q", got)
	}
}

func TestASecretIsDrawnAsDotsUntilTheEyeOpens(t *testing.T) {
	start(t)
	e := NewSecretEntry("PIN", make([]byte, 16))
	show(t, e)
	test.Type(e, "48291")
	if markup := test.RenderObjectToMarkup(e); strings.Contains(markup, ">4<") || strings.Count(markup, "<circle") != 5 {
		t.Errorf("closed, it draws\n%s", markup)
	}
	test.Tap(e.eye)
	markup := test.RenderObjectToMarkup(e)
	for _, digit := range "48291" {
		if !strings.Contains(markup, ">"+string(digit)+"<") {
			t.Errorf("open, it does not draw %c", digit)
		}
	}
	if strings.Contains(markup, ">48") {
		t.Error("a string holds more than one character of the secret")
	}
	e.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyR, Modifier: fyne.KeyModifierShortcutDefault})
	if markup := test.RenderObjectToMarkup(e); strings.Contains(markup, ">4<") {
		t.Error("the key does not close the eye")
	}
}

func TestNothingDescribesWhatASecretHolds(t *testing.T) {
	start(t)
	e := NewSecretEntry("PIN", make([]byte, 16))
	f := NewField("User", "")
	show(t, Column(0, e, f))
	test.Type(e, "482913")
	test.Type(f, "alice")
	if got, want := e.Describe(), (Description{Kind: "secret", Text: "PIN", Focused: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := f.Describe(); strings.Contains(got.Text, "alice") {
		t.Errorf("the field tells what is in it: %+v", got)
	}
}

func TestKeysThatAControlHasNoUseForReachTheWindow(t *testing.T) {
	start(t)
	entry, field := NewSecretEntry("PIN", make([]byte, 16)), NewField("User", "")
	button := NewButton("Go", Primary, nil)
	item := NewNavItem(Item{Title: "demo"}, func() {})
	w := show(t, Column(0, entry, field, button, item))
	var got []fyne.KeyName
	w.Canvas().SetOnTypedKey(func(k *fyne.KeyEvent) { got = append(got, k.Name) })
	for _, control := range []fyne.Focusable{entry, field, button, item} {
		control.TypedKey(key(fyne.KeyEscape))
	}
	entry.TypedKey(key(fyne.KeyReturn))
	field.TypedKey(key(fyne.KeyReturn))
	want := []fyne.KeyName{fyne.KeyEscape, fyne.KeyEscape, fyne.KeyEscape, fyne.KeyEscape, fyne.KeyReturn, fyne.KeyReturn}
	if !slices.Equal(got, want) {
		t.Errorf("the window got %v, want %v", got, want)
	}
}

func TestShortcutsReachTheWindowFromFields(t *testing.T) {
	start(t)
	entry, field := NewSecretEntry("PIN", make([]byte, 16)), NewField("User", "")
	w := show(t, Column(0, entry, field))
	shortcut := &desktop.CustomShortcut{KeyName: fyne.KeyT, Modifier: fyne.KeyModifierControl | fyne.KeyModifierShift}
	n := 0
	w.Canvas().AddShortcut(shortcut, func(fyne.Shortcut) { n++ })
	entry.TypedShortcut(shortcut)
	field.TypedShortcut(shortcut)
	if n != 2 {
		t.Errorf("the window got %d of 2 shortcuts", n)
	}
}

func TestAButtonIsPressedByMouseSpaceAndReturnUnlessDisabled(t *testing.T) {
	start(t)
	n := 0
	b := NewButton("Go", Primary, func() { n++ })
	show(t, b)
	press := func() {
		test.Tap(b)
		b.TypedKey(key(fyne.KeySpace))
		b.TypedKey(key(fyne.KeyReturn))
	}
	press()
	b.SetDisabled(true)
	press()
	if n != 3 {
		t.Errorf("pressed %d times, want 3", n)
	}
	if d := b.Describe(); !d.Disabled {
		t.Errorf("a disabled button describes itself as %+v", d)
	}
}

func TestTheLookOfAButtonFollowsItsState(t *testing.T) {
	start(t)
	b := NewButton("Go", Primary, nil)
	show(t, b)
	rest := b.back.style
	b.FocusGained()
	if b.back.style == rest || b.back.style.StrokeWidth < 2 {
		t.Error("the focus cannot be seen")
	}
	b.FocusLost()
	b.SetDisabled(true)
	if b.back.style.Fill == rest.Fill {
		t.Error("a disabled button looks like one that can be pressed")
	}
	b.SetDisabled(false)
	if b.back.style != rest {
		t.Errorf("enabled again it looks like %+v, want %+v", b.back.style, rest)
	}
}

func TestTheTouchRingCountsWholeSecondsDown(t *testing.T) {
	start(t)
	r := NewTouchRing(15*time.Second, 132)
	show(t, r)
	for left, want := range map[time.Duration]int{
		20 * time.Second: 15, 15 * time.Second: 15, 14001 * time.Millisecond: 15, 14 * time.Second: 14, time.Millisecond: 1, 0: 0, -time.Second: 0,
	} {
		r.SetLeft(left)
		if got := r.Seconds(); got != want {
			t.Errorf("with %v left it says %d, want %d", left, got, want)
		}
	}
	r.SetLeft(5 * time.Second)
	if math.Abs(float64(r.arc.EndAngle)-120) > 0.01 {
		t.Errorf("with a third of the time left the arc ends at %v degrees, want 120", r.arc.EndAngle)
	}
}

func TestTextIsCutWhereThereIsNoRoom(t *testing.T) {
	start(t)
	cell := NewCell("a-server-with-a-very-long-name.example.com", Strong)
	show(t, cell)
	cell.Resize(fyne.NewSize(80, 20))
	if got := cell.line.Text; !strings.HasSuffix(got, "…") || Strong.measure(got).Width > 80 {
		t.Errorf("in 80 pixels it draws %q", got)
	}
	cell.Resize(fyne.NewSize(800, 20))
	if got := cell.line.Text; got != cell.Text() {
		t.Errorf("with room it draws %q", got)
	}
}

func TestAParagraphBreaksAtWordsAndKeepsEveryCharacter(t *testing.T) {
	start(t)
	text := "The proxy shows a certificate with the fingerprint 3f:2a:91:0c:77:5e:d1:aa:04:19:6b:c2:fe:80:13:9d:3f:2a:91:0c and more."
	lines := wrap(text, Body, 160)
	for _, line := range lines {
		if w := Body.measure(line).Width; w > 160 {
			t.Errorf("the line %q is %v wide", line, w)
		}
	}
	strip := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	if got := strip(strings.Join(lines, "")); got != strip(text) {
		t.Errorf("characters were lost: %q", got)
	}
	if got := wrap("one\ntwo", Body, 160); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("line feeds are lost: %q", got)
	}
}

func TestColumnsShareWhatTheFixedOnesLeave(t *testing.T) {
	start(t)
	cells := []fyne.CanvasObject{NewText("a", Body), NewText("b", Body), NewText("c", Body)}
	Columns{40, -1, -3}.Layout(cells, fyne.NewSize(440, 20))
	for i, want := range []struct{ x, width float32 }{{0, 40}, {40, 100}, {140, 300}} {
		if x, width := cells[i].Position().X, cells[i].Size().Width; x != want.x || width != want.width {
			t.Errorf("column %d is at %v, %v wide; want %v, %v", i, x, width, want.x, want.width)
		}
	}
}

func TestTagsThatDoNotFitAreCounted(t *testing.T) {
	start(t)
	tags := NewTags()
	show(t, tags)
	tags.Resize(fyne.NewSize(130, 20))
	tags.Set([]string{"env=prod", "os=debian12", "team=web"})
	var texts []string
	for _, o := range tags.row.Objects {
		markup := test.RenderObjectToMarkup(o)
		for _, text := range []string{"env=prod", "os=debian12", "team=web", "+1", "+2"} {
			if strings.Contains(markup, text) {
				texts = append(texts, text)
			}
		}
	}
	if got := strings.Join(texts, " "); got != "env=prod +2" {
		t.Errorf("in 130 pixels it shows %q", got)
	}
}

func TestStepsAndMetersShowTheirStates(t *testing.T) {
	start(t)
	s := NewStepper(Step{Title: "one", State: StepDone}, Step{Title: "two", Detail: "now", State: StepNow}, Step{Title: "three"}, Step{Title: "four", State: StepFailed})
	m := NewMeter(4)
	show(t, Column(0, s, m))
	markup := test.RenderObjectToMarkup(s)
	for _, want := range []string{">one<", ">two<", ">now<", ">three<", ">four<", ">2<", ">3<", "icon-check", "icon-close"} {
		if !strings.Contains(markup, want) {
			t.Errorf("the stepper does not draw %s", want)
		}
	}
	m.Set(3, ColorOK)
	for i, bar := range m.bars {
		if lit := bar.style.Fill == ColorOK; lit != (i < 3) {
			t.Errorf("bar %d is lit: %v", i, lit)
		}
	}
}

func TestTabsAreSelectedAndClosedByMouseAndKeyboard(t *testing.T) {
	start(t)
	s := NewTabStrip()
	var got []string
	s.OnSelected = func(i int) { got = append(got, "select "+string(rune('0'+i))) }
	s.OnClosed = func(i int) { got = append(got, "close "+string(rune('0'+i))) }
	s.OnAdded = func() { got = append(got, "add") }
	s.Set([]Tab{{Title: "Resources", Icon: assets.IconServer}, {Title: "web-1", Icon: assets.IconTerminal, Closable: true}}, 0)
	show(t, s)
	second := s.row.Objects[1].(*tabItem)
	test.Tap(second)
	second.TypedKey(key(fyne.KeyReturn))
	test.Tap(second.close)
	test.Tap(s.plus)
	if want := []string{"select 1", "select 1", "close 1", "add"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestATableLeavesOutWhatHasNoValue(t *testing.T) {
	start(t)
	table := NewTable(400, Pair{Name: "Cluster", Value: "demo"}, Pair{Name: "Slot"})
	show(t, table)
	if got := len(table.rows.Objects); got != 1 {
		t.Errorf("it has %d rows, want 1", got)
	}
}

func TestColoursFollowTheTheme(t *testing.T) {
	start(t)
	box, text := NewBox(Well, NewText("a", Body)), NewText("b", Small)
	show(t, Column(0, box, text))
	before, beforeText := box.back.FillColor, text.line.Color
	test.ApplyTheme(t, other{plain{theme.DefaultTheme()}})
	if box.back.FillColor == before || text.line.Color == beforeText {
		t.Error("a new theme does not change the colours")
	}
}

// other is plain in other colours.
type other struct{ plain }

func (o other) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	c := color.NRGBAModel.Convert(o.plain.Color(name, variant)).(color.NRGBA)
	c.R ^= 0x55
	return c
}
