//go:build linux

package virtual

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/touchstone-app/touchstone/internal/testkit"
)

// fidoTools runs Debian's fido2-tools on the FIDO side of a virtual key (virtual-key sheet, 5).
type fidoTools struct {
	t    *testing.T
	key  *Key
	dir  string // where the tools work
	path string // of the device
}

func newFIDOTools(t *testing.T) fidoTools {
	key := startFIDO(t, Config{AutoTouchDelay: 10 * time.Millisecond})
	return fidoTools{t: t, key: key, dir: t.TempDir(), path: key.FIDOPath()}
}

// startFIDO starts a key with both doors. Without a state folder of the test's own it gets one with a card made before.
func startFIDO(t testing.TB, config Config) *Key {
	t.Helper()
	config.FIDO = true
	if config.StateDir == "" {
		card, err := factory()
		if err != nil {
			t.Fatal(err)
		}
		config.StateDir = testkit.SocketDir(t)
		if err := card.save(filepath.Join(config.StateDir, cardFile)); err != nil { // spares the making of an RSA key
			t.Fatal(err)
		}
	}
	return start(t, config)
}

// command makes the command of a tool in a session of its own without a terminal, so that it asks for PINs on standard
// input. The shell leads that session: a leader would make our device its terminal.
func (f fidoTools) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(f.t.Context(), "sh", append([]string{"-c", `"$@"; exit $?`, "sh"}, args...)...)
	cmd.Dir = f.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// run runs a command with lines of input, and returns what it printed and whether it succeeded. P stands for the
// device.
func (f fidoTools) run(commandLine string, input ...string) (output string, ok bool) {
	f.t.Helper()
	words := strings.Fields(commandLine)
	for i, word := range words {
		if word == "P" {
			words[i] = f.path
		}
	}
	cmd := f.command(words...)
	cmd.Stdin = strings.NewReader(strings.Join(input, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		f.t.Fatalf("running %s: %v", commandLine, err)
	}
	return string(out), err == nil
}

// want runs a command that must succeed.
func (f fidoTools) want(commandLine string, input ...string) string {
	f.t.Helper()
	out, ok := f.run(commandLine, input...)
	if !ok {
		f.t.Fatalf("%s failed:\n%s", commandLine, out)
	}
	return out
}

// wantFailure runs a command that must fail and print text.
func (f fidoTools) wantFailure(text, commandLine string, input ...string) {
	f.t.Helper()
	if out, ok := f.run(commandLine, input...); ok || !strings.Contains(out, text) {
		f.t.Errorf("%s must fail and say %q:\n%s", commandLine, text, out)
	}
}

func wantTexts(t *testing.T, out string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("the output does not say %q:\n%s", text, out)
		}
	}
}

const testRP = "demo.example.com"

// newCredential makes a credential for user and checks the attestation. It leaves id and pub.pem behind.
func (f fidoTools) newCredential(options, user string, input ...string) {
	f.t.Helper()
	hash := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	f.write("make", hash, testRP, user, base64.StdEncoding.EncodeToString([]byte("id of "+user)))
	f.want("fido2-cred -M "+options+" -i make -o cred P es256", input...)
	verify := strings.NewReplacer("-r", "", "-u", "").Replace(options) // what only making knows
	f.want("fido2-cred -V " + verify + " -i cred -o pub es256")
	id, pem, _ := strings.Cut(f.read("pub"), "\n")
	f.write("id", id)
	f.write("pub.pem", strings.TrimSpace(pem))
}

// assert signs with the credential made last, or with a resident one, and checks the signature.
func (f fidoTools) assert(options string, input ...string) {
	f.t.Helper()
	hash := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))
	lines := []string{hash, testRP}
	if !strings.Contains(options, "-r") {
		lines = append(lines, strings.TrimSpace(f.read("id")))
	}
	f.write("assert", lines...)
	f.want("fido2-assert -G "+options+" -i assert -o signed P", input...)
	if !strings.Contains(options, "up=false") {
		f.want("fido2-assert -V " + strings.NewReplacer("-r", "", "-u", "").Replace(options) + " -p -i signed pub.pem es256")
	}
}

