package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/internal/wire"
	"github.com/touchstone-app/touchstone/keystore"
	"github.com/touchstone-app/touchstone/keystore/fido"
	"github.com/touchstone-app/touchstone/session/teleport"
)

// versions are the clusters that issue certificates of single use in different ways.
var versions = []int{12, 15}

// onVersions runs a test against each of them, with a user who is signed in.
func onVersions(t *testing.T, user string, test func(t *testing.T, w *keyWorld, id string)) {
	for _, version := range versions {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			w := newKeyWorld(t, demo.Config{VersionProfile: version})
			id := w.signIn(user)
			w.key.forget()
			test(t, w, id)
		})
	}
}

// forget begins to count again.
func (k *softKey) forget(answers ...error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen, k.answers = nil, answers
}

// echo runs a command on a server.
func (w *keyWorld) echo(id, host string) {
	w.t.Helper()
	if out, _ := run(w.t, w.Manager, ShellRequest{Cluster: id, Host: host, Command: "echo in"}); out != "in\n" {
		w.t.Errorf("the command on %s printed %q", host, out)
	}
}

// started counts sessions that began on servers.
func (w *keyWorld) started() int { return len(w.events(demo.EventSessionStart)) }

func TestProductionWantsATapAndDevelopmentNothing(t *testing.T) {
	onVersions(t, "guide", func(t *testing.T, w *keyWorld, id string) {
		stored := filepath.Join(w.home, "clusters", id, "login.json")
		before, err := os.ReadFile(stored)
		if err != nil {
			t.Fatal(err)
		}
		w.echo(id, "demo-node")
		w.wantTaps()
		w.echo(id, "prod")
		w.echo(id, "prod") // for every session
		tap := fmt.Sprintf("MFA for SSH to %s@prod", show(t, w.Manager, id).Logins[0])
		w.wantTaps(tap, tap)
		if after, err := os.ReadFile(stored); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the stored certificates changed, %v", err)
		}
	})
}

func TestARefusedTapOpensNothingAndSaysSo(t *testing.T) {
	onVersions(t, "guide", func(t *testing.T, w *keyWorld, id string) {
		for _, test := range []struct {
			tap  error
			want []string
		}{
			{context.Canceled, []string{"The check for \"SSH to ", "was refused, so nothing was opened.", "Try again, and tap"}},
			{fault.Wrap(fido.ErrNotTapped, "The security key was not tapped in time.", "Tap it."), []string{"The security key was not tapped in time. Nothing was opened. Tap it."}},
			{noSecurityKey(), []string{"No security key is plugged in. Nothing was opened."}},
		} {
			w.key.forget(test.tap)
			_, err := w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: "prod", Command: "echo in"})
			wantFault(t, err, test.want...)
			if errors.Is(err, context.Canceled) {
				t.Errorf("%v passes for something that nobody need be told", err)
			}
		}
		if got := w.started(); got != 0 {
			t.Errorf("%d sessions began", got)
		}
		if shells := w.Snapshot().Shells; len(shells) != 0 {
			t.Errorf("the snapshot has the shells %+v", shells)
		}
	})
}

func TestTheAgentShowsTheCertificateOfTheCheck(t *testing.T) {
	onVersions(t, "guide", func(t *testing.T, w *keyWorld, id string) {
		login := show(t, w.Manager, id).Logins[0]
		stream := dial(t, w.Manager, StreamRequest{Cluster: id, Host: "prod.demo", Login: login})
		config := &ssh.ClientConfig{
			User:            login,
			Auth:            []ssh.AuthMethod{ssh.PublicKeysCallback(agentOf(t, stream).Signers)},
			HostKeyCallback: hosts(t, w.Manager, id),
		}
		conn, channels, requests, err := ssh.NewClientConn(stream, "prod.demo:22", config)
		if err != nil {
			t.Fatalf("signing in: %v", err)
		}
		client := ssh.NewClient(conn, channels, requests)
		defer client.Close()
		session, err := client.NewSession()
		if err != nil {
			t.Fatalf("opening a session: %v", err)
		}
		if out, err := session.Output("echo in"); err != nil || string(out) != "in\n" {
			t.Errorf("the command printed %q, %v", out, err)
		}
		w.wantTaps(fmt.Sprintf("MFA for SSH to %s@prod", login))
	})
}

