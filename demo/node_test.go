package demo

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	osuser "os/user"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"golang.org/x/crypto/ssh"
)

// me is who runs the tests, and so the demo.
func me(t *testing.T) string {
	t.Helper()
	current, err := osuser.Current()
	if err != nil {
		t.Fatal(err)
	}
	return current.Username
}

// onNode starts a cluster and connects a user without a key policy to its node.
func onNode(t *testing.T) (*world, *ssh.Client) {
	t.Helper()
	w := start(t)
	client, err := w.nodeSSH(t, w.login(t, "off", softKey(t)), me(t))
	if err != nil {
		t.Fatalf("connecting to the node: %v", err)
	}
	return w, client
}

func newSession(t *testing.T, client *ssh.Client) *ssh.Session {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func TestACommandRunsWithItsStreamsAndStatus(t *testing.T) {
	w, client := onNode(t)
	tests := map[string]struct {
		command, input, out, problems string
		status                        int
	}{
		"output and errors are apart":        {"echo out; echo err >&2", "", "out\n", "err\n", 0},
		"the status comes back":              {"exit 7", "", "", "", 7},
		"a signal is 128 and its number":     {"kill -TERM $$", "", "", "", 143},
		"input has an end":                   {"cat", "hello", "hello", "", 0},
		"a background program is waited for": {"(sleep 0.1; echo late) & echo early", "", "early\nlate\n", "", 0},
		"nothing of much output is lost":     {"head -c 300000 /dev/zero | tr '\\0' x", "", strings.Repeat("x", 300000), "", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			session := newSession(t, client)
			var out, problems bytes.Buffer
			session.Stdin, session.Stdout, session.Stderr = strings.NewReader(test.input), &out, &problems
			if got := statusOf(t, session.Run(test.command)); got != test.status {
				t.Errorf("status %d, want %d", got, test.status)
			}
			if out.String() != test.out || problems.String() != test.problems {
				t.Errorf("out %.60q, err %q; want %.60q, %q", &out, &problems, test.out, test.problems)
			}
		})
	}
	if got := len(w.find(t, "exec")); got != len(tests) {
		t.Errorf("the audit log has %d commands, want %d", got, len(tests))
	}
}

// statusOf is the exit status that an error of the SSH library stands for.
func statusOf(t *testing.T, err error) int {
	t.Helper()
	var status *ssh.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return status.ExitStatus()
	default:
		t.Fatalf("no exit status: %v", err)
		return 0
	}
}

func TestTheEnvironmentSaysWhereOneIs(t *testing.T) {
	w, client := onNode(t)
	session := newSession(t, client)
	if err := session.Setenv("LANG", "C.UTF-8"); err != nil {
		t.Fatal(err)
	}
	payload := ssh.Marshal(struct{ JSON string }{`{"COLOUR":"blue","TELEPORT_SESSION":"none"}`})
	if ok, err := session.SendRequest("envs@goteleport.com", true, payload); !ok || err != nil {
		t.Fatalf("envs: %v %v", ok, err)
	}
	out, err := session.Output("env")
	if err != nil {
		t.Fatal(err)
	}
	env := string(out)
	for _, want := range []string{"LANG=C.UTF-8\n", "COLOUR=blue\n", "SSH_TELEPORT_USER=off\n", "SSH_TELEPORT_CLUSTER_NAME=demo\n",
		"SSH_SESSION_WEBPROXY_ADDR=" + w.ready.Proxy + "\n", "USER=" + me(t) + "\n", "SHELL=/bin/sh\n", "SSH_SESSION_ID="} {
		if !strings.Contains(env, want) {
			t.Errorf("the environment lacks %q:\n%s", want, env)
		}
	}
	if strings.Contains(env, "TELEPORT_SESSION=") {
		t.Error("a variable of the protocol reached the program")
	}
}

// shell opens an interactive shell and returns what to type into and a reader of its output.
func shell(t *testing.T, client *ssh.Client) (*ssh.Session, io.WriteCloser, *bufio.Reader) {
	t.Helper()
	session := newSession(t, client)
	in, err := session.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.RequestPty("xterm-256color", 33, 101, ssh.TerminalModes{}); err != nil {
		t.Fatal(err)
	}
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	return session, in, bufio.NewReader(out)
}

// until reads output up to a text.
func until(t *testing.T, out *bufio.Reader, want string) string {
	t.Helper()
	found := make(chan string, 1)
	go func() {
		var seen strings.Builder
		for !strings.Contains(seen.String(), want) {
			b, err := out.ReadByte()
			if err != nil {
				break
			}
			seen.WriteByte(b)
		}
		found <- seen.String()
	}()
	seen := testkit.Receive(t, want, found)
	if !strings.Contains(seen, want) {
		t.Fatalf("the shell ended without %q:\n%s", want, seen)
	}
	return seen
}

func TestAShellHasATerminalThatFollowsTheWindow(t *testing.T) {
	_, client := onNode(t)
	session, in, out := shell(t, client)
	banner := until(t, out, "\r\n")
	if !strings.Contains(banner, "demo node") || !strings.Contains(banner, "runs as "+me(t)+" on this machine") {
		t.Errorf("the banner is %q", banner)
	}
	_, _ = io.WriteString(in, "stty size; echo $TERM; tty\n")
	until(t, out, "33 101")
	until(t, out, "xterm-256color")
	until(t, out, "/dev/pts/")
	if err := session.WindowChange(50, 160); err != nil {
		t.Fatal(err)
	}
	// Nothing orders a change of the window against what is typed (RFC 4254, 6.7), so the shell waits for it.
	_, _ = io.WriteString(in, "until [ \"$(stty size)\" = '50 160' ]; do :; done; echo gro''wn\n")
	until(t, out, "grown")
	_, _ = io.WriteString(in, "exit 3\n")
	if got := statusOf(t, session.Wait()); got != 3 {
		t.Errorf("status %d, want 3", got)
	}
}

