package term

import (
	"fmt"
	"image/color"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"github.com/touchstone-app/touchstone/ui/term/vt"
)

func TestTheTerminalLooksAsReviewed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		scale   float32
		palette Palette
	}{{"dark", 1, DarkPalette()}, {"light", 1, LightPalette()}, {"dark-1.5x", 1.5, DarkPalette()}} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, fyne.NewSize(220, 80), tt.scale, func(c *Config) { c.Palette = tt.palette })
			h.window.Canvas().Focus(h.Terminal)
			h.feed("\x1b[1;32malice@web\x1b[0m:\x1b[34m~\x1b[0m$ ls\r\n┌──────┐ \x1b[31mred\x1b[0m\r\n└──────┘ $ ")
			h.drag(0, 0, 9, 0)
			h.settle()
			test.AssertImageMatches(t, "terminal-"+tt.name+".png", h.window.Canvas().Capture())
		})
	}
}

// TestRowsLieOnWholePixels shows a terminal at a place and scale where rows would begin between two pixels: a seam
// between rows would show the colour of the ground through a column of blocks.
func TestRowsLieOnWholePixels(t *testing.T) {
	for _, scale := range []float32{1, 1.1, 1.25, 1.33, 1.5, 1.75, 2, 2.3} {
		t.Run(fmt.Sprint(scale), func(t *testing.T) {
			h := newHarness(t, fyne.NewSize(300, 200), scale)
			h.Terminal.Move(fyne.NewPos(3.3, 5.7))
			h.feed("\x1b[41m\x1b[2J")
			img := h.window.Canvas().Capture()
			x := int((h.Position().X + h.view.origin.X + 20) * scale)
			top := int((h.Position().Y+h.view.origin.Y)*scale + 0.5)
			red := DarkPalette().ANSI[1]
			for y := top; y < top+len(h.view.rows)*h.view.atlas.Height; y++ {
				if got := color.NRGBAModel.Convert(img.At(x, y)); got != red {
					t.Fatalf("pixel %d below the first row's top is %v, want %v", y-top, got, red)
				}
			}
		})
	}
}

func TestOnlyRowsThatChangedAreDrawn(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("first\r\nsecond\r\nthird")
	before := h.view.rows[0].shown
	h.Feed([]byte("!"))
	h.until("a change on the screen", func() bool { return !h.painted() })
	if got := len(h.collect()); got != 1 {
		t.Errorf("one letter changes %d rows, want 1", got)
	}
	if h.view.rows[0].shown != before {
		t.Error("the first row changed as well")
	}
}

