//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// waitLimit is how long a step of a story may take; a software renderer on a busy machine is slow.
const waitLimit = 45 * time.Second

// settledAfter is how many looks it takes for what the program knows to be on the screen as well.
const settledAfter = 3

// World is one person's computer: a display, the program in demo mode, and what was seen of it.
type World struct {
	t       testing.TB
	Display *Display
	state   string // the demo's state folder
	inspect string // socket that tells where controls are
	folder  string // where screenshots go
	env     []string
	shots   int
	story   strings.Builder
}

// newWorld starts a build of the program in demo mode on a display of its own. What it looks like and what was done
// is kept under TOUCHSTONE_ARTEFACTS.
func newWorld(t testing.TB, binary string, args ...string) *World {
	t.Helper()
	return newWorldWith(t, nil, binary, args...)
}

// newWorldWith is newWorld with more in the program's environment, as "NAME=value".
func newWorldWith(t testing.TB, env []string, binary string, args ...string) *World {
	t.Helper()
	w := newDisplayWorld(t, env)
	w.start(binary, append([]string{"demo", "--latency", "none", "--state", w.state}, args...)...)
	t.Cleanup(w.finish) // runs before the program is ended
	return w
}

// newDisplayWorld is a World in which nothing runs yet.
func newDisplayWorld(t testing.TB, env []string) *World {
	t.Helper()
	w := &World{t: t, env: env, Display: startDisplay(t, 1500, 960), folder: artefacts(t)}
	sockets, err := os.MkdirTemp("", "ts") // t.TempDir is too long for a socket's address (unix(7), sun_path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	w.state, w.inspect = filepath.Join(sockets, "state"), filepath.Join(sockets, "inspect")
	return w
}