func TestTheLastOutputOfATerminalComesBeforeItsEnd(t *testing.T) {
	_, client := onNode(t)
	session := newSession(t, client)
	if err := session.RequestPty("xterm", 25, 80, ssh.TerminalModes{}); err != nil {
		t.Fatal(err)
	}
	// The program left behind keeps the terminal open.
	out, err := session.Output("sleep 60 & head -c 100000 /dev/zero | tr '\\0' x; echo; echo last")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimRight(string(out), "\r\n"); !strings.HasSuffix(got, "last") || len(got) < 100000 {
		t.Errorf("%d bytes, ending in %q", len(got), got[max(0, len(got)-20):])
	}
}

func TestClosingASessionEndsItsPrograms(t *testing.T) {
	w, client := onNode(t)
	session := newSession(t, client)
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("trap 'exit 9' HUP; echo ready; while :; do sleep 0.05; done"); err != nil {
		t.Fatal(err)
	}
	until(t, bufio.NewReader(out), "ready")
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "end of the session in the audit log", func() bool { return len(w.find(t, "session.end")) == 1 })
	if e := w.find(t, "session.end")[0]; e.ExitStatus == nil || *e.ExitStatus != 9 {
		t.Errorf("the program did not get the hangup: %+v", e)
	}
}

func TestClosingTheClusterEndsProgramsThatWillNot(t *testing.T) {
	w, client := onNode(t)
	session := newSession(t, client)
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("trap '' HUP TERM; echo ready; while :; do sleep 0.05; done"); err != nil {
		t.Fatal(err)
	}
	until(t, bufio.NewReader(out), "ready")
	_, in, screen := shell(t, client)
	_, _ = io.WriteString(in, "trap '' HUP TERM; echo deaf$((1+1))\n")
	until(t, screen, "deaf2")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ends := w.find(t, "session.end")
	if len(ends) != 2 || *ends[0].ExitStatus != 128+9 || *ends[1].ExitStatus != 128+9 {
		t.Errorf("session ends: %+v", ends)
	}
}

func TestTheNodeAnswersGlobalRequests(t *testing.T) {
	_, client := onNode(t)
	tests := map[string]struct {
		ok      bool
		payload string
	}{
		"keepalive@openssh.com":           {true, ""},
		"x-teleport-version":              {true, "15.0.0"},
		"cluster-details@goteleport.com":  {true, "\x00\x00"},
		"session-id-query@goteleport.com": {true, ""},
		"tcpip-forward":                   {false, ""},
		"something-else@example.com":      {false, ""},
	}
	for name, test := range tests {
		ok, payload, err := client.SendRequest(name, true, nil)
		if err != nil || ok != test.ok || string(payload) != test.payload {
			t.Errorf("%s: %v %q %v", name, ok, payload, err)
		}
	}
}

func TestTheNodeRefusesWhatItDoesNotHave(t *testing.T) {
	_, client := onNode(t)
	if _, _, err := client.OpenChannel("direct-tcpip", nil); err == nil {
		t.Error("the node forwards ports")
	}
	session := newSession(t, client)
	for _, name := range []string{"x11-req", "signal", "unknown@example.com"} {
		if ok, err := session.SendRequest(name, true, nil); ok || err != nil {
			t.Errorf("%s: %v %v", name, ok, err)
		}
	}
	if err := session.RequestSubsystem("sftp"); err == nil {
		t.Error("the node has sftp")
	}
	if out, err := session.Output("echo still there"); err != nil || string(out) != "still there\n" {
		t.Errorf("after refused requests: %q, %v", out, err)
	}
}

func TestTheSessionIsTold(t *testing.T) {
	_, client := onNode(t)
	channel, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, channel) }()
	if ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{"true"})); !ok || err != nil {
		t.Fatalf("exec: %v %v", ok, err)
	}
	request := testkit.Receive(t, "request of the node", requests)
	if request.Type != "current-session-id@goteleport.com" || !uuidLike.Match(request.Payload) || request.WantReply {
		t.Errorf("the node said %s %q", request.Type, request.Payload)
	}
	if request = testkit.Receive(t, "exit status", requests); request.Type != "exit-status" {
		t.Errorf("the node said %s", request.Type)
	}
	_ = channel.Close()
}

func TestTheNodeRunsNothingAsSomebodyElse(t *testing.T) {
	w := start(t)
	w.edit(t, "off.yaml", `logins: ["{{internal.logins}}"]`, `logins: ["{{internal.logins}}", "somebody"]`)
	client, err := w.nodeSSH(t, w.login(t, "off", softKey(t)), "somebody")
	if err != nil {
		t.Fatal(err)
	}
	session := newSession(t, client)
	var problems bytes.Buffer
	session.Stderr = &problems
	if got := statusOf(t, session.Run("id")); got != 255 {
		t.Errorf("status %d, want 255", got)
	}
	if !strings.Contains(problems.String(), "as "+me(t)+" only, not as somebody") {
		t.Errorf("the node said %q", &problems)
	}
}
