package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// command is one word after "touchstone", possibly with words of its own.
type command struct {
	name    string
	args    string // after the flags, as the help shows them
	summary string // hidden commands have none
	flags   func(*flag.FlagSet, *options)
	run     func(context.Context, *environment, *options, []string) error
	sub     []command
	// anywhere lets flags stand behind the words too; not where the words are another program's.
	anywhere bool
}

// options are the flags of all commands; each command declares the ones it has.
type options struct {
	home     string
	proxy    string
	cluster  string
	user     string
	caFile   string
	pivSlot  string
	auth     string
	otp      string
	format   string
	serve    bool
	state    string
	touch    string
	serial   uint
	firmware virtual.Firmware
	latency  string
	control  string
	dbUser   string
	dbName   string
	port     int
	version  string // that the demo's cluster is like
	// listeners are those of the demo's proxy; empty for what the version has.
	listeners string
	key       keyOptions
}

func commands() []command {
	return []command{
		{name: "login", summary: "sign in to a cluster", flags: loginFlags, run: runLogin},
		{name: "logout", summary: "remove the certificates of a cluster", flags: clusterFlags, run: runLogout},
		{name: "status", summary: "who is signed in where, and until when", flags: printingFlags, run: runStatus},
		{name: "ls", summary: "list what a cluster lets you reach", flags: listFlags, run: runList},
		{name: "ssh", args: "[LOGIN@]HOST [COMMAND...]", summary: "open a shell or run a command on a server", flags: sessionFlags, run: runSSH},
		{name: "proxy", summary: "local ways to the cluster for other programs", sub: []command{
			{name: "db", args: "NAME", anywhere: true, summary: "open a database to tools on this computer", flags: proxyDatabaseFlags, run: runProxyDatabase},
			{name: "app", args: "NAME", anywhere: true, summary: "open an application to browsers on this computer", flags: proxyFlags, run: runProxyApp},
			{name: "kube", args: "NAME", anywhere: true, summary: "open a Kubernetes cluster to kubectl and other tools", flags: proxyFlags, run: runProxyKube},
			{name: "ssh", args: "LOGIN@HOST:PORT", summary: "a ProxyCommand for OpenSSH", flags: sessionFlags, run: runProxySSH},
		}},
		{name: "config", summary: "print what OpenSSH must be told to reach servers", flags: listFlags, run: runConfig},
		{name: "key", summary: "look after hardware keys", sub: keyCommands()},
		{name: "demo", summary: "try it with a demo cluster and a virtual key", flags: demoFlags, run: runDemo},
		{name: "virtual-key", summary: "a software YubiKey for trying and testing", sub: []command{
			{name: "serve", summary: "run a virtual key until interrupted", flags: virtualKeyServeFlags, run: runVirtualKeyServe},
			{name: "ctl", args: "touch|plug|unplug|status", summary: "act on a running virtual key", flags: virtualKeyControlFlags, run: runVirtualKeyControl},
			{name: "root", summary: "print the attestation root of a state folder", flags: virtualKeyRootFlags, run: runVirtualKeyRoot},
		}},
		{name: "version", summary: "print the version", flags: printingFlags, run: runVersion},
		{name: workerCommand, run: runCardWorker},
		{name: fidoWorkerCommand, run: runFIDOWorker},
	}
}

// run finds the command and runs it. Without a command it is the app itself.
func run(ctx context.Context, env *environment, args []string) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") && !isHelp(args[0]) {
		return runCommand(ctx, env, command{name: "", flags: homeFlag, run: runWindow}, "touchstone", args)
	}
	return dispatch(ctx, env, commands(), "touchstone", args)
}

func dispatch(ctx context.Context, env *environment, list []command, path string, args []string) error {
	if len(args) == 0 || isHelp(args[0]) {
		printHelp(env.stdout, list, path)
		return nil
	}
	at := slices.IndexFunc(list, func(c command) bool { return c.name == args[0] })
	if at < 0 {
		return &usageError{fmt.Sprintf("There is no command %q.", args[0]), fmt.Sprintf("%q shows what there is.", path+" help")}
	}
	path += " " + args[0]
	if list[at].sub != nil {
		return dispatch(ctx, env, list[at].sub, path, args[1:])
	}
	return runCommand(ctx, env, list[at], path, args[1:])
}

func runCommand(ctx context.Context, env *environment, c command, path string, args []string) error {
	var o options
	set := flag.NewFlagSet(path, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	if c.flags != nil {
		c.flags(set, &o)
	}
	words, err := parseFlags(set, args, c.anywhere)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printUsage(env.stdout, c, path, set)
		return nil
	case err != nil:
		return &usageError{sentence(err.Error()), fmt.Sprintf("%q shows how it is used.", path+" --help")}
	}
	if c.args == "" && len(words) > 0 {
		return &usageError{fmt.Sprintf("%q is one word too many.", words[0]), fmt.Sprintf("%q shows how it is used.", path+" --help")}
	}
	if o.home == "" {
		o.home = env.getenv("TOUCHSTONE_HOME")
	}
	return c.run(ctx, env, &o, words)
}

// parseFlags sets the flags in args and returns the words between and behind them.
func parseFlags(set *flag.FlagSet, args []string, anywhere bool) (words []string, err error) {
	for {
		if err := set.Parse(args); err != nil {
			return nil, err
		}
		if !anywhere || set.NArg() == 0 {
			return append(words, set.Args()...), nil
		}
		words, args = append(words, set.Arg(0)), set.Args()[1:]
	}
}

func isHelp(word string) bool {
	return slices.Contains([]string{"help", "-h", "-help", "--help"}, word)
}

func printHelp(w io.Writer, list []command, path string) {
	fmt.Fprintf(w, "Usage: %s COMMAND [FLAGS]\n\n", path)
	if path == "touchstone" {
		fmt.Fprintf(w, "Without a command the app opens.\n\n")
	}
	for _, c := range list {
		if c.summary != "" {
			fmt.Fprintf(w, "  %-12s %s\n", c.name, c.summary)
		}
	}
	fmt.Fprintf(w, "\n%q shows the flags of a command.\n", path+" COMMAND --help")
}

func printUsage(w io.Writer, c command, path string, set *flag.FlagSet) {
	fmt.Fprintf(w, "Usage: %s\n", strings.TrimSpace(path+" [FLAGS] "+c.args))
	if c.summary != "" {
		fmt.Fprintf(w, "%s\n", sentence(c.summary))
	}
	fmt.Fprintln(w)
	set.SetOutput(w)
	set.PrintDefaults()
}

// sentence makes a full sentence of a library's message.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