// start runs the program until the test ends.
func (w *World) start(binary string, args ...string) {
	w.t.Helper()
	command := exec.Command(binary, args...)
	command.Env = append(w.Display.env(), "TOUCHSTONE_INSPECT="+w.inspect, "HOME="+filepath.Dir(w.state),
		"SHELL=/bin/sh", "LIBGL_ALWAYS_SOFTWARE=1", "TZ=UTC")
	command.Env = append(command.Env, w.env...)
	log, err := os.Create(filepath.Join(w.folder, "program.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { log.Close() })
	command.Stdout, command.Stderr = log, log
	startProcess(w.t, command)
	w.Say("touchstone %s", strings.Join(args, " "))
}

// finish photographs a failure and writes the transcript.
func (w *World) finish() {
	if w.t.Failed() {
		w.Say("The test failed here.")
		w.photograph("failed")
	}
	if err := os.WriteFile(filepath.Join(w.folder, "transcript.txt"), []byte(w.story.String()), 0o600); err != nil {
		w.t.Error(err)
	}
}

// Say adds a line to the transcript.
func (w *World) Say(format string, args ...any) {
	fmt.Fprintf(&w.story, format+"\n", args...)
	w.t.Logf(format, args...)
}

// Shot keeps a numbered screenshot.
func (w *World) Shot(name string) {
	w.t.Helper()
	if err := w.photograph(name); err != nil {
		w.t.Errorf("taking the screenshot %s: %v", name, err)
	}
}

func (w *World) photograph(name string) error {
	w.shots++
	file := fmt.Sprintf("%02d-%s.png", w.shots, name)
	_, err := w.Display.output("import", "-window", "root", filepath.Join(w.folder, file))
	w.Say("    [%s]", file)
	return err
}

// Sees waits until a control or a text is on the screen.
func (w *World) Sees(text string) Control {
	w.t.Helper()
	var found Control
	eventually(w.t, waitLimit, fmt.Sprintf("%q is on the screen", text), func() error {
		controls, err := w.controls()
		if err != nil {
			return err
		}
		for _, c := range controls {
			if c.shows(text) {
				found = c
				return nil
			}
		}
		return fmt.Errorf("on the screen: %s", describe(controls))
	})
	return found
}

// SeesNot waits until a text is gone. It must stay away for a few looks: what is drawn anew has no place for a moment.
func (w *World) SeesNot(text string) {
	w.t.Helper()
	away := 0
	eventually(w.t, waitLimit, fmt.Sprintf("%q is gone", text), func() error {
		controls, err := w.controls()
		if err != nil {
			return err
		}
		for _, c := range controls {
			if c.shows(text) {
				away = 0
				return fmt.Errorf("it is still there, at %v", c)
			}
		}
		if away++; away < settledAfter {
			return errors.New("it has just gone")
		}
		return nil
	})
}

// Finds waits until a control can be clicked. It must have stayed where it is between two looks: what is new on the
// screen finds its place with the next frame.
func (w *World) Finds(kind, text string) Control {
	w.t.Helper()
	var target Control
	eventually(w.t, waitLimit, fmt.Sprintf("%q can be clicked", text), func() error {
		controls, err := w.controls()
		if err != nil {
			return err
		}
		before := target
		for _, c := range controls {
			if c.Text == text && c.acts() && (kind == "" || c.Kind == kind) {
				target = c
				if c.isAt(before) {
					return nil
				}
				return errors.New("it is moving")
			}
		}
		return fmt.Errorf("on the screen: %s", describe(controls))
	})
	return target
}

// Clicks clicks the middle of a control once it can be clicked.
func (w *World) Clicks(text string) {
	w.t.Helper()
	target := w.Finds("", text)
	w.Say("click %q", text)
	win, err := w.Display.FindWindow(target.window)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Display.Click(win, target.X+target.W/2, target.Y+target.H/2)
}

// Reads waits until the terminal in front shows a line that begins with text. What was typed stands behind a prompt.
func (w *World) Reads(line string) {
	w.t.Helper()
	seen := 0
	eventually(w.t, waitLimit, fmt.Sprintf("the terminal shows %q", line), func() error {
		t, err := w.terminal()
		if err != nil {
			return err
		}
		for l := range strings.Lines(t.Text) {
			if strings.HasPrefix(l, line) {
				if seen++; seen == settledAfter {
					return nil
				}
				return errors.New("it has just come")
			}
		}
		return fmt.Errorf("it is %s and shows:\n%s", t.State, t.Text)
	})
	w.Say("    the terminal shows %q", line)
}

// Focus waits until a control has the keyboard.
func (w *World) Focus(text string) {
	w.t.Helper()
	eventually(w.t, waitLimit, fmt.Sprintf("%q has the keyboard", text), func() error {
		controls, err := w.controls()
		if err != nil {
			return err
		}
		for _, c := range controls {
			if c.Focused && c.Text == text {
				return nil
			}
		}
		return fmt.Errorf("on the screen: %s", describe(controls))
	})
}

// Types types into whatever has the focus; secret texts stay out of the transcript.
func (w *World) Types(text string, secret bool) {
	w.t.Helper()
	shown := text
	if secret {
		shown = strings.Repeat("*", len(text))
	}
	w.Say("type %q", shown)
	w.Display.Type(text)
}

// Replaces types over what the field with the keyboard holds.
func (w *World) Replaces(text string) {
	w.t.Helper()
	w.Presses("ctrl+a")
	w.Types(text, true)
}

// Enters types a command line and Return.
func (w *World) Enters(line string) {
	w.t.Helper()
	w.Types(line, false)
	w.Presses("Return")
}

// Presses presses keys.
func (w *World) Presses(keys ...string) {
	w.t.Helper()
	w.Say("press %s", strings.Join(keys, ", "))
	w.Display.Key(keys...)
}

// artefacts is the folder of one test's screenshots.
func artefacts(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("TOUCHSTONE_ARTEFACTS")
	if folder == "" {
		folder = t.TempDir()
	} else if t.Name() != demoStory { // the story that "make demo" shows has the folder for itself
		folder = filepath.Join(folder, t.Name())
	}
	old, err := filepath.Glob(filepath.Join(folder, "[0-9][0-9]-*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, shot := range old { // of an earlier run, which would be taken for this one's
		if err := os.Remove(shot); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}
