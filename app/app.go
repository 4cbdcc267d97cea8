// Package app is the composition root: it reads flags and the environment, builds key store, sessions, demo cluster
// and window, hands everything down and shuts it down again in order. It is the only package that imports them all;
// only main imports it.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/touchstone-app/touchstone/app/quiet" // before Fyne is initialised
	"github.com/touchstone-app/touchstone/internal/fault"
)

// Main runs one command line and returns the process's exit status: 0 only on success, the remote status for ssh.
func Main(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	env := &environment{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv}
	return exitStatus(run(ctx, env, args), stderr)
}

// environment is what a command sees of the process. Nothing below app reads flags or variables itself.
type environment struct {
	stdin          *os.File
	stdout, stderr io.Writer
	getenv         func(string) string
}

// remoteStatus is the exit status of a command on a server, passed on as our own.
type remoteStatus int

func (s remoteStatus) Error() string { return fmt.Sprintf("the command ended with status %d", int(s)) }

// usageError is a mistake on the command line; hint says where the right form is to be found.
type usageError struct{ what, hint string }

func (e *usageError) Error() string { return e.what + " " + e.hint }

// exitStatus prints what a person should read about err and returns the status of the process.
func exitStatus(err error, stderr io.Writer) int {
	var remote remoteStatus
	var usage *usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &remote):
		return int(remote)
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, usage)
		return 2
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "Cancelled. Nothing else was changed.")
		return 130
	default:
		f := fault.From(err)
		fmt.Fprintln(stderr, f.What, f.Do)
		return 1
	}
}
