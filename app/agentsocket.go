package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// agentSocket is an SSH agent at a path that several processes share: OpenSSH's configuration can name only one. The
// path is a symbolic link to the socket of one of them, and any of them may answer: all speak for the same user, and
// whichever is asked has the person checked where another server wants that. Who ends hands the path to another first,
// and then finishes what it was asked: no OpenSSH finds the path dead, whenever it looks. A lock keeps starts and ends
// apart.
type agentSocket struct {
	path     string // what OpenSSH is told
	own      string // of this process
	listener net.Listener
	cancel   context.CancelFunc
	running  sync.WaitGroup // accepting, and one for each connection
}

// longestSocketPath is what an address of a Unix socket can hold (unix(7)).
const longestSocketPath = 107

// listenAgent serves path, which must lie in a private folder, until Close.
func listenAgent(path string, serve func(context.Context, net.Conn)) (*agentSocket, error) {
	a := &agentSocket{path: path, own: fmt.Sprintf("%s.%d", path, os.Getpid())}
	if len(a.own+farewell) > longestSocketPath {
		return nil, fault.New(fmt.Sprintf("The path %s is too long for the socket of an SSH agent.", a.own),
			"Choose a folder with a shorter path with --home or TOUCHSTONE_HOME.")
	}
	if err := a.listen(); err != nil {
		return nil, fault.Wrap(err, fmt.Sprintf("The SSH agent cannot listen at %s.", a.own), "Check that the folder is yours and that its disk is not full.")
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.running.Go(func() { a.accept(ctx, serve) })
	return a, nil
}

// listen takes the shared path over.
func (a *agentSocket) listen() (err error) {
	unlock, err := lockFile(a.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	_ = os.Remove(a.own) // of a process that had our number and was killed
	if a.listener, err = net.Listen("unix", a.own); err != nil {
		return err
	}
	if err := a.point(a.own); err != nil {
		return closeAfter(err, a.listener)
	}
	return nil
}

// point makes the shared path lead to a process's socket, at once.
func (a *agentSocket) point(socket string) error {
	link := a.own + ".link"
	if err := os.Symlink(filepath.Base(socket), link); err != nil {
		return err
	}
	return os.Rename(link, a.path)
}

// farewell ends the name of the socket from which a process greets its own when it ends. Connections are accepted in
// the order in which they came: when this one is, all that found the shared path leading here have been.
const farewell = ".end"

// accept serves each connection on a goroutine of its own, until the farewell.
func (a *agentSocket) accept(ctx context.Context, serve func(context.Context, net.Conn)) {
	for {
		conn, err := a.listener.Accept()
		if err != nil {
			return
		}
		if conn.RemoteAddr().String() == a.own+farewell {
			_ = conn.Close() // nothing is said on it
			return
		}
		a.running.Go(func() {
			detach := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer detach()
			defer conn.Close()
			serve(ctx, conn)
		})
	}
}

// lastWait is how long an ending process goes on with what it was asked, perhaps by others' OpenSSH: a person may have
// to touch the key.
const lastWait = 30 * time.Second

// Close hands the shared path to another process, or removes it where there is none, and ends the agent once it has
// finished what it was asked.
func (a *agentSocket) Close() error {
	err := a.retire()
	defer time.AfterFunc(lastWait, a.cancel).Stop()
	a.running.Wait()
	a.cancel()
	return err
}

// retire makes sure that nobody comes any more.
func (a *agentSocket) retire() error {
	unlock, err := lockFile(a.path + ".lock")
	if err != nil {
		return errors.Join(err, a.listener.Close())
	}
	defer unlock()
	if target, err := os.Readlink(a.path); err == nil && target == filepath.Base(a.own) {
		if err := a.handOver(); err != nil {
			return errors.Join(err, a.listener.Close())
		}
	}
	if err := a.greetSelf(); err != nil {
		return errors.Join(err, a.listener.Close())
	}
	return nil
}

// handOver points the shared path to another process that is alive.
func (a *agentSocket) handOver() error {
	others, err := filepath.Glob(globQuote(a.path) + ".*[0-9]")
	if err != nil {
		return err
	}
	for _, other := range others {
		if other == a.own {
			continue
		}
		if conn, err := net.Dial("unix", other); err == nil {
			_ = conn.Close() // it is there, that is all
			return a.point(other)
		}
	}
	return os.Remove(a.path)
}

// greetSelf makes accept end once it has accepted everybody, and stops listening.
func (a *agentSocket) greetSelf() error {
	from := &net.UnixAddr{Net: "unix", Name: a.own + farewell}
	defer os.Remove(from.Name)
	conn, err := net.DialUnix("unix", from, &net.UnixAddr{Net: "unix", Name: a.own})
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return err
	}
	return a.listener.Close() // removes the socket
}

// globQuote escapes what has a meaning in patterns.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}
