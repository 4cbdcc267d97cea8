//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"
)

// Control is something on the screen that has a text.
type Control struct {
	Kind     string `json:"kind"`
	Text     string `json:"text"`
	X        int    `json:"x"` // pixels, from the top left corner of its window
	Y        int    `json:"y"`
	W        int    `json:"w"`
	H        int    `json:"h"`
	Focused  bool   `json:"focused"`
	Disabled bool   `json:"disabled"`

	window string // title
}

// shell is a terminal tab.
type shell struct {
	Host   string `json:"host"`
	State  string `json:"state"`
	Active bool   `json:"active"`
	Text   string `json:"text"`
}

// screen is everything that the program's windows show.
type screen struct {
	Windows []struct {
		Title     string    `json:"title"`
		Controls  []Control `json:"controls"`
		Terminals []shell   `json:"terminals"`
	} `json:"windows"`
}

// look asks the program what it shows. Before its window is up nobody answers.
func (w *World) look() (screen, error) {
	var s screen
	conn, err := net.DialTimeout("unix", w.inspect, time.Second)
	if err != nil {
		return s, fmt.Errorf("asking the program: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return s, err
	}
	if err := json.NewDecoder(conn).Decode(&s); err != nil {
		return s, fmt.Errorf("reading what the program shows: %w", err)
	}
	return s, nil
}

// controls are the controls of all windows.
func (w *World) controls() ([]Control, error) {
	s, err := w.look()
	var all []Control
	for _, win := range s.Windows {
		for _, c := range win.Controls {
			c.window = win.Title
			all = append(all, c)
		}
	}
	return all, err
}

// terminal is the text of the terminal tab in front.
func (w *World) terminal() (shell, error) {
	s, err := w.look()
	if err != nil {
		return shell{}, err
	}
	for _, win := range s.Windows {
		for _, t := range win.Terminals {
			if t.Active {
				return t, nil
			}
		}
	}
	return shell{}, fmt.Errorf("no terminal is in front")
}

// shows reports whether a control shows a text, in whole or, for texts of several words, in part.
func (c Control) shows(text string) bool {
	return c.Text == text || strings.Contains(text, " ") && strings.Contains(c.Text, text)
}

// isAt reports whether a control has the place that another one had.
func (c Control) isAt(other Control) bool {
	return c.window == other.window && c.X == other.X && c.Y == other.Y && c.W == other.W && c.H == other.H
}

// acts reports whether a control can be clicked.
func (c Control) acts() bool { return c.Kind != "text" && !c.Disabled }

func describe(controls []Control) string {
	var texts []string
	for _, c := range controls {
		texts = append(texts, fmt.Sprintf("%s %q", c.Kind, c.Text))
	}
	return strings.Join(texts, ", ")
}
