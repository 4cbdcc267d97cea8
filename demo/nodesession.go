package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Limits of a terminal and what replaces a size outside of them (SSH sheet, 4.2).
const (
	maxCells    = 4096
	defaultCols = 80
	defaultRows = 25
)

// hangupPatience is how long programs may take to end after their terminal is gone.
const hangupPatience = 2 * time.Second

// nodeSession is one session channel. Its fields belong to the goroutine that reads the channel's requests.
type nodeSession struct {
	node    *node
	conn    *sshConn
	channel ssh.Channel
	id      string
	env     []string
	term    *terminal
	process *process      // nil until something was started
	ended   chan struct{} // closed when the process is gone and its end was told
}

// terminal is what a pty-req asked for.
type terminal struct {
	name       string
	cols, rows uint32
}

// session serves a channel until the client closes it or what runs in it ends.
func (n *node) session(conn *sshConn, offer ssh.NewChannel) {
	channel, requests, err := offer.Accept()
	if err != nil {
		return
	}
	s := &nodeSession{node: n, conn: conn, channel: channel, id: newUUID(), ended: make(chan struct{})}
	for request := range requests {
		ok := s.handle(request)
		if request.WantReply {
			_ = request.Reply(ok, nil)
		}
		if ok && s.process == nil && (request.Type == "shell" || request.Type == "exec") {
			s.start(request)
		}
	}
	_ = channel.Close()
	s.hangup()
}

// handle answers one request (SSH sheet, 4.2). Programs are started after the answer, so that it comes before their
// output.
func (s *nodeSession) handle(request *ssh.Request) bool {
	switch request.Type {
	case "pty-req":
		return s.process == nil && s.ptyRequest(request.Payload)
	case "env":
		var v struct{ Name, Value string }
		return ssh.Unmarshal(request.Payload, &v) == nil && s.setEnv(v.Name, v.Value)
	case "envs@goteleport.com":
		return s.setEnvs(request.Payload)
	case "window-change":
		return s.windowChange(request.Payload)
	case "shell":
		return s.process == nil
	case "exec":
		var v struct{ Command string }
		return s.process == nil && ssh.Unmarshal(request.Payload, &v) == nil
	case "auth-agent-req@openssh.com":
		return true // no role here allows it, and that is never told (SSH sheet, 4.2)
	default:
		return false
	}
}

func (s *nodeSession) ptyRequest(payload []byte) bool {
	var v struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	if ssh.Unmarshal(payload, &v) != nil {
		return false
	}
	s.term = &terminal{name: v.Term}
	if s.term.name == "" {
		s.term.name = "xterm"
	}
	s.term.setSize(v.Cols, v.Rows)
	return true
}

func (t *terminal) setSize(cols, rows uint32) {
	if cols < 1 || cols > maxCells || rows < 1 || rows > maxCells {
		cols, rows = defaultCols, defaultRows
	}
	t.cols, t.rows = cols, rows
}

func (s *nodeSession) windowChange(payload []byte) bool {
	var v struct{ Cols, Rows, Width, Height uint32 }
	if ssh.Unmarshal(payload, &v) != nil || s.term == nil {
		return false
	}
	s.term.setSize(v.Cols, v.Rows)
	if s.process != nil {
		return s.process.resize(s.term) == nil
	}
	return true
}

// envName is what a variable may be called.
var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// setEnv takes a variable for the program. Those of the protocol itself are accepted and not passed on.
func (s *nodeSession) setEnv(name, value string) bool {
	if !envName.MatchString(name) || strings.ContainsRune(value, 0) {
		return false
	}
	if !strings.HasPrefix(name, "TELEPORT_") {
		s.env = append(s.env, name+"="+value)
	}
	return true
}

func (s *nodeSession) setEnvs(payload []byte) bool {
	var v struct{ JSON string }
	variables := map[string]string{}
	if ssh.Unmarshal(payload, &v) != nil || json.Unmarshal([]byte(v.JSON), &variables) != nil {
		return false
	}
	for name, value := range variables {
		if !s.setEnv(name, value) {
			return false
		}
	}
	return true
}

