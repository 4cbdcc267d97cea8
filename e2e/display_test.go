//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Display is an X server without a screen and a window manager on it.
type Display struct {
	t    testing.TB
	name string // ":12"
}

// startDisplay starts Xvfb on a free display number; both end with the test.
func startDisplay(t testing.TB, width, height int) *Display {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	server := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-nolisten", "tcp",
		"-r") // no key repeats itself when a busy machine is late with its release
	server.ExtraFiles = []*os.File{write}
	startProcess(t, server)
	write.Close()
	number, err := bufio.NewReader(read).ReadString('\n') // Xvfb answers once it accepts clients
	if err != nil {
		t.Fatalf("starting Xvfb: %v", err)
	}
	d := &Display{t: t, name: ":" + strings.TrimSpace(number)}
	manager := exec.Command("openbox", "--sm-disable")
	manager.Env = d.env()
	startProcess(t, manager)
	d.waitForManager()
	return d
}

func (d *Display) env() []string {
	env := []string{"DISPLAY=" + d.name, "TOUCHSTONE_KEY_AGENT=off"} // windows of several tests would answer each other
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// waitForManager waits until the window manager says so on the root window (EWMH, _NET_SUPPORTING_WM_CHECK): a
// window mapped before that keeps no frame and no focus.
func (d *Display) waitForManager() {
	d.t.Helper()
	eventually(d.t, 20*time.Second, "the window manager runs", func() error {
		out, err := d.output("xprop", "-root", "_NET_SUPPORTING_WM_CHECK")
		if err == nil && !strings.Contains(out, "window id") {
			err = errors.New(out)
		}
		return err
	})
}

// Run runs a tool on this display and fails the test when the tool fails.
func (d *Display) Run(name string, args ...string) string {
	d.t.Helper()
	out, err := d.output(name, args...)
	if err != nil {
		d.t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out
}

func (d *Display) output(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Env = d.env()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// FindWindow returns the X window whose title is exactly title.
func (d *Display) FindWindow(title string) (string, error) {
	ids, err := d.output("xdotool", "search", "--onlyvisible", "--name", "^"+title+"$")
	if err != nil {
		return "", fmt.Errorf("finding the window %q: %w", title, err)
	}
	id, _, _ := strings.Cut(ids, "\n")
	return id, nil
}

// Click presses the first button at a point of a window, in pixels from its top left corner.
func (d *Display) Click(window string, x, y int) {
	d.t.Helper()
	d.Run("xdotool", "windowactivate", "--sync", window)                                  // whatever lies over it is put behind
	d.Run("xdotool", "mousemove", "--window", window, strconv.Itoa(x+3), strconv.Itoa(y), // --sync waits for a movement
		"mousemove", "--sync", "--window", window, strconv.Itoa(x), strconv.Itoa(y), "click", "1")
}

// Move puts a window's frame at a point of the display.
func (d *Display) Move(title string, x, y int) {
	d.t.Helper()
	eventually(d.t, waitLimit, fmt.Sprintf("the window %q is there", title), func() error {
		id, err := d.FindWindow(title)
		if err == nil {
			_, err = d.output("xdotool", "windowmove", id, strconv.Itoa(x), strconv.Itoa(y))
		}
		return err
	})
}

// Key presses keys one after the other, in xdotool's words: "Tab", "ctrl+shift+w".
func (d *Display) Key(keys ...string) {
	d.t.Helper()
	d.Run("xdotool", append([]string{"key", "--clearmodifiers"}, keys...)...)
}

// Type types plain ASCII text.
func (d *Display) Type(text string) {
	d.t.Helper()
	d.Run("xdotool", "type", "--delay", "8", text)
}

// startProcess starts a process that ends with the test, and everything that it started with it.
func startProcess(t testing.TB, command *exec.Cmd) {
	t.Helper()
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatalf("starting %s: %v", command.Path, err)
	}
	t.Cleanup(func() { endProcess(command) })
}

// endProcess asks a process to end and insists after a while.
func endProcess(command *exec.Cmd) {
	group := -command.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM) // it may have ended by itself
	insist := time.AfterFunc(5*time.Second, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
	defer insist.Stop()
	_ = command.Wait() // the signal is the expected way to end
}

// eventually asks check again and again until it has no complaint, at most for the given time.
func eventually(t testing.TB, limit time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("after %v still not true that %s: %v", limit, what, err)
		case <-tick.C:
		}
	}
}
