package vt

import "fmt"

// MouseKind says what the mouse did.
type MouseKind uint8

// What a mouse does.
const (
	Press MouseKind = iota
	Release
	Move
)

// The buttons, with the codes of xterm's reports.
const (
	ButtonLeft   = 0
	ButtonMiddle = 1
	ButtonRight  = 2
	ButtonNone   = 3 // motion without a button
	WheelUp      = 64
	WheelDown    = 65
)

// MouseEvent is a mouse event at a cell, counted from 0.
type MouseEvent struct {
	Kind   MouseKind
	Button int
	Mod    Mod
	X, Y   int
}

// EncodeMouse returns the report of a mouse event, or nil where the shell does not want it.
func (m Modes) EncodeMouse(ev MouseEvent) []byte {
	if !m.wants(ev) {
		return nil
	}
	code := ev.Button
	if ev.Kind == Move {
		code += 32
	}
	if m.Mouse != MousePress {
		code += int(ev.Mod) << 2
	}
	if m.MouseSGR {
		final := 'M'
		if ev.Kind == Release {
			final = 'm'
		}
		return fmt.Appendf(nil, "\x1b[<%d;%d;%d%c", code, ev.X+1, ev.Y+1, final)
	}
	if ev.Kind == Release {
		code = code&^3 | ButtonNone
	}
	if ev.X > 222 || ev.Y > 222 { // the old report has one byte for each
		return nil
	}
	return []byte{esc, '[', 'M', byte(32 + code), byte(33 + ev.X), byte(33 + ev.Y)}
}

func (m Modes) wants(ev MouseEvent) bool {
	switch ev.Kind {
	case Press:
		return m.Mouse != MouseOff
	case Release:
		return m.Mouse >= MouseClick && ev.Button < WheelUp
	}
	if ev.Button == ButtonNone {
		return m.Mouse == MouseMotion
	}
	return m.Mouse >= MouseDrag
}
