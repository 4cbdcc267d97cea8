package app

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/touchstone-app/touchstone/demo"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

func homeFlag(f *flag.FlagSet, o *options) {
	f.StringVar(&o.home, "home", "", "folder of profiles and certificates (default: $TOUCHSTONE_HOME, else the user's configuration folder)")
}

func printingFlags(f *flag.FlagSet, o *options) {
	homeFlag(f, o)
	o.format = "text"
	f.Func("format", "text or json", oneOf(&o.format, "text", "json"))
}

func clusterFlags(f *flag.FlagSet, o *options) {
	homeFlag(f, o)
	f.StringVar(&o.cluster, "cluster", "", "which cluster, where several are known")
}

// sessionFlags are those of commands that open sessions.
func sessionFlags(f *flag.FlagSet, o *options) {
	clusterFlags(f, o)
	checkFlag(f, o)
}

func checkFlag(f *flag.FlagSet, o *options) {
	f.Func("auth", "otp: where a session wants a check, type a one-time code in the place of a tap", oneOf(&o.auth, "otp"))
}

func listFlags(f *flag.FlagSet, o *options) {
	printingFlags(f, o)
	f.StringVar(&o.cluster, "cluster", "", "which cluster, where several are known")
}

func loginFlags(f *flag.FlagSet, o *options) {
	homeFlag(f, o)
	f.StringVar(&o.proxy, "proxy", "", "address of the cluster, HOST or HOST:PORT")
	f.StringVar(&o.user, "user", "", "user name")
	f.StringVar(&o.caFile, "ca-file", "", "PEM file of a certificate authority to trust for this cluster besides the system's")
	f.Func("auth", "insist on this second factor: otp or webauthn, a security key (default: what the cluster asks for)", oneOf(&o.auth, "otp", "webauthn"))
	f.StringVar(&o.otp, "otp", "", "the first one-time code, instead of a prompt and a tap; others on this computer can see it")
	f.StringVar(&o.pivSlot, "piv-slot", "", "PIV slot of the key: 9a, 9c, 9d or 9e (default: $TELEPORT_PIV_SLOT, else that of the last time, else what cluster or policy wants)")
}

func proxyFlags(f *flag.FlagSet, o *options) {
	listFlags(f, o)
	checkFlag(f, o)
	f.Func("port", "port on this computer (default: that of the last time, else any)", portNumber(&o.port))
}

func proxyDatabaseFlags(f *flag.FlagSet, o *options) {
	proxyFlags(f, o)
	f.StringVar(&o.dbUser, "db-user", "", "user in the database")
	f.StringVar(&o.dbName, "db-name", "", "database within the server")
}

func demoFlags(f *flag.FlagSet, o *options) {
	f.BoolVar(&o.serve, "serve", false, "open no window; print one JSON line when ready and serve until interrupted")
	f.StringVar(&o.state, "state", "", "folder that keeps the demo's cluster, key and passwords")
	o.version = "15"
	f.Func("version-profile", "Teleport's major version that the demo's cluster is like, 12 or 15 (default 15)", oneOf(&o.version, "12", "15"))
	f.Func("listeners", "multiplex has everything on one port, separate gives SSH, Kubernetes and PostgreSQL their own (default: as the version)",
		oneOf(&o.listeners, string(demo.ListenersMultiplex), string(demo.ListenersSeparate)))
	firmwareFlag(f, o)
	latencyFlag(f, o, "real in the window, else none")
	touchFlag(f, o)
}

func virtualKeyServeFlags(f *flag.FlagSet, o *options) {
	f.StringVar(&o.state, "state", "", "folder that keeps the key (default: a new key that is forgotten)")
	f.UintVar(&o.serial, "serial", 0, "serial number (default: the state's, or a fixed one)")
	firmwareFlag(f, o)
	latencyFlag(f, o, "none")
	touchFlag(f, o)
}

func virtualKeyControlFlags(f *flag.FlagSet, o *options) {
	f.StringVar(&o.control, "control", "", "control socket that serve printed")
}

func virtualKeyRootFlags(f *flag.FlagSet, o *options) {
	f.StringVar(&o.state, "state", "", "state folder of the key")
}

func latencyFlag(f *flag.FlagSet, o *options, otherwise string) {
	f.Func("latency", "real has the virtual key take as long as a real one (default "+otherwise+")", oneOf(&o.latency, "real", "none"))
}

func firmwareFlag(f *flag.FlagSet, o *options) {
	f.Func("firmware", "firmware of the virtual key (default: the state's, or "+virtual.DefaultFirmware.String()+")", func(text string) (err error) {
		o.firmware, err = virtual.ParseFirmware(text)
		return err
	})
}

func touchFlag(f *flag.FlagSet, o *options) {
	o.touch = "wait"
	f.Func("touch", "auto touches by itself, wait waits for a person, ignore is never touched (default wait)", oneOf(&o.touch, "auto", "wait", "ignore"))
}

// portNumber is a flag that takes a port.
func portNumber(target *int) func(string) error {
	return func(text string) error {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return errors.New("use a number from 1 to 65535")
		}
		*target = int(n)
		return nil
	}
}

// oneOf is a flag that takes only the given words.
func oneOf(target *string, words ...string) func(string) error {
	return func(text string) error {
		if !slices.Contains(words, text) {
			return fmt.Errorf("use %s", strings.Join(words, " or "))
		}
		*target = text
		return nil
	}
}
