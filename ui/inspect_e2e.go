//go:build e2e

package ui

import (
	"encoding/json"
	"net"
	"os"
	"sync"

	"fyne.io/fyne/v2"

	"github.com/touchstone-app/touchstone/ui/widget"
)

// inspector tells a test driver where on the screen things are. It reads and never acts: the driver moves the real
// mouse. Only binaries built with the tag e2e have it, and only when TOUCHSTONE_INSPECT names a socket. Whoever connects
// gets one JSON document, the dump below, and is disconnected.
type inspector struct {
	listener net.Listener
	wg       sync.WaitGroup
}

// The dump. All rectangles are in physical pixels relative to their window's top left corner. Of a window with dialogs
// only the topmost is told, because nothing else can be clicked.
type (
	dump struct {
		Windows []dumpWindow `json:"windows"`
	}
	dumpWindow struct {
		Title     string         `json:"title"`
		Width     int            `json:"width"`
		Height    int            `json:"height"`
		Scale     float32        `json:"scale"`
		Controls  []dumpControl  `json:"controls"`
		Terminals []dumpTerminal `json:"terminals,omitempty"`
	}
	dumpControl struct {
		Kind     string `json:"kind"` // as widget.Description
		Text     string `json:"text"`
		X        int    `json:"x"`
		Y        int    `json:"y"`
		W        int    `json:"w"`
		H        int    `json:"h"`
		Focused  bool   `json:"focused,omitempty"`
		Disabled bool   `json:"disabled,omitempty"`
	}
	dumpTerminal struct {
		Host   string `json:"host"`
		State  string `json:"state"` // "connecting", "open" or "ended"
		Active bool   `json:"active"`
		Text   string `json:"text"` // the screen, a line for each row
	}
)

func (i *inspector) start(w *Window) {
	path := os.Getenv("TOUCHSTONE_INSPECT")
	if path == "" {
		return
	}
	_ = os.Remove(path) // of a run before
	listener, err := net.Listen("unix", path)
	if err != nil {
		fyne.LogError("listening for the test driver", err)
		return
	}
	if err := os.Chmod(path, 0o600); err != nil {
		fyne.LogError("closing the test driver's socket to others", err)
	}
	i.listener = listener
	i.wg.Go(func() { i.serve(w) })
}

func (i *inspector) serve(w *Window) {
	for {
		conn, err := i.listener.Accept()
		if err != nil {
			return // stopped
		}
		var d dump
		w.loop.await(func() { d = w.dump() })
		if err := json.NewEncoder(conn).Encode(d); err != nil {
			fyne.LogError("answering the test driver", err)
		}
		conn.Close()
	}
}

func (i *inspector) stop() {
	if i.listener != nil {
		i.listener.Close()
		i.wg.Wait()
	}
}

func (w *Window) dump() dump {
	main := dumpOf(w.win)
	if w.wizard == nil {
		for n, t := range w.main.terminals {
			main.Terminals = append(main.Terminals, dumpTerminal{
				Host: t.cfg.title, State: t.state.String(), Active: w.main.active == n+1, Text: t.screen.Text(),
			})
		}
	}
	all := dump{Windows: []dumpWindow{main}}
	if w.key != nil {
		all.Windows = append(all.Windows, dumpOf(w.key.win))
	}
	return all
}

func dumpOf(win fyne.Window) dumpWindow {
	c := win.Canvas()
	d := dumpWindow{Title: win.Title(), Scale: c.Scale(), Controls: []dumpControl{}}
	d.Width, d.Height = pixels(c, c.Size())
	root := c.Overlays().Top()
	if root == nil {
		root = win.Content()
	}
	visit(root, func(control widget.Described) {
		if described, shown := dumpOne(c, control); shown {
			d.Controls = append(d.Controls, described)
		}
	})
	return d
}

// dumpOne is one control; false for one that says nothing or has no place yet.
func dumpOne(c fyne.Canvas, control widget.Described) (dumpControl, bool) {
	position := fyne.CurrentApp().Driver().AbsolutePositionForObject(control)
	description := control.Describe()
	if description.Text == "" || position.IsZero() {
		return dumpControl{}, false
	}
	d := dumpControl{Kind: description.Kind, Text: description.Text, Focused: description.Focused, Disabled: description.Disabled}
	d.X, d.Y = c.PixelCoordinateForPosition(position)
	d.W, d.H = pixels(c, control.Size())
	return d, true
}

func pixels(c fyne.Canvas, size fyne.Size) (width, height int) {
	return c.PixelCoordinateForPosition(fyne.NewPos(size.Width, size.Height))
}
