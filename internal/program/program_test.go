//go:build unix

package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// run starts a line of shell.
func run(t *testing.T, line string, env ...string) *Running {
	t.Helper()
	r, err := Start(t.Context(), Config{Argv: []string{"sh", "-c", line}, Env: append(os.Environ(), env...), Cols: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// finish returns everything that a program prints, and its status.
func finish(t *testing.T, r *Running) (string, int) {
	t.Helper()
	out, err := io.ReadAll(r.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	status, err := r.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return string(out), status
}

func TestAProgramHasATerminalAndAnEnvironment(t *testing.T) {
	r := run(t, `stty size; echo "$GREETING"; tty >/dev/null && exit 3`, "GREETING=hello")
	out, status := finish(t, r)
	if want := "24 80\r\nhello\r\n"; out != want || status != 3 {
		t.Errorf("got %q and status %d, want %q and 3", out, status, want)
	}
}

func TestWhatIsTypedArrives(t *testing.T) {
	r := run(t, `stty -echo; echo ready; read -r line; echo "got $line"; stty size`)
	ready := make([]byte, len("ready\r\n"))
	if _, err := io.ReadFull(r.Stdout(), ready); err != nil {
		t.Fatal(err)
	}
	if err := r.Resize(132, 43); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(r.Stdin(), "some words\n"); err != nil {
		t.Fatal(err)
	}
	out, status := finish(t, r)
	if want := "got some words\r\n43 132\r\n"; out != want || status != 0 {
		t.Errorf("got %q and status %d, want %q", out, status, want)
	}
}

func TestNothingThatWasPrintedIsLost(t *testing.T) {
	out, _ := finish(t, run(t, `seq 1 20000`))
	if !strings.HasSuffix(out, "20000\r\n") || strings.Count(out, "\n") != 20000 {
		t.Errorf("%d lines came, the last of them %q", strings.Count(out, "\n"), out[max(0, len(out)-20):])
	}
}

func TestAProgramThatASignalEndedHasAShellsStatus(t *testing.T) {
	if _, status := finish(t, run(t, `kill -TERM $$`)); status != 128+int(unix.SIGTERM) {
		t.Errorf("the status is %d", status)
	}
}

func TestWhatIsLeftInTheBackgroundHoldsNothingUp(t *testing.T) {
	out, status := finish(t, run(t, `trap '' HUP; sleep 600 & echo $!; exit 0`))
	if status != 0 {
		t.Errorf("the status is %d", status)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Kill(pid, unix.SIGKILL)
}

// alive says whether a process is there and no zombie.
func alive(pid string) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

func TestClosingEndsTheWholeGroup(t *testing.T) {
	for name, line := range map[string]string{
		"of programs that obey":                   `sleep 600 & echo $!; wait`,
		"of a leader that obeys and one that not": `(trap '' HUP; echo $(exec sh -c 'echo $PPID'); sleep 600) & wait`,
		"of a stopped program":                    `sleep 600 & echo $!; kill -STOP $$`,
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, line)
			var pid string
			if _, err := fmt.Fscanln(r.Stdout(), &pid); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			testkit.Eventually(t, "the program in the background has ended", func() bool { return !alive(pid) })
			if _, err := r.Stdin().Write([]byte("x")); err == nil {
				t.Error("a closed terminal takes input")
			}
		})
	}
}

func TestAProgramThatDoesNotCareIsKilled(t *testing.T) {
	r := run(t, `trap '' HUP; echo ready; while :; do sleep 600; done`)
	var ready string
	if _, err := fmt.Fscanln(r.Stdout(), &ready); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if status, _ := r.Wait(); status != 128+int(unix.SIGKILL) {
		t.Errorf("the status is %d", status)
	}
}

func TestAProgramThatIsNotThereIsTold(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Start(t.Context(), Config{Argv: []string{"psql", "postgres://nowhere"}})
	f, ok := fault.As(err)
	if !ok || f.What != "The program psql was not found on this computer." || !strings.Contains(f.Do, "postgresql-client") {
		t.Errorf("got %v", err)
	}
	if _, err := Start(t.Context(), Config{}); err == nil {
		t.Error("nothing was started")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(cancelled, Config{Argv: []string{"/bin/sh"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
}
