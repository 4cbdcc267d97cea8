//go:build unix

package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// Running is a program on a terminal of its own. Its methods may be called from many goroutines; Close it.
type Running struct {
	cmd  *exec.Cmd
	tty  *os.File
	done chan struct{} // closed when the program has ended

	draining bool // for the reader's goroutine only
	closing  sync.Once
}

// Start starts a program as the leader of a session with a terminal of its own, unless ctx has ended; afterwards ctx
// means nothing to it. A program that is not there is a fault.
func Start(ctx context.Context, c Config) (*Running, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	cmd, err := c.find()
	if err != nil {
		return nil, err
	}
	blocking, err := pty.StartWithSize(cmd, size(c.Cols, c.Rows))
	if err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("The program %s could not be started.", c.Argv[0]), "The details say why.")
	}
	r := &Running{cmd: cmd, done: make(chan struct{})}
	if r.tty, err = pollable(blocking); err != nil {
		r.signal(unix.SIGKILL)
		_ = cmd.Wait() // it was killed before it could do anything
		return nil, err
	}
	go r.reap()
	return r, nil
}

func size(cols, rows int) *pty.Winsize {
	const most = 1 << 15
	return &pty.Winsize{Cols: uint16(min(max(cols, 1), most)), Rows: uint16(min(max(rows, 1), most))}
}

// pollable replaces a terminal by one whose reads can be interrupted: the library leaves it in blocking mode, where not
// even Close wakes a reader.
func pollable(blocking *os.File) (*os.File, error) {
	defer blocking.Close()
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicating a terminal: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("preparing a terminal: %w", err)
	}
	return os.NewFile(uintptr(fd), blocking.Name()), nil
}

// reap waits for the program's end and wakes whoever reads or writes.
func (r *Running) reap() {
	_ = r.cmd.Wait() // how it ended is in ProcessState
	long := time.Unix(1, 0)
	_ = r.tty.SetDeadline(long)
	close(r.done)
}

// Stdin is what is typed into the terminal.
func (r *Running) Stdin() io.WriteCloser { return input{r.tty} }

// input leaves the terminal open: a program is told of the end of its input by a typed Ctrl+D.
type input struct{ io.Writer }

func (input) Close() error { return nil }

// Stdout is everything that the terminal shows. One goroutine reads it.
func (r *Running) Stdout() io.Reader { return (*output)(r) }

// Stderr is empty: a terminal has one screen.
func (r *Running) Stderr() io.Reader { return strings.NewReader("") }

// output is the terminal as its reader sees it.
type output Running

// drainTime is how long a terminal must be silent after its program ended before it is taken for empty. Programs that
// were left in the background keep it open for ever, so that there may be no end of file.
const drainTime = 100 * time.Millisecond

// Read reads until the program has ended and nothing more comes.
func (o *output) Read(p []byte) (int, error) {
	for {
		if o.draining {
			_ = o.tty.SetReadDeadline(time.Now().Add(drainTime))
		}
		n, err := o.tty.Read(p)
		switch {
		case n > 0:
			return n, nil
		case !o.draining && errors.Is(err, os.ErrDeadlineExceeded): // the program has ended
			o.draining = true
		default:
			return 0, io.EOF // EIO: nobody has the terminal open any more
		}
	}
}

// Resize tells the program that its terminal has another size.
func (r *Running) Resize(cols, rows int) error {
	raw, err := r.tty.SyscallConn()
	if err != nil {
		return fmt.Errorf("resizing the terminal: %w", err)
	}
	s := size(cols, rows)
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: s.Cols, Row: s.Rows})
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("resizing the terminal: %w", err)
	}
	return nil
}

// Wait waits for the end of the program and returns its exit status. One that was ended by a signal has the status that
// shells give it: 128 and the signal's number.
func (r *Running) Wait() (status int, err error) {
	<-r.done
	if s, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal()), nil
	}
	return r.cmd.ProcessState.ExitCode(), nil
}

// grace is how long a program may take to end after its terminal went away.
const grace = time.Second

// Close takes the terminal away, as closing a terminal's window does, and waits until the program has ended. One that
// does not care is killed, and all of its process group with it. Closing twice is allowed.
func (r *Running) Close() error {
	r.closing.Do(func() {
		insist := time.AfterFunc(grace, func() { r.signal(unix.SIGKILL) })
		r.signal(unix.SIGHUP)
		r.signal(unix.SIGCONT) // a stopped program hears nothing
		<-r.done
		insist.Stop()
		r.signal(unix.SIGKILL) // those of the group that outlive their leader
		_ = r.tty.Close()
	})
	return nil
}

// signal sends a signal to the program's process group, which it leads.
func (r *Running) signal(s unix.Signal) { _ = unix.Kill(-r.cmd.Process.Pid, s) }
