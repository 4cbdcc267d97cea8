package app

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"runtime"
	"strings"

	"github.com/touchstone-app/touchstone/internal/fault"
	"github.com/touchstone-app/touchstone/keystore/virtual"
)

// canFIDO says where the virtual key can be a security key as well.
const canFIDO = runtime.GOOS == "linux"

// virtualKeyReady is the line that "virtual-key serve" prints.
type virtualKeyReady struct {
	PCSCSocket string `json:"pcsc_socket"`
	FIDODevice string `json:"fido_device,omitempty"`
	Control    string `json:"control"`
	Serial     uint32 `json:"serial"`
}

// latencyOf is what the word of --latency stands for.
func latencyOf(word string) virtual.Latency {
	if word == "real" {
		return virtual.RealLatency
	}
	return virtual.Latency{}
}

func runVirtualKeyServe(ctx context.Context, env *environment, o *options, _ []string) error {
	if o.state != "" {
		if err := makePrivate(o.state); err != nil {
			return err
		}
	}
	key, err := virtual.Start(virtual.Config{
		StateDir: o.state, Serial: uint32(o.serial), Firmware: o.firmware, Latency: latencyOf(o.latency), Touch: virtual.TouchMode(o.touch), FIDO: canFIDO,
	})
	if err != nil {
		return fault.Wrap(err, "The virtual key could not be started.", "Check that its state folder is yours, or choose another one.")
	}
	defer key.Close()
	ready := virtualKeyReady{PCSCSocket: key.Socket(), FIDODevice: key.FIDOPath(), Control: key.Control(), Serial: key.Status().Serial}
	if err := json.NewEncoder(env.stdout).Encode(ready); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func runVirtualKeyControl(ctx context.Context, env *environment, o *options, args []string) error {
	if o.control == "" || len(args) == 0 {
		return &usageError{"ctl needs --control and a command.", `"touchstone virtual-key ctl --help" shows how it is used.`}
	}
	status, err := virtual.Ctl(ctx, o.control, strings.Join(args, " "))
	if err != nil {
		return fault.Wrap(err, "The virtual key did not do that.", "Check that it runs, and read what it says about the command.")
	}
	return printJSON(env.stdout, status)
}

func runVirtualKeyRoot(_ context.Context, env *environment, o *options, _ []string) error {
	if o.state == "" {
		return &usageError{"root needs --state.", `"touchstone virtual-key root --help" shows how it is used.`}
	}
	if err := makePrivate(o.state); err != nil {
		return err
	}
	return writeRoot(env.stdout, o.state)
}

// writeRoot writes the attestation root of a state folder as PEM.
func writeRoot(w io.Writer, stateDir string) error {
	root, err := virtual.Root(stateDir)
	if err != nil {
		return fault.Wrap(err, "The virtual key has no readable attestation root.", "Check the state folder, or choose a new one.")
	}
	return pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
}
