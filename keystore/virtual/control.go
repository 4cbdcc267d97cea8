package virtual

import (
	"bufio"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
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
//	answer INS SW [COUNT]   the card answers the next COUNT commands INS with the status word SW and does nothing
//	stall INS [COUNT]       nobody answers the next COUNT TRANSMITs with INS until the card is reset or pulled
//	delay INS MS            every TRANSMIT with INS takes MS milliseconds longer; 0 ends that
//	refuse MS               the card refuses everything for MS milliseconds, as after a tap for FIDO
//	card out|in             the card leaves the reader, which stays, or comes back
//	occupy exclusive|transaction, release
//	                        another program keeps the card to itself
//	reset                   another program resets the card
//	service stop|start      the smart-card service ends, or runs again

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
