package app

import (
	"bufio"
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/touchstone-app/touchstone/demo/demotest"
)

// The scripts in testdata/script run the program itself, as people and other programs run it: processes, standard
// streams, exit status. Each one has a folder of its own, and its own demo cluster and virtual key if it asks.

// program is the binary that the scripts run, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	folder, err := os.MkdirTemp("", "touchstone")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "touchstone")
	if out, err := exec.Command("go", "build", "-o", program, "..").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func TestScripts(t *testing.T) {
	kubectl := demotest.Kubectl(t)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { return setUpScript(env, filepath.Dir(kubectl)) },
		// Only root can become another account; everywhere else the modes, checked by "private", must be enough.
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":   scriptServe,
			"another": scriptAnotherKey,
			"card":    scriptCard,
			"agent":   scriptAgent,
			"halt":    scriptHalt,
			"answers": scriptAnswers,
			"audit":   scriptAudit,
			"key":     scriptKey,
			"nokeyin": scriptNoKeyIn,
			"private": scriptPrivate,
			"silent":  scriptSilent,
			"proxy":   scriptProxy,
			"edit":    scriptEdit,
			"otp":     scriptOTP,
		},
	})
}

// kubernetesVariable leads the demo to the programs of Kubernetes.
const kubernetesVariable = "TOUCHSTONE_KUBERNETES"

// setUpScript gives a script its environment; kubernetes is the folder of Kubernetes' programs, kubectl among them.
func setUpScript(env *testscript.Env, kubernetes string) error {
	sockets, err := os.MkdirTemp("", "ts") // the scripts' folders are too long for a socket's address
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(sockets) })
	env.Setenv("PATH", strings.Join([]string{filepath.Dir(program), kubernetes, os.Getenv("PATH")}, string(os.PathListSeparator)))
	env.Setenv(kubernetesVariable, filepath.Dir(kubernetes)) // its own home is not where they are
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("TMPDIR", sockets)
	env.Setenv("TOUCHSTONE_HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("STATE", filepath.Join(env.WorkDir, "state"))
	// No script can reach a real card: without a demo there is no smart-card service at all, and no security key.
	env.Setenv("PCSCLITE_CSOCK_NAME", filepath.Join(sockets, "none"))
	env.Setenv(fidoDeviceVariable, filepath.Join(sockets, "none"))
	env.Setenv("LANG", "C.UTF-8")
	env.Values["served"] = map[string]*served{}
	return nil
}

// served is a "demo --serve" or "virtual-key serve" of a script.
type served struct {
	command *exec.Cmd
	output  io.Closer
}

func (s *served) end() {
	_ = s.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	_ = s.command.Wait()
	_ = s.output.Close()
}

// scriptServe starts the demo: "serve [FLAGS]". It sets PROXY, CA, AUDIT, CONTROL, PCSCLITE_CSOCK_NAME and
// TOUCHSTONE_FIDO_DEVICE, and for each user PASSWORD_, USER_ and OTP_, the secret of one-time codes, followed by the
// user's name, with "_" for "-", or by the policy.
func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("serve cannot be negated")
	}
	line := serveProgram(ts, "demo", append([]string{"demo", "--serve", "--state", ts.Getenv("STATE")}, args...)...)
	var ready demoReady
	ts.Check(json.Unmarshal(line, &ready))
	ts.Setenv("PROXY", ready.Proxy)
	ts.Setenv("CA", ready.CAFile)
	ts.Setenv("AUDIT", ready.AuditLog)
	ts.Setenv("CONTROL", ready.Control)
	ts.Setenv("ROOT", ready.AttestationRoot)
	ts.Setenv("PCSCLITE_CSOCK_NAME", ready.PCSCSocket)
	ts.Setenv(fidoDeviceVariable, ready.FIDODevice)
	for _, u := range slices.Backward(ready.Users) { // the first one with a policy is the one with nothing else
		for _, name := range []string{fmt.Sprint(u.RequireSessionMFA), strings.ReplaceAll(u.Name, "-", "_")} {
			ts.Setenv("USER_"+name, u.Name)
			ts.Setenv("PASSWORD_"+name, u.Password)
			ts.Setenv("OTP_"+name, u.OTPSecret)
		}
	}
}

// scriptAnotherKey starts a virtual key with an attestation root that the demo does not trust, in place of the
// demo's own: "another".
func scriptAnotherKey(ts *testscript.TestScript, _ bool, _ []string) {
	line := serveProgram(ts, "key", "virtual-key", "serve", "--touch", "auto", "--state", ts.MkAbs("another"))
	var ready virtualKeyReady
	ts.Check(json.Unmarshal(line, &ready))
	ts.Setenv("PCSCLITE_CSOCK_NAME", ready.PCSCSocket)
	ts.Setenv(fidoDeviceVariable, ready.FIDODevice)
}

// scriptAgent starts a key agent whose home is another folder: "agent FOLDER".
func scriptAgent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: agent FOLDER")
	}
	line := serveProgram(ts, "agent", "key", "agent", "--home", ts.MkAbs(args[0]))
	var ready keyAgentReady
	ts.Check(json.Unmarshal(line, &ready))
	ts.Setenv("AGENT", ready.Socket)
}

