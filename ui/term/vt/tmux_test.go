package vt

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	tmuxCols  = 40
	tmuxRows  = 12
	tmuxCases = 200
)

// TestTmuxShowsTheSameScreen compares with a terminal that nobody here wrote: tmux gets the same bytes and says what
// it shows.
func TestTmuxShowsTheSameScreen(t *testing.T) {
	tm := startTmux(t)
	for seed := range tmuxCases {
		input := tmuxInput(rand.New(rand.NewPCG(uint64(seed), 7)))
		e := New(tmuxCols, tmuxRows, 0)
		write(e, input)
		want := tm.capture(input)
		got := strings.Split(e.String(), "\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("screen after %q (-tmux +ours):\n%s", input, diff)
		}
	}
}

// tmuxInput makes input on which terminals agree. Left out is where tmux goes its own way: what a pending wrap does to
// an erasure (text is followed by a movement), lines inserted outside the scroll region, characters inserted near the
// edge, the other half of a wide character that is shifted.
func tmuxInput(rng *rand.Rand) string {
	n := func(max int) int { return 1 + rng.IntN(max) }
	at := func() string { return fmt.Sprintf("\x1b[%d;%dH", n(tmuxRows), n(tmuxCols)) }
	words := []string{"hello", "a longer line of text that wraps around the edge", "größe", "e\u0301te", "x", "─│┌┐"}
	operations := append(tmuxMoves(n), tmuxEdits(n)...)
	if rng.IntN(3) == 0 {
		words = []string{"漢字カナ", "漢e字", "x", "한글"}
		operations = tmuxMoves(n)
	}
	var b strings.Builder
	for range 40 {
		fmt.Fprintf(&b, "\x1b[%d;%dH%s%s", n(tmuxRows), 2*n(14), words[rng.IntN(len(words))], at())
		b.WriteString(operations[rng.IntN(len(operations))])
		if rng.IntN(2) == 0 {
			b.WriteString("y" + at())
		}
	}
	return b.String()
}

// tmuxMoves are sequences that move the cursor and whole lines.
func tmuxMoves(n func(max int) int) []string {
	return []string{
		fmt.Sprintf("\x1b[%dA\x1b[%dC", n(5), n(9)),
		fmt.Sprintf("\x1b[%dB\x1b[%dD", n(5), n(9)),
		fmt.Sprintf("\x1b[%dG", n(tmuxCols)),
		fmt.Sprintf("\x1b[%dd", n(tmuxRows)),
		fmt.Sprintf("\x1b[%dE", n(4)),
		fmt.Sprintf("\x1b[%dF", n(4)),
		fmt.Sprintf("\x1b[%dS", n(3)),
		fmt.Sprintf("\x1b[%d;%dr", n(5), 6+n(6)),
		fmt.Sprintf("\x1b[r\x1b[%d;1H\x1b[%dL", n(tmuxRows), n(4)),
		fmt.Sprintf("\x1b[r\x1b[%d;1H\x1b[%dM", n(tmuxRows), n(4)),
		fmt.Sprintf("\x1b[3;9r\x1b[%d;1H\x1b[%dL", 2+n(7), n(9)),
		fmt.Sprintf("\x1b[3;9r\x1b[%d;1H\x1b[%dM", 2+n(7), n(9)),
		"\x1b[r", "\x1bM", "\x1bD", "\x1bE", "\t", "\x1b[Z", "\r\n", "\x1b[12;1H\n", "\x1b[1;1H\x1bM", "\x1b[2K",
		"\x1b[2;8r\x1b[?6h\x1b[3;3Hin\x1b[?6l", "\x1b[?1049h\x1b[Halternate\x1b[?1049l",
	}
}

// tmuxEdits are sequences that change parts of lines.
func tmuxEdits(n func(max int) int) []string {
	return []string{
		fmt.Sprintf("\x1b[%dJ", n(3)-1),
		fmt.Sprintf("\x1b[%dK", n(3)-1),
		fmt.Sprintf("\x1b[10G\x1b[%dP", n(6)),
		fmt.Sprintf("\x1b[10G\x1b[%d@", n(6)),
		fmt.Sprintf("\x1b[%dX", n(6)),
		"\x1b7\x1b[H#\x1b8z",
		"\x1b[10G\x1b[4hins\x1b[4l",
		"\x1b[31;44mred\x1b[m",
		"\ra\x1b[3b",
		"\x1b[?7l\x1b[38Gover\x1b[?7h\r",
	}
}

// tmux is a tmux server of the test's own with one pane that shows what is written to a pipe.
type tmux struct {
	t      *testing.T
	socket string
	pipe   *os.File
}

func startTmux(t *testing.T) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatalf("this test needs tmux (Debian package tmux): %v", err)
	}
	dir := t.TempDir()
	tm := &tmux{t: t, socket: filepath.Join(dir, "s")}
	fifo := filepath.Join(dir, "input")
	if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatalf("making a pipe: %v: %s", err, out)
	}
	tm.run("new-session", "-d", "-x", fmt.Sprint(tmuxCols), "-y", fmt.Sprint(tmuxRows), "stty raw -echo; exec cat "+fifo)
	var err error
	if tm.pipe, err = os.OpenFile(fifo, os.O_WRONLY, 0); err != nil {
		t.Fatalf("opening the pipe: %v", err)
	}
	t.Cleanup(func() {
		tm.run("kill-server")
		tm.pipe.Close()
	})
	return tm
}

// run runs a tmux command and returns what it prints.
func (tm *tmux) run(args ...string) string {
	tm.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-u", "-f", "/dev/null", "-S", tm.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm-256color", "TMUX=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		tm.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// capture resets the pane, feeds it input and returns its rows. A title marks the end of the input.
func (tm *tmux) capture(input string) []string {
	tm.t.Helper()
	mark := fmt.Sprintf("end-%d", time.Now().UnixNano())
	if _, err := fmt.Fprintf(tm.pipe, "\x1bc%s\x1b]2;%s\x1b\\", input, mark); err != nil {
		tm.t.Fatalf("writing to tmux: %v", err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		title, screen, _ := strings.Cut(tm.run("display-message", "-p", "#{pane_title}", ";", "capture-pane", "-p"), "\n")
		if title == mark {
			rows := strings.Split(strings.TrimSuffix(screen, "\n"), "\n")
			for i, row := range rows {
				rows[i] = strings.TrimRight(row, " ")
			}
			return rows
		}
		if time.Now().After(deadline) {
			tm.t.Fatalf("tmux did not show %q in time", input)
		}
	}
}
