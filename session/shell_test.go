package session

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// node returns the demo's only server.
func (w *world) node(id string) Server {
	w.t.Helper()
	servers, err := w.Servers(w.t.Context(), id)
	if err != nil || len(servers) == 0 {
		w.t.Fatalf("listing servers: %v, %v", servers, err)
	}
	return servers[0]
}

// shell opens a session and closes it with the test.
func shell(t testing.TB, m *Manager, r ShellRequest) *Shell {
	t.Helper()
	s, err := m.OpenShell(t.Context(), r)
	if err != nil {
		t.Fatalf("opening a shell: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestACommandRunsAndReturnsItsExitStatus(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).Hostname, Command: "cat; echo warned >&2; exit 7"})
	if _, err := io.WriteString(s.Stdin(), "typed"); err != nil {
		t.Fatalf("writing: %v", err)
	}
	if err := s.Stdin().Close(); err != nil {
		t.Fatalf("ending the input: %v", err)
	}
	out, err := io.ReadAll(s.Stdout())
	if err != nil || string(out) != "typed" {
		t.Errorf("standard output is %q, %v, want what was typed", out, err)
	}
	if words, err := io.ReadAll(s.Stderr()); err != nil || !strings.HasSuffix(string(words), "warned\n") {
		t.Errorf("standard error is %q, %v, want the warning", words, err)
	}
	for range 2 {
		if status, err := s.Wait(); status != 7 || err != nil {
			t.Errorf("Wait() = %d, %v, want 7", status, err)
		}
	}
	shells := w.Snapshot().Shells
	if len(shells) != 1 || !shells[0].Ended || shells[0].Status != 7 || shells[0].Problem != nil {
		t.Errorf("the snapshot shows %+v", shells)
	}
	_ = s.Close()
	if shells := w.Snapshot().Shells; len(shells) != 0 {
		t.Errorf("after closing the snapshot shows %+v", shells)
	}
}

func TestAnInteractiveShellHasATerminalThatCanBeResized(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).ID, Terminal: &Terminal{Type: "xterm-256color", Cols: 101, Rows: 33}})
	go func() { _, _ = io.Copy(io.Discard, s.Stderr()) }()
	lines := bufio.NewScanner(s.Stdout())
	type_ := func(command string) {
		t.Helper()
		if _, err := fmt.Fprintf(s.Stdin(), "%s\r", command); err != nil {
			t.Fatalf("typing: %v", err)
		}
	}
	expect := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.HasSuffix(strings.TrimSpace(lines.Text()), want) { // the prompt may come before it
				return
			}
		}
		t.Fatalf("the shell ended without printing %q", want)
	}
	type_(`echo size=$(stty size) "term=$TERM"`) // what is echoed looks different
	expect("size=33 101 term=xterm-256color")
	if err := s.Resize(132, 50); err != nil {
		t.Fatalf("resizing: %v", err)
	}
	type_(`while [ "$(stty size)" != "50 132" ]; do :; done; echo re""sized`)
	expect("resized")
	type_("exit 3")
	_, _ = io.Copy(io.Discard, s.Stdout())
	if status, err := s.Wait(); status != 3 || err != nil {
		t.Errorf("Wait() = %d, %v, want 3", status, err)
	}
}

func TestShellsShareTheWayToTheProxy(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("touch")
	node := w.node(id)
	for range 2 {
		s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: node.ID, Command: "exit 0"})
		if status, err := s.Wait(); status != 0 || err != nil {
			t.Fatalf("Wait() = %d, %v", status, err)
		}
	}
	var what []string
	for _, p := range w.card.signatures() {
		what = append(what, p.What)
	}
	login := show(t, w.Manager, id).Logins[0]
	ssh := fmt.Sprintf("SSH to %s@%s", login, node.Hostname)
	// For the touch and the list; for the touch, the proxy and the node; for the touch and the node.
	want := []string{"List servers", "List servers", ssh, ssh, ssh, ssh, ssh}
	if fmt.Sprint(what) != fmt.Sprint(want) {
		t.Errorf("the key signed for %q, want %q", what, want)
	}
}

func TestAShellIsRefused(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	node := w.node(id)
	tests := []struct {
		name    string
		request ShellRequest
		want    []string
	}{
		{"for a login that the certificates lack", ShellRequest{Cluster: id, Host: node.ID, Login: "nobody-at-all"}, []string{`do not allow the login "nobody-at-all"`, "Use one of these"}},
		{"on a server that is not there", ShellRequest{Cluster: id, Host: "elsewhere"}, []string{`no server "elsewhere" on demo`}},
		{"on an ID that is not there", ShellRequest{Cluster: id, Host: "00000000-0000-4000-8000-000000000000"}, []string{"could not reach 00000000"}},
		{"on a cluster that is not there", ShellRequest{Cluster: "nowhere", Host: node.ID}, []string{`no cluster "nowhere"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.OpenShell(t.Context(), test.request)
			wantFault(t, err, test.want...)
		})
	}
	if shells := w.Snapshot().Shells; len(shells) != 0 {
		t.Errorf("the snapshot shows %+v", shells)
	}
}

func TestALostConnectionIsNotAnExitStatus(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).ID, Command: "echo ready; cat"})
	if line, err := bufio.NewReader(s.Stdout()).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the command said %q, %v", line, err)
	}
	if err := w.cluster.Close(); err != nil {
		t.Fatalf("ending the cluster: %v", err)
	}
	_, err := s.Wait()
	wantFault(t, err, "The connection to ", "was lost")
	if shells := w.Snapshot().Shells; len(shells) != 1 || shells[0].Problem == nil {
		t.Errorf("the snapshot shows %+v", shells)
	}
}

func TestClosingTheManagerEndsShells(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	s := shell(t, w.Manager, ShellRequest{Cluster: id, Host: w.node(id).ID, Command: "cat"})
	ended := make(chan error, 1)
	go func() {
		_, err := s.Wait()
		ended <- err
	}()
	if err := w.Close(); err != nil {
		t.Fatalf("closing: %v", err)
	}
	if err := testkit.Receive(t, "end of the shell", ended); err == nil {
		t.Error("the shell ended as if the command had")
	}
	if _, err := w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: "x"}); err == nil {
		t.Error("a closed manager opened a shell")
	}
}
