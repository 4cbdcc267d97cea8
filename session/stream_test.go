package session

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// dial opens a stream to a server.
func dial(t *testing.T, m *Manager, r StreamRequest) *Stream {
	t.Helper()
	stream, err := m.DialServer(t.Context(), r)
	if err != nil {
		t.Fatalf("dialling: %v", err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return stream
}

// agentOf returns the agent that goes with a stream, as an SSH client has it.
func agentOf(t *testing.T, stream *Stream) agent.ExtendedAgent {
	t.Helper()
	ours, theirs := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- stream.ServeAgent(t.Context(), ours) }()
	t.Cleanup(func() {
		_ = theirs.Close()
		if err := testkit.Receive(t, "end of the agent", served); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("serving the agent: %v", err)
		}
	})
	return agent.NewClient(theirs)
}

// hosts returns a check of server certificates by the lines that are written for OpenSSH.
func hosts(t *testing.T, m *Manager, id string) ssh.HostKeyCallback {
	t.Helper()
	lines, err := m.KnownHosts(id)
	if err != nil {
		t.Fatalf("writing known hosts: %v", err)
	}
	path := t.TempDir() + "/known_hosts"
	if err := replaceFile(path, lines); err != nil {
		t.Fatal(err)
	}
	check, err := knownhosts.New(path)
	if err != nil {
		t.Fatalf("reading known hosts: %v", err)
	}
	return check
}

func TestAnotherSSHClientSignsInWithTheStreamTheAgentAndTheKnownHosts(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("touch")
	login := show(t, w.Manager, id).Logins[0]
	stream := dial(t, w.Manager, StreamRequest{Cluster: id, Host: "demo-node.demo", Login: login})
	config := &ssh.ClientConfig{
		User:            login,
		Auth:            []ssh.AuthMethod{ssh.PublicKeysCallback(agentOf(t, stream).Signers)},
		HostKeyCallback: hosts(t, w.Manager, id),
	}
	inner, channels, requests, err := ssh.NewClientConn(stream, "demo-node.demo:22", config)
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	client := ssh.NewClient(inner, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatalf("opening a session: %v", err)
	}
	if out, err := session.Output("echo hello"); err != nil || string(out) != "hello\n" {
		t.Errorf("the command printed %q, %v", out, err)
	}
	signed := w.card.signatures()
	if last := signed[len(signed)-1]; last.What != "SSH login as "+login {
		t.Errorf("the key was last used for %q", last.What)
	}
}

