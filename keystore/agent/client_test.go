//go:build linux

package agent

import (
	"bufio"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/touchstone-app/touchstone/internal/testkit"
	"github.com/touchstone-app/touchstone/keystore"
)

// another starts another program that serves the bench's folder. What it prints arrives line by line.
func (b *bench) another(env ...string) (said <-chan string) {
	b.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), agentVariable+"="+b.folder, socketVariable+"="+b.key.Socket(), "GORACE=atexit_sleep_ms=0")
	command.Env = append(command.Env, env...)
	command.Stderr = b.Output()
	stdin, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	lines, read := make(chan string, 10), make(chan struct{})
	go func() {
		defer close(read)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	b.Cleanup(func() {
		_ = stdin.Close()
		<-read
		_ = command.Wait()
	})
	if got := testkit.Receive(b, "another program is ready", lines); got != "ready" {
		b.Fatalf("another program says %q", got)
	}
	return lines
}

// sign has a store sign that asks the agent first.
func (b *bench) sign(ctx context.Context, store *keystore.Store, key *keystore.Key) error {
	b.Helper()
	again, err := store.OpenKey(key.Reference())
	if err != nil {
		b.Fatal(err)
	}
	_, err = again.For(ctx, purpose).Sign(rand.Reader, digest[:], crypto.SHA256)
	return err
}

func TestAnAgentThatIsThereSigns(t *testing.T) {
	b := newBench(t)
	key := b.prepare(touchPolicy)
	b.server.Close()
	said := b.another()
	store := b.open(&Client{Folder: b.folder})
	b.person.forget()
	answer := make(chan error, 1)
	go func() { answer <- b.sign(t.Context(), store, key) }()
	if got := testkit.Receive(t, "the other program asks for a touch", said); got != "touch" {
		t.Errorf("the other program says %q", got)
	}
	b.key.Touch()
	if err := testkit.Receive(t, "the signature", answer); err != nil {
		t.Fatal(err)
	}
	if _, touches := b.person.prompts(); len(touches) > 0 {
		t.Error("the person was asked here as well")
	}
	if got := store.Activity()[0]; got.Via == "" || got.Result != keystore.ActivitySigned {
		t.Errorf("the activity tells %+v", got)
	}
}

func TestARefusalThereIsOneHere(t *testing.T) {
	b := newBench(t)
	key := b.prepare(touchPolicy)
	b.server.Close()
	b.another(refuseVariable + "=1")
	store := b.open(&Client{Folder: b.folder})
	b.person.forget()
	if err := b.sign(t.Context(), store, key); !errors.Is(err, context.Canceled) {
		t.Errorf("a refusal there gives %v", err)
	}
	if _, touches := b.person.prompts(); len(touches) > 0 {
		t.Error("the person was asked a second time")
	}
	b.key.Touch() // what is abandoned leaves the card waiting
}

func TestWithoutAnAgentTheCardIsUsed(t *testing.T) {
	b := newBench(t)
	key := b.prepare(keystore.Policy{})
	client := &Client{Folder: b.folder}
	check := func(name string) {
		t.Helper()
		if _, err := client.Sign(t.Context(), agentRequest(key)); !errors.Is(err, ErrNoAgent) {
			t.Errorf("%s: asking the agent gives %v", name, err)
		}
		if err := b.sign(t.Context(), b.open(client), key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	check("this process is the agent")
	b.server.Close()
	check("nobody serves")
	if err := errors.Join(os.Mkdir(b.folder, 0o700), os.WriteFile(filepath.Join(b.folder, certificateName), []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	check("the certificate is broken")
}

func agentRequest(key *keystore.Key) keystore.AgentRequest {
	return keystore.AgentRequest{Key: key.Reference(), Purpose: purpose, Digest: digest[:], Hash: crypto.SHA256}
}

func TestAHashThatCannotBeNamedIsNotSent(t *testing.T) {
	b := newBench(t)
	r := agentRequest(b.prepare(keystore.Policy{}))
	r.Hash = crypto.SHA384
	if _, err := (&Client{Folder: b.folder}).Sign(t.Context(), r); err == nil || errors.Is(err, ErrNoAgent) {
		t.Errorf("SHA-384 gives %v", err)
	}
}

func TestTheFolderIsWhereTheEnvironmentSays(t *testing.T) {
	for name, test := range map[string]struct {
		env  map[string]string
		want string
	}{
		"the newer variable": {map[string]string{"TELEPORT_KEY_AGENT_DIR": "/a", "TELEPORT_LOGIN_AGENT_DIR": "/b"}, "/a"},
		"the older variable": {map[string]string{"TELEPORT_LOGIN_AGENT_DIR": "/b"}, "/b"},
		"none":               {nil, filepath.Join(os.TempDir(), ".Teleport-PIV")},
	} {
		if got := Folder(func(name string) string { return test.env[name] }); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
