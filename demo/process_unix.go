//go:build unix

package demo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// drainTime is how long a terminal must be silent after its program ended before it is taken for empty. Programs left
// in the background keep a terminal open for ever, so that there may be no end of file.
const drainTime = 100 * time.Millisecond

// startProcess runs a program and connects it with the channel.
func startProcess(spec processSpec, channel stdio) (*process, error) {
	p := &process{cmd: spec.cmd(), exited: make(chan struct{})}
	if spec.term != nil {
		return p, p.startTerminal(spec.term, channel)
	}
	return p, p.startPipes(channel)
}

// startTerminal runs the program as leader of a session with a terminal of its own.
func (p *process) startTerminal(t *terminal, channel stdio) error {
	master, err := pty.StartWithSize(p.cmd, &pty.Winsize{Cols: uint16(t.cols), Rows: uint16(t.rows)})
	if err != nil {
		return fmt.Errorf("starting %s on a terminal: %w", p.cmd.Path, err)
	}
	p.tty, err = pollable(master)
	if err != nil {
		p.signal(unix.SIGKILL)
		_ = p.cmd.Wait()
		return err
	}
	p.input.Go(func() { _, _ = io.Copy(p.tty, channel) })
	p.output.Go(func() { p.copyTerminal(channel) })
	return nil
}

// pollable replaces a terminal by one whose reads can be interrupted: the pty library leaves it in blocking mode,
// where not even Close wakes a reader.
func pollable(blocking *os.File) (*os.File, error) {
	defer func() { _ = blocking.Close() }()
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

// copyTerminal passes output on until the terminal has no writer left, or is silent after the program ended.
func (p *process) copyTerminal(channel stdio) {
	buf := make([]byte, 32<<10)
	for draining := false; ; {
		if draining {
			_ = p.tty.SetReadDeadline(time.Now().Add(drainTime))
		}
		n, err := p.tty.Read(buf)
		if _, gone := channel.Write(buf[:n]); gone != nil {
			return
		}
		if err == nil {
			continue
		}
		if draining || !errors.Is(err, os.ErrDeadlineExceeded) {
			return // EIO: the last program closed the terminal
		}
		draining = true // wake interrupted the read
	}
}

// wake makes copyTerminal look whether the program has ended.
func (p *process) wake() {
	if p.tty != nil {
		_ = p.tty.SetReadDeadline(time.Unix(1, 0))
	}
}

// startPipes runs the program without a terminal. Its output ends when the last writer is gone, so that nothing of
// a pipeline is lost.
func (p *process) startPipes(channel stdio) error {
	input, err := p.cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	ends := make([]*os.File, 0, 2) // the program's
	defer func() {
		for _, end := range ends {
			_ = end.Close()
		}
	}()
	for _, to := range []*io.Writer{&p.cmd.Stdout, &p.cmd.Stderr} {
		ours, theirs, err := os.Pipe()
		if err != nil {
			p.closePipes()
			return fmt.Errorf("making a pipe: %w", err)
		}
		*to, ends, p.pipes = theirs, append(ends, theirs), append(p.pipes, ours)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.cmd.Start(); err != nil {
		p.closePipes()
		return fmt.Errorf("starting %s: %w", p.cmd.Path, err)
	}
	p.input.Go(func() {
		_, _ = io.Copy(input, channel)
		_ = input.Close()
	})
	p.output.Go(func() { copyPipe(channel, p.pipes[0]) })
	p.output.Go(func() { copyPipe(channel.Stderr(), p.pipes[1]) })
	return nil
}

func copyPipe(to io.Writer, from *os.File) {
	_, _ = io.Copy(to, from)
	_ = from.Close()
}

func (p *process) closePipes() {
	for _, pipe := range p.pipes {
		_ = pipe.Close() // copyPipe may have been first
	}
}

// resize tells the program the new size of its terminal.
func (p *process) resize(t *terminal) error {
	if p.tty == nil {
		return errors.New("resizing: there is no terminal")
	}
	raw, err := p.tty.SyscallConn()
	if err != nil {
		return fmt.Errorf("resizing: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		size := &unix.Winsize{Col: uint16(t.cols), Row: uint16(t.rows)}
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size)
	})
	return errors.Join(err, failed)
}

// hangup asks the program and what it started to end.
func (p *process) hangup() { p.signal(unix.SIGHUP) }

// kill ends them, and with them the wait for output of programs that left the group.
func (p *process) kill() {
	p.signal(unix.SIGKILL)
	p.closePipes()
}

func (p *process) signal(number syscall.Signal) {
	if !p.hasExited() { // its id may be someone else's by now
		_ = unix.Kill(-p.cmd.Process.Pid, number)
	}
}

// exitStatus turns the end of a program into a status, as shells do.
func exitStatus(cmd *exec.Cmd, err error) int {
	if err == nil {
		return 0
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return max(cmd.ProcessState.ExitCode(), 1)
}
