package demo

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"
)

// separatePorts serves what has a port of its own without TLS routing (transport sheet, section 1).
type separatePorts struct {
	kube     *tls.Config // nil where there are no Kubernetes clusters
	postgres *tls.Config
	log      *slog.Logger

	// Where connections go.
	toSSH       func(net.Conn)
	toTransport func(net.Conn)  // TLS untouched; nil where there is none
	toKube      func(net.Conn)  // TLS was terminated
	toDatabase  func(*tls.Conn) // TLS was terminated
}

// recordHandshake is the first byte of a TLS connection (RFC 8446, 5.1).
const recordHandshake = 22

// serveSSH tells SSH from TLS, which carries gRPC, by the first byte, where there is a choice.
func (s *separatePorts) serveSSH(c net.Conn) {
	if s.toTransport == nil {
		s.toSSH(c)
		return
	}
	var first [1]byte
	err := c.SetDeadline(time.Now().Add(helloTimeout))
	if err == nil {
		_, err = io.ReadFull(c, first[:])
	}
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	switch {
	case err != nil:
		_ = c.Close()
	case first[0] == recordHandshake:
		s.toTransport(replay(c, first[:]))
	default:
		s.toSSH(replay(c, first[:]))
	}
}

// serveKube does the handshake for Kubernetes; the server's name plays no part.
func (s *separatePorts) serveKube(c net.Conn) {
	if s.kube == nil {
		_ = c.Close()
		return
	}
	server := tls.Server(c, s.kube)
	if err := s.handshake(server); err != nil {
		s.refuse("Kubernetes", c, err)
		return
	}
	s.toKube(server)
}

// servePostgres waits for the request for TLS that PostgreSQL's own clients make (databases sheet, 2.2).
func (s *separatePorts) servePostgres(c net.Conn) {
	server := tls.Server(c, s.postgres)
	err := c.SetDeadline(time.Now().Add(helloTimeout))
	if err == nil {
		err = acceptPGTLS(c)
	}
	if err == nil {
		err = s.handshake(server)
	}
	if err != nil {
		s.refuse("PostgreSQL", c, err)
		return
	}
	s.toDatabase(server)
}

// acceptPGTLS answers requests for encryption until one is for TLS.
func acceptPGTLS(c net.Conn) error {
	for range 2 {
		raw, err := readPGPacket(c)
		if err != nil {
			return err
		}
		answer := byte('N')
		switch code := binary.BigEndian.Uint32(raw[4:8]); code {
		case pgSSLRequest:
			answer = 'S'
		case pgGSSRequest:
		default:
			return fmt.Errorf("code %d before TLS: %w", code, errPGStartup)
		}
		if _, err := c.Write([]byte{answer}); err != nil || answer == 'S' {
			return err
		}
	}
	return errPGStartup
}

func (s *separatePorts) handshake(c *tls.Conn) error {
	return errors.Join(c.SetDeadline(time.Now().Add(helloTimeout)), c.Handshake(), c.SetDeadline(time.Time{}))
}

func (s *separatePorts) refuse(what string, c net.Conn, err error) {
	s.log.Debug("a port of its own", "service", what, "err", err)
	_ = c.Close()
}