func TestAnAgentThatIsAskedForAnotherServerHasThePersonChecked(t *testing.T) {
	w := newKeyWorld(t, demo.Config{})
	id := w.signIn("guide")
	w.key.forget()
	login := show(t, w.Manager, id).Logins[0]
	w.node(id) // so that servers are known by name
	client := agentOf(t, dial(t, w.Manager, StreamRequest{Cluster: id, Host: "demo-node", Login: login}))
	prod := dial(t, w.Manager, StreamRequest{Cluster: id, Host: "prod", Login: login})
	w.key.forget()
	shown := func(host ssh.PublicKey) []byte {
		t.Helper()
		bind := ssh.Marshal(struct {
			HostKey, Session, Signature string
			Forwarding                  bool
		}{string(host.Marshal()), "session", "signature", false})
		if _, err := client.Extension("session-bind@openssh.com", bind); err != nil {
			t.Fatalf("binding to a session: %v", err)
		}
		keys, err := client.List()
		if err != nil || len(keys) != 1 {
			t.Fatalf("the agent has %v, %v", keys, err)
		}
		return keys[0].Blob
	}
	own, other := shown(hostKey(t, dial(t, w.Manager, StreamRequest{Cluster: id, Host: "demo-node"}))), shown(hostKey(t, prod))
	if string(own) != string(w.clusters[id].keyring.ssh.Marshal()) || string(other) == string(own) {
		t.Error("the agent did not show a certificate of the check for the other server alone")
	}
	if taps := w.key.requests(); len(taps) != 1 || taps[0].Purpose.What != "MFA for SSH to "+login+"@prod" {
		t.Errorf("taps were asked for with %+v", taps)
	}
}

// hostKey is what the server at the end of a stream shows.
func hostKey(t *testing.T, stream *Stream) (key ssh.PublicKey) {
	t.Helper()
	enough := errors.New("seen")
	_, _, _, err := ssh.NewClientConn(stream, "server", &ssh.ClientConfig{HostKeyCallback: ssh.HostKeyCallback(
		func(_ string, _ net.Addr, k ssh.PublicKey) error { key = k; return enough })})
	if key == nil {
		t.Fatalf("the server showed no key: %v", err)
	}
	return key
}

func TestOneTapOpensADatabaseForAll(t *testing.T) {
	onVersions(t, "mfa", func(t *testing.T, w *keyWorld, id string) {
		p := w.database(id, "reader")
		w.wantTaps()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if out, err := psql(p, "select 40+2"); out != "42" || err != nil {
					t.Errorf("psql says %q, %v", out, err)
				}
			})
		}
		all.Wait()
		w.wantTaps("MFA to connect to database orders as reader")
	})
}

func TestADatabaseWithoutItsTapSaysWhy(t *testing.T) {
	onVersions(t, "mfa", func(t *testing.T, w *keyWorld, id string) {
		w.key.forget(context.Canceled)
		p := w.database(id, "reader")
		if out, err := psql(p, "select 1"); err == nil || !strings.Contains(out, `The check for "Connect to database orders as reader" was refused, so nothing was opened.`) {
			t.Errorf("psql says %q, %v", out, err)
		}
		eventually(t, "problem", func() bool { return w.proxy(p.ID).Problem != nil })
		if out, err := psql(p, "select 1"); out != "1" || err != nil {
			t.Errorf("the next one: %q, %v", out, err)
		}
	})
}

func TestAnApplicationInProductionWantsATap(t *testing.T) {
	w := newKeyWorld(t, demo.Config{})
	id := w.signIn("guide")
	w.key.forget(context.Canceled)
	open, err := w.OpenApp(t.Context(), AppRef{Cluster: id, Name: "whoami-prod"})
	if err != nil {
		t.Fatalf("opening the application: %v", err)
	}
	page := func() (int, string) {
		t.Helper()
		response, err := http.Get(w.proxy(open).URL)
		if err != nil {
			t.Fatalf("asking for the page: %v", err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatalf("reading the page: %v", err)
		}
		return response.StatusCode, string(text)
	}
	if status, text := page(); status != http.StatusBadGateway || !strings.Contains(text, "was refused, so nothing was opened.") {
		t.Errorf("without a tap: %d, %s", status, text)
	}
	if status, text := page(); status != http.StatusOK || !strings.Contains(text, "You are guide") {
		t.Errorf("with a tap: %d, %s", status, text)
	}
	tap := "MFA to connect to application whoami-prod"
	w.wantTaps(tap, tap)
}

func TestACodeOpensASessionWhereThatIsPreferred(t *testing.T) {
	onVersions(t, "mfa", func(t *testing.T, w *keyWorld, id string) {
		login := show(t, w.Manager, id).Logins[0]
		w.key.forget(keystore.ErrUseCode, keystore.ErrUseCode)
		r := &reader{codes: []string{"000000", w.code("mfa", 0)}}
		w.config.Prompter = r
		w.echo(id, "demo-node")
		r.wantReasons(t, fmt.Sprintf(`demo wants a check for "SSH to %s@demo-node".`, login), "demo did not accept that code.")
		for _, request := range w.key.requests() {
			if !request.Code {
				t.Error("a tap was asked for as if no code would do")
			}
		}
	})
}

func TestWrongCodesOpenNothing(t *testing.T) {
	onVersions(t, "mfa", func(t *testing.T, w *keyWorld, id string) {
		for _, test := range []struct {
			codes []string
			want  string
		}{
			{[]string{"000001", "000002", "000003"}, "demo did not accept the one-time code, so nothing was opened."},
			{[]string{"000004"}, "demo did not accept the one-time code, so nothing was opened."},
			{nil, "nobody was there to type it."},
		} {
			w.key.forget(noSecurityKey(), noSecurityKey(), noSecurityKey())
			w.config.Prompter = &reader{codes: test.codes}
			_, err := w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: "demo-node"})
			wantFault(t, err, test.want)
		}
	})
}