func (f fidoTools) write(name string, lines ...string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f fidoTools) read(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

func TestFIDOToolsKnowTheKey(t *testing.T) {
	f := newFIDOTools(t)
	wantTexts(t, f.want("fido2-token -I P"), "proto: 0x02", "major: 0x05", "minor: 0x04", "build: 0x03",
		"caps: 0x05 (wink, cbor, msg)", "U2F_V2, FIDO_2_0, FIDO_2_1_PRE", "credProtect",
		"2fc0579f811347eab116bb5a8db9202a", "rk, up, noplat, noclientPin", "maxmsgsiz: 1200", "pin protocols: 2, 1",
		"es256 (public-key)", "pin retries: 8", "fwversion: 0x50403", "minpinlen: 4")
}

func TestFIDOToolsMakeAndUseACredential(t *testing.T) {
	f := newFIDOTools(t)
	f.newCredential("", "alice")
	f.assert("")
	f.assert("-t up=false")
	if got := f.key.Status(); got.Taps != 2 || got.Touches != 0 || got.Waiting {
		t.Errorf("the key counts %+v, want two taps", got)
	}
}

func TestFIDOToolsUseAResidentCredential(t *testing.T) {
	f := newFIDOTools(t)
	f.newCredential("-r", "alice")
	f.assert("-r")
}

func TestFIDOToolsSpeakU2F(t *testing.T) {
	f := newFIDOTools(t)
	f.newCredential("-u", "alice")
	f.assert("-u")
	f.assert("") // the credential serves FIDO2 as well
	if got := f.key.Status(); got.Taps != 3 {
		t.Errorf("the key counts %+v, want three taps", got)
	}
}

func TestFIDOToolsVerifyTheUser(t *testing.T) {
	f := newFIDOTools(t)
	f.want("fido2-token -S P", "2468", "2468")
	wantTexts(t, f.want("fido2-token -I P"), "noplat, clientPin", "pin retries: 8")
	f.newCredential("-v", "alice", "2468")
	f.assert("-v", "2468")
	f.want("fido2-token -C P", "2468", "135790", "135790")
	f.assert("-v", "135790")
	f.wantFailure("FIDO_ERR_PIN_INVALID", "fido2-assert -G -v -i assert P", "2468")
	f.wantFailure("FIDO_ERR_PIN_INVALID", "fido2-assert -G -v -i assert P", "2468")
	f.wantFailure("FIDO_ERR_PIN_AUTH_BLOCKED", "fido2-assert -G -v -i assert P", "2468")
	wantTexts(t, f.want("fido2-token -I P"), "pin retries: 5")
	f.key.Unplug()
	f.key.Plug()
	f.assert("-v", "135790")
	wantTexts(t, f.want("fido2-token -I P"), "pin retries: 8")
}

func TestFIDOToolsResetTheKey(t *testing.T) {
	f := newFIDOTools(t)
	f.want("fido2-token -S P", "2468", "2468")
	f.newCredential("-v -r", "alice", "2468")
	f.want("fido2-token -R P")
	wantTexts(t, f.want("fido2-token -I P"), "noclientPin")
	f.wantFailure("FIDO_ERR_NO_CREDENTIALS", "fido2-assert -G -r -i make P")
}

func TestFIDOToolsTakeTurns(t *testing.T) {
	f := newFIDOTools(t)
	f.write("make", base64.StdEncoding.EncodeToString(make([]byte, 32)), testRP, "alice", "YWxpY2U=")
	var both []*exec.Cmd
	for range 2 {
		cmd := f.command("fido2-cred", "-M", "-i", "make", f.path, "es256")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		both = append(both, cmd)
	}
	for _, cmd := range both {
		if err := cmd.Wait(); err != nil {
			t.Errorf("one of two at the same time: %v", err)
		}
	}
}

func TestFIDOToolsComeAndGo(t *testing.T) {
	f := newFIDOTools(t)
	for range 20 {
		f.want("fido2-token -I P")
	}
}
