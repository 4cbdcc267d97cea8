package app

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"

	"github.com/touchstone-app/touchstone/session"
)

func runSSH(ctx context.Context, env *environment, o *options, args []string) error {
	if len(args) == 0 {
		return &usageError{"ssh needs a server.", `"touchstone ssh --help" shows how it is used.`}
	}
	login, host := splitTarget(args[0])
	return withSessions(env, o, func(r *rooms) error {
		c, err := pickCluster(r.sessions.Snapshot(), o.cluster)
		if err != nil {
			return err
		}
		request := session.ShellRequest{Cluster: c.ID, Login: login, Host: host, Command: strings.Join(args[1:], " ")}
		return openShell(ctx, env, r.sessions, request)
	})
}

// splitTarget splits [LOGIN@]HOST at the last @: logins may hold one, host names may not.
func splitTarget(target string) (login, host string) {
	if at := strings.LastIndexByte(target, '@'); at >= 0 {
		return target[:at], target[at+1:]
	}
	return "", target
}

// openShell connects our standard streams to a session on a server. A terminal is asked for when there is no command
// and both ends here are one.
func openShell(ctx context.Context, env *environment, sessions *session.Manager, request session.ShellRequest) error {
	out, isFile := env.stdout.(*os.File)
	interactive := request.Command == "" && isFile && term.IsTerminal(int(env.stdin.Fd())) && term.IsTerminal(int(out.Fd()))
	if interactive {
		cols, rows, err := term.GetSize(int(out.Fd()))
		if err != nil {
			cols, rows = 80, 24
		}
		request.Terminal = &session.Terminal{Type: env.getenv("TERM"), Cols: cols, Rows: rows}
	}
	shell, err := sessions.OpenShell(ctx, request)
	if err != nil {
		return err
	}
	defer shell.Close()
	stop := context.AfterFunc(ctx, func() { _ = shell.Close() })
	defer stop()
	if interactive {
		restore, err := rawTerminal(env.stdin)
		if err != nil {
			return err
		}
		defer restore()
		defer followSize(out, shell)()
	}
	return copyStreams(ctx, env, shell)
}

// copyStreams copies until the command ends. Standard input is left to its goroutine: a blocked read of it cannot be
// taken back, and the process ends soon.
func copyStreams(ctx context.Context, env *environment, shell *session.Shell) error {
	go func() {
		_, _ = io.Copy(shell.Stdin(), env.stdin)
		_ = shell.Stdin().Close()
	}()
	copied := make(chan error, 2)
	go func() { _, err := io.Copy(env.stdout, shell.Stdout()); copied <- err }()
	go func() { _, err := io.Copy(env.stderr, shell.Stderr()); copied <- err }()
	err := errors.Join(<-copied, <-copied)
	status, waitErr := shell.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case waitErr != nil:
		return waitErr
	case err != nil:
		return err
	case status != 0:
		return remoteStatus(status)
	}
	return nil
}

func rawTerminal(in *os.File) (restore func(), err error) {
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(int(in.Fd()), state) }, nil
}

// followSize tells the server about every change of our terminal's size until stopped.
func followSize(out *os.File, shell *session.Shell) (stop func()) {
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, resizeSignals...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range changes {
			if cols, rows, err := term.GetSize(int(out.Fd())); err == nil {
				_ = shell.Resize(cols, rows) // a session that just ended needs no size
			}
		}
	}()
	return func() {
		signal.Stop(changes)
		close(changes)
		<-done
	}
}