func TestAnotherKeysAnswerOpensNothing(t *testing.T) {
	onVersions(t, "guide", func(t *testing.T, w *keyWorld, id string) {
		w.card.onAssert = newSoftKey(t).assert
		_, err := w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: "prod"})
		wantFault(t, err, "demo did not accept the answer of the security key, so nothing was opened.")
	})
}

func TestWhoHasNoDeviceIsToldToAddOne(t *testing.T) {
	onVersions(t, "off", func(t *testing.T, w *keyWorld, id string) {
		w.demand("off", "false", "true")
		_, err := w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: "demo-node"})
		wantFault(t, err, "and you have no device for it", "Add a security key in the web interface, at https://"+w.ready.Proxy)
	})
}

func TestAKeyThatIsTouchedIsCheckEnough(t *testing.T) {
	onVersions(t, "touch-mfa", func(t *testing.T, w *keyWorld, id string) {
		w.echo(id, "demo-node")
		if out, err := psql(w.database(id, "reader"), "select 1"); out != "1" || err != nil {
			t.Errorf("psql says %q, %v", out, err)
		}
		w.wantTaps()
	})
}

func TestAPlainHardwareKeyIsNot(t *testing.T) {
	onVersions(t, "key", func(t *testing.T, w *keyWorld, id string) {
		if c := show(t, w.Manager, id); c.Policy != wire.PolicyHardware || c.Slot != "9a" {
			t.Errorf("the cluster shows %+v", c)
		}
		w.echo(id, "demo-node")
		w.wantTaps(fmt.Sprintf("MFA for SSH to %s@demo-node", show(t, w.Manager, id).Logins[0]))
	})
}

func TestTooManyChecksAreToldApart(t *testing.T) {
	w := newKeyWorld(t, demo.Config{})
	id := w.signIn("guide")
	var err error
	for range 30 { // more than the burst of challenges
		w.key.forget(context.Canceled)
		if _, err = w.OpenShell(t.Context(), ShellRequest{Cluster: id, Host: "prod"}); len(w.key.requests()) == 0 {
			break
		}
	}
	wantFault(t, err, "demo has had too many checks in the last minute, so nothing was opened.", "Wait a minute")
	w.echo(id, "demo-node") // what needs no check is not held up
}

func TestWhatAClusterSaysAboutAChecksAnswerIsToldInWords(t *testing.T) {
	c := &sessionCheck{link: &link{profile: profile{Proxy: "lab.example:443", Cluster: "lab"}}, what: "SSH to root@web-1"}
	for message, want := range map[string]string{
		"per-session MFA is not satisfied by OTP devices": "lab takes no one-time codes for sessions, so nothing was opened. Use a security key",
		"no MFA devices registered":                       `lab wants a check for "SSH to root@web-1", and you have no device for it that counts there. Add a security key`,
	} {
		err := c.explain(t.Context(), &teleport.AnswerError{Class: teleport.ClassDenied, Message: message})
		wantFault(t, err, want)
	}
	if err := c.explain(t.Context(), errSlowAnswer); !strings.Contains(err.Error(), "took too long, so nothing was opened.") {
		t.Errorf("a late answer is %v", err)
	}
	unmet := &teleport.UnmetPolicyError{Policy: wire.PolicyTouch}
	if err := c.explain(t.Context(), unmet); err != error(unmet) {
		t.Errorf("what leads to another sign-in became %v", err)
	}
}