// serveProgram starts a command that serves until the script ends, and returns the line it prints when ready.
func serveProgram(ts *testscript.TestScript, name string, args ...string) []byte {
	command := exec.Command(program, args...)
	command.Env = []string{"HOME=" + ts.Getenv("HOME"), "PATH=" + ts.Getenv("PATH"), "TMPDIR=" + ts.Getenv("TMPDIR"), "SHELL=/bin/sh", "LANG=C.UTF-8",
		kubernetesVariable + "=" + ts.Getenv(kubernetesVariable), "PCSCLITE_CSOCK_NAME=" + ts.Getenv("PCSCLITE_CSOCK_NAME")}
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	ts.Check(err)
	ts.Check(command.Start())
	servedBy(ts)[name] = &served{command: command, output: out}
	ts.Defer(func() { halt(ts, name) })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		ts.Fatalf("%s did not start: %v", name, err)
	}
	return line
}

// scriptHalt ends the demo, "halt", or a local proxy, "halt proxy KIND".
func scriptHalt(ts *testscript.TestScript, _ bool, args []string) {
	halt(ts, cmp.Or(strings.Join(args, " "), "demo"))
}

func halt(ts *testscript.TestScript, name string) {
	running := servedBy(ts)
	if s := running[name]; s != nil {
		s.end()
		delete(running, name)
	}
}

func servedBy(ts *testscript.TestScript) map[string]*served {
	return ts.Value("served").(map[string]*served)
}

// scriptAnswers writes lines to a file for "stdin": "answers FILE LINE...".
func scriptAnswers(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: answers FILE LINE...")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(args[1:], "\n")+"\n"), 0o600))
}

// scriptAudit counts lines of the audit log: "audit COUNT REGEXP".
func scriptAudit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: audit COUNT REGEXP")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	log, err := os.ReadFile(ts.Getenv("AUDIT"))
	ts.Check(err)
	got := 0
	for line := range strings.Lines(string(log)) {
		if pattern.MatchString(line) {
			got++
		}
	}
	if got != want {
		ts.Fatalf("%d lines of the audit log match %s, want %d:\n%s", got, args[1], want, log)
	}
}

// scriptKey acts on the virtual key, "key touch", or waits until a member of its status has a value, "key waiting=true".
func scriptKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: key COMMAND... or key MEMBER=VALUE")
	}
	member, want, isQuestion := strings.Cut(args[0], "=")
	if !isQuestion {
		_, err := keyStatus(ts, args)
		ts.Check(err)
		return
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		status, err := keyStatus(ts, []string{"status"})
		ts.Check(err)
		got := fmt.Sprint(status[member])
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the key's %s is %s, want %s", member, got, want)
		}
	}
}

func keyStatus(ts *testscript.TestScript, command []string) (map[string]any, error) {
	out, err := exec.Command(program, append([]string{"virtual-key", "ctl", "--control", ts.Getenv("CONTROL")}, command...)...).Output()
	if err != nil {
		return nil, err
	}
	var status map[string]any
	return status, json.Unmarshal(out, &status)
}

// scriptNoKeyIn fails when a file below a folder holds a private key: "nokeyin FOLDER".
func scriptNoKeyIn(ts *testscript.TestScript, neg bool, args []string) {
	block := regexp.MustCompile(`-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----`)
	found := ""
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range block.FindAllSubmatch(text, -1) {
			if string(m[1]) != "PIV YUBIKEY PRIVATE KEY" { // the reference to a key in hardware
				found = path
			}
		}
		return err
	}))
	if (found != "") != neg {
		ts.Fatalf("private key found: %q", found)
	}
}

// scriptPrivate fails when another account could enter a folder or open a file below it: "private FOLDER".
func scriptPrivate(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(path) // not d.Info: a link's own mode says nothing
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	}))
}

// scriptSilent listens, accepts and never answers: "silent VARIABLE" sets the variable to the address.
func scriptSilent(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	accepted := make(chan struct{})
	var open []net.Conn
	go func() {
		defer close(accepted)
		for {
			c, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				open = append(open, c)
			}
		}
	}()
	ts.Defer(func() {
		listener.Close()
		<-accepted
		for _, c := range open {
			c.Close()
		}
	})
	ts.Setenv(args[0], listener.Addr().String())
}

// scriptOTP sets a variable to a one-time code (RFC 6238), as an authenticator app shows it that many steps of 30 s from
// now: "otp VARIABLE SECRET STEPS". A cluster takes the codes of the step before and of the next one as well.
func scriptOTP(ts *testscript.TestScript, _ bool, args []string) {
	steps, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	secret, err := base32.StdEncoding.DecodeString(args[1])
	ts.Check(err)
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30+steps)))
	sum := mac.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7fffffff
	ts.Setenv(args[0], fmt.Sprintf("%06d", number%1_000_000))
}

// scriptEdit replaces text in all files with a suffix below a folder: "edit FOLDER SUFFIX OLD NEW". It fails when
// nothing was replaced.
func scriptEdit(ts *testscript.TestScript, _ bool, args []string) {
	folder, suffix, old, replacement := args[0], args[1], args[2], args[3]
	changed := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(folder), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), old) {
			return err
		}
		changed++
		return os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, replacement)), 0o600)
	}))
	if changed == 0 {
		ts.Fatalf("no %s file below %s contains %q", suffix, folder, old)
	}
}