// start runs the shell or the command. An empty command is a shell.
func (s *nodeSession) start(request *ssh.Request) {
	var v struct{ Command string }
	if request.Type == "exec" {
		_ = ssh.Unmarshal(request.Payload, &v) // handle has read it already
	}
	_, _ = s.channel.SendRequest("current-session-id@goteleport.com", false, []byte(s.id))
	process, err := s.launch(v.Command)
	if err != nil {
		s.node.log.Warn("starting a program", "err", err)
		_, _ = fmt.Fprintf(s.channel.Stderr(), "Failed to launch: %v.\r\n", err)
		exit(s.channel, 255)
		_ = s.channel.Close()
		return
	}
	s.process = process
	s.node.guard.audit.record(s.event(EventSessionStart, v.Command))
	s.conn.open.Go(func() { s.wait(v.Command) })
}

// launch starts the program. The node says no to any login but the owner's: it could not become somebody else, and
// will not pretend.
func (s *nodeSession) launch(command string) (*process, error) {
	owner := s.node.owner
	if login := s.conn.User(); login != owner.name {
		return nil, fmt.Errorf("this demo node runs programs as %s only, not as %s", owner.name, login)
	}
	if s.term != nil && command == "" {
		_, _ = fmt.Fprintf(s.channel, "This is the demo node of Touchstone. The shell runs as %s on this machine.\r\n", owner.name)
	}
	return startProcess(processSpec{
		shell:   owner.shell,
		command: command,
		dir:     owner.home,
		env:     s.environment(),
		term:    s.term,
	}, s.channel)
}

// environment is the account's, then what the client sent, then what the node itself knows (SSH sheet, 4.3).
func (s *nodeSession) environment() []string {
	owner := s.node.owner
	env := append(append([]string{}, owner.env...), s.env...)
	env = append(env, "HOME="+owner.home, "USER="+owner.name, "LOGNAME="+owner.name, "SHELL="+owner.shell,
		"SSH_TELEPORT_USER="+s.conn.access.identity.user,
		"SSH_TELEPORT_CLUSTER_NAME="+s.node.host.cluster,
		"SSH_TELEPORT_HOST_UUID="+s.node.host.id,
		"SSH_SESSION_ID="+s.id,
		"SSH_SESSION_WEBPROXY_ADDR="+s.node.proxy)
	if host, port, err := net.SplitHostPort(s.conn.RemoteAddr().String()); err == nil {
		env = append(env, fmt.Sprintf("SSH_CLIENT=%s %s 0", host, port),
			fmt.Sprintf("SSH_CONNECTION=%s %s %s 0", host, port, host))
	}
	if s.term != nil {
		env = append(env, "TERM="+s.term.name)
	}
	return env
}

// wait passes the program's end on once its last output was: it is written down before the client hears of it.
func (s *nodeSession) wait(command string) {
	defer close(s.ended)
	status := s.process.wait()
	if command != "" {
		e := s.event(EventExec, command)
		e.Success, e.ExitStatus = status == 0, &status
		s.node.guard.audit.record(e)
	}
	e := s.event(EventSessionEnd, command)
	e.ExitStatus = &status
	s.node.guard.audit.record(e)
	exit(s.channel, status)
	_ = s.channel.CloseWrite()
	_ = s.channel.Close()
}

func (s *nodeSession) event(name, command string) Event {
	return Event{Name: name, Success: true, Service: "node", User: s.conn.access.identity.user,
		Policy: string(s.conn.access.identity.policy), Login: s.conn.User(), Node: s.node.host.name,
		Session: s.id, Command: command, MFADeviceID: s.conn.access.identity.mfaDevice}
}

// hangup ends what still runs when the client is gone: politely at first, at once when the cluster ends.
func (s *nodeSession) hangup() {
	if s.process == nil {
		return
	}
	patience := time.NewTimer(hangupPatience)
	defer patience.Stop()
	s.process.hangup()
	select {
	case <-s.ended:
	case <-patience.C:
		s.process.kill()
	case <-s.node.ctx.Done():
		s.process.kill()
	}
	<-s.ended
	s.process.settle()
}

// stdio is the channel as a program sees it.
type stdio interface {
	io.ReadWriter
	Stderr() io.ReadWriter
}
