package ui

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/session"
)

func TestCommandsAreTakenApartAsAShellDoes(t *testing.T) {
	for command, want := range map[string]struct{ env, argv []string }{
		`psql 'postgres://reader@127.0.0.1:54021/orders?sslmode=disable'`: {nil, []string{"psql", "postgres://reader@127.0.0.1:54021/orders?sslmode=disable"}},
		`mysql --user 'o'\''hara' --database ''`:                          {nil, []string{"mysql", "--user", "o'hara", "--database", ""}},
		`KUBECONFIG='/home/a b/kube config' kubectl`:                      {[]string{"KUBECONFIG=/home/a b/kube config"}, []string{"kubectl"}},
		`psql 'postgres://$(id);rm -rf ~@h/x'`:                            {nil, []string{"psql", "postgres://$(id);rm -rf ~@h/x"}},
		`a  b\ c name=value A=b`:                                          {nil, []string{"a", "b c", "name=value", "A=b"}},
		``:                                                                {nil, nil},
	} {
		env, argv := commandWords(command)
		if diff := cmp.Diff(want.env, env); diff != "" {
			t.Errorf("the environment of %s (-want +got):\n%s", command, diff)
		}
		if diff := cmp.Diff(want.argv, argv); diff != "" {
			t.Errorf("the words of %s (-want +got):\n%s", command, diff)
		}
	}
}

// runs makes the app run the next program as the given one, and any after it as none, and tells what was to be run.
func (h *harness) runs(s Terminal, err error) <-chan Program {
	started := make(chan Program, 4)
	h.w.deps.RunProgram = func(_ context.Context, p Program, size session.Terminal) (Terminal, error) {
		if size.Type == "" || size.Cols == 0 {
			h.t.Errorf("the terminal is %+v", size)
		}
		defer func() { s, err = nil, errRefused }()
		started <- p
		return s, err
	}
	return started
}

func TestTheToolOfAProxyRunsInATab(t *testing.T) {
	h := openMixed(t)
	s := newPipeShell()
	started := h.runs(s, nil)
	h.w.runProxyTool(1)
	want := Program{Argv: []string{"psql", "host=127.0.0.1 port=54021 user=reader dbname=orders sslmode=disable"}}
	if diff := cmp.Diff(want, wait(h, "psql starts", started)); diff != "" {
		t.Errorf("what was run (-want +got):\n%s", diff)
	}
	tab := h.w.main.terminals[0]
	h.until("it is open", func() bool { return tab.state == tabOpen })
	if h.w.main.active != 1 || h.w.win.Canvas().Focused() != tab.screen {
		t.Error("the tab is not in front with the keyboard")
	}
	s.exit(2)
	h.until("the end is told", h.shows("psql ended with status 2."))
	h.tap("button", "Run again")
	wait(h, "psql starts again", started)
	h.until("its end is told", h.shows("Something went wrong."))
	h.tap("button", "Close psql orders")
	if len(h.w.main.terminals) != 0 {
		t.Error("the tab is still there")
	}
}

func TestClosingATabEndsItsProgram(t *testing.T) {
	h := openMixed(t)
	s := newPipeShell()
	h.runs(s, nil)
	h.w.openLocal("a shell", nil, []string{"KUBECONFIG=/tmp/config"})
	tab := h.w.main.terminals[0]
	h.until("it is open", func() bool { return tab.state == tabOpen })
	if n := h.w.main.openSessions(); n != 2 { // and the database, which has clients
		t.Errorf("quitting would end %d sessions, want 2", n)
	}
	h.w.showConnections()
	if !h.shows("on this computer")() {
		t.Errorf("what is open does not tell where; on the screen: %q", h.texts())
	}
	h.w.main.closeTab(tab)
	h.until("it has ended", func() bool { return tab.state == tabEnded && tab.shell() == nil })
}

func TestAProgramThatIsMissingIsToldInItsTab(t *testing.T) {
	h := openMixed(t)
	started := h.runs(nil, fault.New("The program psql was not found on this computer.", "Install it."))
	h.w.runProxyTool(1)
	wait(h, "psql is tried", started)
	h.until("the problem is told", h.shows("The program psql was not found on this computer."))
	h.shoot("terminal-missing", h.w.win)
	h.w.deps.RunProgram = nil
	h.tap("button", "Try again")
	h.until("the reason is told", h.shows("cannot run programs in a tab"))
	if text := strings.Join(h.texts(), " "); !strings.Contains(text, "Copy the command") {
		t.Errorf("nothing says what to do; on the screen: %q", text)
	}
}
