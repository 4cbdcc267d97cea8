package app

import "github.com/touchstone-app/touchstone/internal/fault"

// checkDisplay says why there can be no window, before Fyne panics for want of one. goos is the system that the
// program was built for: macOS and Windows always have a display, elsewhere the window is one of X11's.
func checkDisplay(goos string, getenv func(string) string) error {
	switch {
	case goos == "darwin" || goos == "windows" || getenv("DISPLAY") != "":
		return nil
	case getenv("WAYLAND_DISPLAY") != "":
		return fault.New("This Wayland session has no X11 display for the window.",
			`Install Xwayland and start the session again, or use the commands that "touchstone help" shows.`)
	default:
		return fault.New("There is no display to open a window on.",
			`Start Touchstone from a desktop, or use the commands that "touchstone help" shows.`)
	}
}
