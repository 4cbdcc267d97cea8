package virtual

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// The control socket takes commands, one per line, and answers each with one line of JSON: the status after the
// command, or an error.
//
//	status                  nothing but the answer
//	touch                   press the contact
//	plug, unplug            put the card in or pull it
//	mode auto|wait|ignore   who touches from now on
//	fail INS RV [COUNT]     the next COUNT (1) TRANSMITs with instruction INS fail with PC/SC code RV, both in hex

// maxCommandLine is more than any command needs.
const maxCommandLine = 256

// controlAnswer is one line of the answer: Status or Error is set.
type controlAnswer struct {
	*Status
	Error string `json:"error,omitempty"`
}

// controlServer serves the control socket.
type controlServer struct {
	listener *net.UnixListener
	key      *Key
	log      *slog.Logger
	wg       sync.WaitGroup

	mu     sync.Mutex
	closed bool                  // guarded by mu
	conns  map[net.Conn]struct{} // guarded by mu
}

func startControl(listener *net.UnixListener, key *Key, log *slog.Logger) *controlServer {
	s := &controlServer{listener: listener, key: key, log: log, conns: map[net.Conn]struct{}{}}
	s.wg.Go(s.accept)
	return s
}

func (s *controlServer) accept() {
	for {
		conn, err := s.listener.AcceptUnix()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.log.Error("accepting a control connection", "err", err)
			}
			return
		}
		if err := checkPeer(conn, os.Getuid()); err != nil {
			s.log.Warn("refusing a control connection", "err", err)
			conn.Close()
			continue
		}
		s.serve(conn)
	}
}

func (s *controlServer) serve(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return
	}
	s.conns[conn] = struct{}{}
	s.wg.Go(func() { s.answer(conn) })
}

// answer carries out commands until the connection ends.
func (s *controlServer) answer(conn net.Conn) {
	defer s.forget(conn)
	lines := bufio.NewScanner(conn)
	lines.Buffer(make([]byte, maxCommandLine), maxCommandLine)
	answers := json.NewEncoder(conn)
	for lines.Scan() {
		answer := controlAnswer{}
		if err := s.key.obey(lines.Text()); err != nil {
			answer.Error = err.Error()
		} else {
			status := s.key.Status()
			answer.Status = &status
		}
		if err := answers.Encode(answer); err != nil {
			return
		}
	}
}

func (s *controlServer) forget(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// close ends all connections and waits for them.
func (s *controlServer) close() error {
	s.mu.Lock()
	s.closed = true
	err := s.listener.Close()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

// obey carries out one command of the control socket.
func (k *Key) obey(line string) error {
	words := strings.Fields(line)
	if len(words) == 0 {
		return errors.New("the command is empty: use status, touch, plug, unplug, mode or fail")
	}
	name, args := words[0], words[1:]
	switch {
	case name == "fail":
		return k.obeyFail(args)
	case name == "mode" && len(args) == 1:
		return k.SetTouch(TouchMode(args[0]))
	case len(args) > 0:
		return fmt.Errorf("%q takes no arguments like these", name)
	case name == "status":
		return nil
	case name == "touch":
		k.Touch()
	case name == "plug":
		k.Plug()
	case name == "unplug":
		k.Unplug()
	default:
		return fmt.Errorf("%q is not a command: use status, touch, plug, unplug, mode or fail", name)
	}
	return nil
}

func (k *Key) obeyFail(args []string) error {
	fault, err := parseFault(args)
	if err != nil {
		return err
	}
	k.server.inject(fault)
	return nil
}

// parseFault reads INS RV [COUNT].
func parseFault(args []string) (transmitFault, error) {
	if len(args) < 2 || len(args) > 3 {
		return transmitFault{}, errors.New("usage: fail INS RV [COUNT], for example fail a4 80100016 10")
	}
	ins, err := strconv.ParseUint(args[0], 16, 8)
	if err != nil {
		return transmitFault{}, fmt.Errorf("reading the instruction %q: %w", args[0], errors.Unwrap(err))
	}
	rv, err := strconv.ParseUint(args[1], 16, 32)
	if err != nil {
		return transmitFault{}, fmt.Errorf("reading the PC/SC code %q: %w", args[1], errors.Unwrap(err))
	}
	if rv == uint64(scardOK) {
		return transmitFault{}, errors.New("the PC/SC code 0 is no failure")
	}
	fault := transmitFault{ins: byte(ins), rv: result(rv), count: 1}
	if len(args) == 3 {
		fault.count, err = strconv.Atoi(args[2])
		if err != nil || fault.count < 1 {
			return transmitFault{}, fmt.Errorf("%q is not a count: use 1 or more", args[2])
		}
	}
	return fault, nil
}