func TestANewPaletteIsShown(t *testing.T) {
	h := newHarness(t, fyne.NewSize(200, 100), 1)
	h.feed("text")
	h.SetPalette(LightPalette())
	h.feed("\x1b]11;?\x07")
	h.wantInput("\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
	img := h.window.Canvas().Capture()
	for _, at := range [][2]int{{1, 1}, {150, 50}} {
		if got, want := color.NRGBAModel.Convert(img.At(at[0], at[1])), LightPalette().Background; got != want {
			t.Errorf("pixel %v is %v, want %v", at, got, want)
		}
	}
}

func TestALargerTextHasFewerCells(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	cols, rows := h.Cells()
	h.SetSize(26)
	h.settle()
	if c, r := h.Cells(); c >= cols || r >= rows {
		t.Errorf("at twice the size there are %d x %d cells, before %d x %d", c, r, cols, rows)
	}
}

func TestAnotherScaleKeepsTheCellsAndSharpensThem(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("text")
	width := h.view.atlas.Width
	h.window.Canvas().(test.WindowlessCanvas).SetScale(2)
	h.Refresh()
	h.until("glyphs of twice the size", func() bool { return h.view.atlas.Width > width })
	h.settle()
	if got, want := h.view.rows[0].img.Rect.Dx(), h.view.cols*h.view.atlas.Width; got != want {
		t.Errorf("rows are %d pixels wide, want %d", got, want)
	}
	if !strings.HasPrefix(h.Text(), "text") {
		t.Errorf("the screen shows %q", h.Text())
	}
}

func TestAHiddenTerminalDoesNotPaint(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.feed("seen")
	h.Hide()
	h.Feed([]byte("\x1b[2J\x1b[Hunseen"))
	h.paint()
	if h.painted() {
		t.Error("a hidden terminal painted")
	}
	h.Show()
	h.settle()
	if !strings.HasPrefix(h.Text(), "unseen") {
		t.Errorf("what came meanwhile is lost: %q", h.Text())
	}
}

func TestAnUpdateIsPaintedWhole(t *testing.T) {
	timer := make(chan time.Time)
	h := newHarness(t, fyne.NewSize(400, 200), 1, func(c *Config) {
		c.After = func(d time.Duration) <-chan time.Time {
			if d == frame {
				return fired
			}
			return timer
		}
	})
	h.feed("before")
	h.Feed([]byte("\x1b[?2026h\x1b[2J"))
	h.calm()
	h.paint() // one that was asked for before the update began
	if h.painted() {
		t.Error("half of an update was painted")
	}
	h.feed("\x1b[Hafter\x1b[?2026l")

}

func TestAnUpdateThatNeverEndsIsPaintedWhenItsTimeIsOver(t *testing.T) {
	timer := make(chan time.Time)
	h := newHarness(t, fyne.NewSize(400, 200), 1, func(c *Config) {
		c.After = func(d time.Duration) <-chan time.Time {
			if d == frame {
				return fired
			}
			return timer
		}
	})
	h.feed("before")
	h.Feed([]byte("\x1b[?2026h\x1b[2J"))
	h.calm()
	h.tick(timer) // too early
	if h.painted() {
		t.Error("half of an update was painted")
	}
	h.pass(maxHeld)
	h.until("the picture", func() bool {
		select {
		case timer <- time.Time{}: // where the painter still waits
		default:
			h.tell()
		}
		return h.painted()
	})
}

func TestTheTitleIsToldOnTheFyneThread(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	h.Feed([]byte("\x1b]2;web-00\x07"))
	h.Feed([]byte("more"))
	h.until("the first title", func() bool { return len(h.titles) == 1 })
	for i := range 1000 {
		h.Feed(fmt.Appendf(nil, "\x1b]2;flood %d\x07", i))
	}
	h.until("the last title", func() bool { return h.titles[len(h.titles)-1] == "flood 999" })
	if len(h.titles) != 2 || h.titles[0] != "web-00" {
		t.Errorf("titles are %.200q, want the first and the last of the flood", h.titles)
	}
}

func TestABlinkingCursorComesAndGoes(t *testing.T) {
	ticks := make(chan time.Time)
	h := newHarness(t, fyne.NewSize(400, 200), 1, func(c *Config) {
		c.Blink = true
		c.After = func(d time.Duration) <-chan time.Time {
			if d == blinkTime {
				return ticks
			}
			return fired
		}
	})
	h.window.Canvas().Focus(h.Terminal)
	h.settle()
	h.calm()
	shown := func() bool { return h.view.rows[0].shown.cursor >= 0 }
	for _, want := range []bool{false, true, false} {
		h.tick(ticks)
		h.until(fmt.Sprintf("cursor shown: %v", want), func() bool { return shown() == want })
	}
	h.window.Canvas().Unfocus()
	h.until("a cursor without focus, which does not blink", shown)
}

func TestTheCursorOfAScrolledBackScreenIsNotShown(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	_, rows := h.Cells()
	h.feed(strings.Repeat("line\r\n", 5*rows))
	h.scrollBy(2 * rows)
	h.settle()
	for y, r := range h.view.rows {
		if r.shown.cursor >= 0 {
			t.Errorf("row %d of the history shows a cursor", y)
		}
	}
	if !h.view.thumb.Visible() {
		t.Error("nothing shows the place in the history")
	}
}

func TestFeedingIsSafeFromManyGoroutinesWhilePainting(t *testing.T) {
	h := newHarness(t, fyne.NewSize(800, 400), 2)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				_, _ = fmt.Fprintf(h.Terminal, "\x1b[3%dm%d漢e\u0301\r\n", i, j)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done); h.tell() }()
	h.until("all that is fed", func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	h.settle()
}

func TestAFeedIsInterpretedWhenItReturns(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	big := strings.Repeat("0123456789\r\n", 4*feedChunk/12)
	h.Feed([]byte(big + "last"))
	if !strings.HasSuffix(h.Text(), "last") {
		t.Errorf("the screen ends with %.30q", h.Text())
	}
}

func TestClosingLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		h := newHarness(t, fyne.NewSize(200, 100), 1)
		h.Feed([]byte("\x1b[?2026hheld back")) // closing must not wait for a painting
		h.Close()
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines are left of %d:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}

func TestATerminalInAWindowOfTabsPaintsWhenItsTabIsChosen(t *testing.T) {
	h := newHarness(t, fyne.NewSize(400, 200), 1)
	tabs := container.NewAppTabs(
		container.NewTabItem("terminal", h.Terminal), container.NewTabItem("other", container.NewVBox()))
	h.window.SetContent(tabs)
	tabs.SelectIndex(1)
	if h.visible.Load() {
		t.Error("the terminal of a tab that is not chosen is visible")
	}
	h.Feed([]byte("meanwhile"))
	tabs.SelectIndex(0)
	h.settle()
	if !h.visible.Load() || !strings.HasPrefix(h.Text(), "meanwhile") {
		t.Error("the terminal of the chosen tab does not show what came")
	}
}

func BenchmarkPaint(b *testing.B) {
	for _, scale := range []float32{1, 2} {
		b.Run(fmt.Sprintf("%vx", scale), func(b *testing.B) {
			h := newHarness(b, fyne.NewSize(1660, 820), scale)
			screens := [2][]byte{}
			for i := range screens {
				var s strings.Builder
				s.WriteString("\x1b[H")
				for y := range vt.MaxRows {
					fmt.Fprintf(&s, "\x1b[3%dm%s", (y+i)%8, strings.Repeat("text of a row ", 4))
				}
				screens[i] = []byte(s.String())
			}
			for i := 0; b.Loop(); i++ {
				h.Terminal.mu.Lock()
				_, _ = h.emulator.Write(screens[i%2])
				h.Terminal.mu.Unlock()
				h.paint()
			}
		})
	}
}