func TestAStreamIsRefused(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	login := show(t, w.Manager, id).Logins[0]
	for _, test := range []struct {
		name    string
		request StreamRequest
		want    string
	}{
		{"for a login that the certificates lack", StreamRequest{Cluster: id, Host: "demo-node", Login: "nobody-at-all"}, "do not allow the login"},
		{"to a server that is not there", StreamRequest{Cluster: id, Host: "elsewhere.demo", Login: login}, `no server "elsewhere" on demo`},
		{"to an ID that is not there", StreamRequest{Cluster: id, Host: "00000000-0000-4000-8000-000000000000", Login: login}, "could not reach"},
		{"on a cluster that is not there", StreamRequest{Cluster: "nowhere", Host: "demo-node"}, `no cluster "nowhere"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.DialServer(t.Context(), test.request)
			wantFault(t, err, test.want)
		})
	}
	if err := w.SignOut(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	_, err := w.KnownHosts(id)
	wantFault(t, err, "You are not signed in to demo")
}

func TestAStreamEndsWithTheManager(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	conn, err := w.DialServer(t.Context(), StreamRequest{Cluster: id, Host: "demo-node"})
	if err != nil {
		t.Fatalf("dialling: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatalf("closing: %v", err)
	}
	if _, err := io.Copy(io.Discard, conn); err == nil {
		t.Error("the stream ended as if the server had ended it")
	}
	_ = conn.Close()
}

// loginRequest is what a client has signed for a login (RFC 4252, section 7).
type loginRequest struct {
	Session   string
	Request   byte
	User      string
	Service   string
	Method    string
	Signs     bool
	Algorithm string
	PublicKey []byte
}

func TestTheAgentSignsNothingButLogins(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	login := show(t, w.Manager, id).Logins[0]
	client := agentOf(t, dial(t, w.Manager, StreamRequest{Cluster: id, Host: "demo-node"}))
	keys, err := client.List()
	if err != nil || len(keys) != 1 || !strings.Contains(keys[0].Type(), "cert") {
		t.Fatalf("the agent has %v, %v, want one certificate", keys, err)
	}
	good := loginRequest{"session", 50, login, "ssh-connection", "publickey", true, keys[0].Type(), keys[0].Blob}
	if _, err := client.Sign(keys[0], ssh.Marshal(good)); err != nil {
		t.Errorf("a login was refused: %v", err)
	}
	if _, err := client.Sign(keys[0], append(ssh.Marshal(good), "more"...)); err == nil {
		t.Error("a login with more after it was signed")
	}
	for name, spoil := range map[string]func(*loginRequest){
		"another request": func(r *loginRequest) { r.Request = 80 },
		"another user":    func(r *loginRequest) { r.User = "nobody-at-all" },
		"another service": func(r *loginRequest) { r.Service = "sftp" },
		"another method":  func(r *loginRequest) { r.Method = "hostbased" },
		"another key":     func(r *loginRequest) { r.PublicKey = []byte("other") },
		"no signature":    func(r *loginRequest) { r.Signs = false },
	} {
		bad := good
		spoil(&bad)
		if _, err := client.Sign(keys[0], ssh.Marshal(bad)); err == nil {
			t.Errorf("%s was signed", name)
		}
	}
	if _, err := client.Sign(keys[0], []byte("anything else")); err == nil {
		t.Error("anything else was signed")
	}
}

func TestTheAgentIsNotForOtherComputers(t *testing.T) {
	w := newWorld(t)
	id := w.signIn("off")
	client := agentOf(t, dial(t, w.Manager, StreamRequest{Cluster: id, Host: "demo-node"}))
	bind := func(forwarding bool) []byte {
		return ssh.Marshal(struct {
			HostKey, Session, Signature string
			Forwarding                  bool
		}{"key", "session", "signature", forwarding})
	}
	listed := func(forwarding bool) bool {
		t.Helper()
		if _, err := client.Extension("session-bind@openssh.com", bind(forwarding)); err != nil {
			t.Fatalf("binding to a session: %v", err)
		}
		_, err := client.List()
		return err == nil
	}
	if !listed(false) {
		t.Error("the agent refused a client on this computer")
	}
	if listed(true) {
		t.Error("the agent showed its certificate to another computer")
	}
	if listed(false) {
		t.Error("the agent forgot that it was forwarded")
	}
	if _, err := client.Extension("session-bind@openssh.com", []byte("nonsense")); err == nil {
		t.Error("nonsense was understood")
	}
	if _, err := client.Extension("other@openssh.com", nil); !errors.Is(err, agent.ErrExtensionUnsupported) {
		t.Errorf("an unknown extension: %v", err)
	}
}

func TestTheAgentsKeysCannotBeChanged(t *testing.T) {
	w := newWorld(t)
	client := agentOf(t, dial(t, w.Manager, StreamRequest{Cluster: w.signIn("off"), Host: "demo-node"}))
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains([]error{client.Add(agent.AddedKey{PrivateKey: &key}), client.RemoveAll(), client.Lock([]byte("x")), client.Unlock([]byte("x"))}, nil) {
		t.Error("the agent was changed")
	}
	if keys, err := client.List(); err != nil || len(keys) != 1 {
		t.Errorf("the agent has %v, %v", keys, err)
	}
}

func FuzzTheAgentReadsAnythingWithoutHarm(f *testing.F) {
	good := loginRequest{"session", 50, "alice", "ssh-connection", "publickey", true, "type", []byte("key")}
	f.Add(ssh.Marshal(good))
	good.Method = "publickey-hostbound-v00@openssh.com"
	f.Add(append(ssh.Marshal(good), "\x00\x00\x00\x01k"...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		login, ok := loginOf(data, []byte("key"))
		if ok && !strings.Contains(string(data), "ssh-connection") {
			t.Errorf("a login of %q was read from %q", login, data)
		}
	})
}
