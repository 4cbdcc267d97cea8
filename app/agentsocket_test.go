package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/testkit"
)

// shortFolder is a folder whose path leaves room for the name of a socket.
func shortFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "ts")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// echo answers each line with itself.
func echo(_ context.Context, conn net.Conn) {
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		fmt.Fprintln(conn, lines.Text())
	}
}

// say sends a line and returns the answer.
func say(t *testing.T, conn net.Conn, line string) string {
	t.Helper()
	fmt.Fprintln(conn, line)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatalf("after %q: %v", line, err)
	}
	return strings.TrimSpace(answer)
}

func dialUnix(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("dialling: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestAnEndingAgentFinishesWhatItWasAsked(t *testing.T) {
	path := filepath.Join(shortFolder(t), "one.agent")
	a, err := listenAgent(path, echo)
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	conn := dialUnix(t, path)
	closed := make(chan error, 1)
	go func() { closed <- a.Close() }()
	testkit.Eventually(t, "end of the path", func() bool { _, err := os.Lstat(path); return errors.Is(err, fs.ErrNotExist) })
	if got := say(t, conn, "still there"); got != "still there" {
		t.Errorf("the agent said %q", got)
	}
	_ = conn.Close()
	if err := testkit.Receive(t, "end of the agent", closed); err != nil {
		t.Errorf("closing: %v", err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 1 || left[0] != path+".lock" {
		t.Errorf("the agent left %q", left)
	}
}

func TestAnEndingAgentHandsThePathToAnother(t *testing.T) {
	path := filepath.Join(shortFolder(t), "o[n]e.agent")
	alive, err := net.Listen("unix", path+".9")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = alive.Close() })
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path + ".2"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // as if its process had been killed
	_ = dead.Close()
	a, err := listenAgent(path, echo)
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatalf("closing: %v", err)
	}
	if target, err := os.Readlink(path); err != nil || target != "o[n]e.agent.9" {
		t.Errorf("the path leads to %q, %v, want the one that is alive", target, err)
	}
}

func TestAPathThatIsTooLongForASocketIsRefused(t *testing.T) {
	_, err := listenAgent(filepath.Join(t.TempDir(), strings.Repeat("long", 30)), echo)
	if f, ok := fault.As(err); !ok || !strings.Contains(f.What, "is too long for the socket of an SSH agent") {
		t.Errorf("listening: %v", err)
	}
	_, err = listenAgent(filepath.Join(shortFolder(t), "missing", "agent"), echo)
	if f, ok := fault.As(err); !ok || !strings.Contains(f.What, "cannot listen at") {
		t.Errorf("listening: %v", err)
	}
}

func TestTextForOpenSSHIsQuoted(t *testing.T) {
	for text, want := range map[string]string{"plain": "'plain'", "a b": "'a b'", "it's": `'it'\''s'`} {
		if got := shellQuote(text); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", text, got, want)
		}
	}
	if got := percent("50%h"); got != "50%%h" {
		t.Errorf("percent = %q", got)
	}
}

func TestTheTargetOfAProxyCommandIsRead(t *testing.T) {
	for target, want := range map[string][2]string{
		"root@web:22":         {"root", "web"},
		"root@web.example:22": {"root", "web.example"},
		"me@corp@web:22":      {"me@corp", "web"},
		"web":                 {"", "web"},
		"root@0b1c2d3e-0000-4000-8000-000000000000:0": {"root", "0b1c2d3e-0000-4000-8000-000000000000"},
	} {
		if r := streamRequest(target); r.Login != want[0] || r.Host != want[1] {
			t.Errorf("%s is read as %+v, want %q", target, r, want)
		}
	}
}
