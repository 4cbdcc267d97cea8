package demo

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// postgres is a private, real PostgreSQL that only accepts TLS with client certificates. The first connection starts
// it, and with the cluster it is gone: its data are for trying, and start anew each time.
type postgres struct {
	programs string // folder of the server's programs
	account  serverAccount
	ca       *authority // of servers and clients
	log      *slog.Logger
	ctx      context.Context // of the cluster
	owner    *group

	starting sync.Once
	addr     string // set by starting
	err      error  // set by starting
}

// The people and the database in it. Each role exists as the same name in the server.
const (
	postgresWriter   = "writer"
	postgresReader   = "reader"
	postgresDatabase = "orders"
)

// postgresRoles and postgresTables are what the server begins with, a statement per line.
const (
	postgresRoles = `CREATE ROLE writer LOGIN
CREATE ROLE reader LOGIN
GRANT pg_read_all_data TO reader
CREATE DATABASE orders OWNER writer
`
	postgresTables = `SET SESSION AUTHORIZATION writer
CREATE TABLE orders (id int PRIMARY KEY, customer text NOT NULL, amount numeric(10,2) NOT NULL)
INSERT INTO orders VALUES (1, 'Ada', 12.50), (2, 'Grace', 99.00), (3, 'Edsger', 7.25)
`
)

// postgresAccess lets in nobody but who shows a certificate for the role's name.
const postgresAccess = "hostssl all all 127.0.0.1/32 cert\n"

// findPostgres returns the folder of the newest server's programs where Debian puts them.
func findPostgres() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.New("there is no PostgreSQL server on this computer: install the package postgresql")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
	return filepath.Dir(newest), nil
}

// address starts the server when it is called first.
func (p *postgres) address() (string, error) {
	p.starting.Do(func() { p.addr, p.err = p.start() })
	return p.addr, p.err
}

func (p *postgres) start() (addr string, err error) {
	folder, err := os.MkdirTemp(p.account.base(), "touchstone-postgres-")
	if err != nil {
		return "", fmt.Errorf("making a folder for PostgreSQL: %w", err)
	}
	if err := p.fill(folder); err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	return p.run(folder)
}

// fill makes the server's files.
func (p *postgres) fill(folder string) error {
	data := filepath.Join(folder, "data")
	if err := p.account.own(folder); err != nil {
		return err
	}
	steps := []struct {
		program, input string
		args           []string
	}{
		{"initdb", "", []string{"-D", data, "-U", "postgres", "-A", "reject", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"}},
		{"postgres", postgresRoles, []string{"--single", "-D", data, "-F", "-c", "exit_on_error=on", "postgres"}},
		{"postgres", postgresTables, []string{"--single", "-D", data, "-F", "-c", "exit_on_error=on", postgresDatabase}},
	}
	for _, s := range steps {
		command := p.command(folder, s.program, s.args...)
		command.Stdin = strings.NewReader(s.input)
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("preparing PostgreSQL: %s: %w: %s", s.program, err, out)
		}
	}
	return p.writeKeys(data)
}

func (p *postgres) writeKeys(data string) error {
	key, err := newECKey()
	if err != nil {
		return fmt.Errorf("making PostgreSQL's key: %w", err)
	}
	cert, err := p.ca.leafCertificate(key, "localhost", time.Now())
	if err != nil {
		return err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"server.crt": certPEM(cert.Certificate[0]), "server.key": keyPEM, "root.crt": certPEM(p.ca.cert.Raw),
		"pg_hba.conf": []byte(postgresAccess),
	} {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("writing PostgreSQL's files: %w", err)
		}
		if err := p.account.own(path); err != nil {
			return err
		}
	}
	return nil
}

// command is one of the server's programs. It ends with the cluster.
func (p *postgres) command(folder, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(p.ctx, filepath.Join(p.programs, program), args...)
	command.Dir = folder
	command.Env = []string{plainPath, "HOME=" + folder, "LC_ALL=C.UTF-8", "TZ=UTC"}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGQUIT) } // at once, saving nothing
	command.WaitDelay = 5 * time.Second
	p.account.apply(command)
	return command
}

// settings of the server. Nothing needs to survive a crash, so it never waits for a disk.
var postgresSettings = []string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "ssl=on", "ssl_ca_file=root.crt",
	"fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
	"max_connections=60", "shared_buffers=32MB", "logging_collector=off", "log_destination=stderr"}

// run starts the server on a free port and waits until it answers.
func (p *postgres) run(folder string) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	args := []string{"-D", filepath.Join(folder, "data"), "-p", strconv.Itoa(port)}
	for _, setting := range postgresSettings {
		args = append(args, "-c", setting)
	}
	command := p.command(folder, "postgres", args...)
	stderr, err := command.StderrPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("starting PostgreSQL: %w", err), os.RemoveAll(folder))
	}
	ready := make(chan bool, 1)
	p.owner.run(func() { _ = command.Cancel() }, func() {
		p.watch(stderr, ready)
		_ = command.Wait() // how it ended is in its log
		_ = os.RemoveAll(folder)
	})
	if !<-ready {
		return "", errors.New("starting PostgreSQL: it ended at once")
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), nil
}

// watch passes the server's log on, says once whether it became ready, and returns when it has ended.
func (p *postgres) watch(log io.Reader, ready chan<- bool) {
	said := false
	for lines := bufio.NewScanner(log); lines.Scan(); {
		p.log.Debug("postgres", "line", lines.Text())
		if !said && strings.Contains(lines.Text(), "database system is ready to accept connections") {
			said = true
			ready <- true
		}
	}
	if !said {
		ready <- false
	}
}

// freePort is a port that nobody has at the moment.
func freePort() (int, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a port: %w", err)
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
