package app

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptProxy opens a local proxy for the rest of the script: "proxy KIND NAME FLAGS...". It sets ADDRESS, COMMAND and
// KUBECONFIG; what the proxy prints on standard error goes to the file proxy.stderr. Another one of the same kind takes
// its place.
func scriptProxy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: proxy KIND NAME FLAGS...")
	}
	name := "proxy " + args[0]
	halt(ts, name)
	command := exec.Command(program, append([]string{"proxy"}, append(args, "--format", "json")...)...)
	command.Dir = ts.MkAbs(".")
	for _, variable := range []string{"HOME", "PATH", "TMPDIR", "TOUCHSTONE_HOME", "PCSCLITE_CSOCK_NAME", fidoDeviceVariable, "LANG"} {
		command.Env = append(command.Env, variable+"="+ts.Getenv(variable))
	}
	problems, err := os.Create(ts.MkAbs("proxy.stderr"))
	ts.Check(err)
	defer problems.Close()
	command.Stderr = problems
	out, err := command.StdoutPipe()
	ts.Check(err)
	ts.Check(command.Start())
	servedBy(ts)[name] = &served{command: command, output: out}
	ts.Defer(func() { halt(ts, name) })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		said, _ := os.ReadFile(problems.Name())
		ts.Fatalf("the proxy did not open: %v: %s", err, said)
	}
	var opened proxyLine
	ts.Check(json.Unmarshal(line, &opened))
	ts.Setenv("ADDRESS", opened.Address)
	ts.Setenv("COMMAND", opened.Command)
	ts.Setenv("KUBECONFIG", opened.Kubeconfig)
}
