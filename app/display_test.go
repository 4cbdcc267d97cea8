package app

import "testing"

func TestAWindowNeedsADisplayOfX11(t *testing.T) {
	for _, row := range []struct {
		name, goos string
		env        map[string]string
		ok         bool
	}{
		{"X11", "linux", map[string]string{"DISPLAY": ":0"}, true},
		{"Wayland with Xwayland", "linux", map[string]string{"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, true},
		{"Wayland alone", "linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, false},
		{"neither", "linux", nil, false},
		{"a BSD without either", "freebsd", nil, false},
		{"macOS", "darwin", nil, true},
		{"Windows", "windows", nil, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := checkDisplay(row.goos, func(name string) string { return row.env[name] })
			if (err == nil) != row.ok {
				t.Errorf("the answer is %v, want a window: %v", err, row.ok)
			}
		})
	}
}
