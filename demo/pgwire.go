package demo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The first packets of PostgreSQL's protocol (its documentation, "Message Formats").
const (
	pgVersion3   = 3 << 16
	pgSSLRequest = 80877103
	pgGSSRequest = 80877104
	pgMaxStartup = 10000
)

// pgStartup is a StartupMessage.
type pgStartup struct {
	raw        []byte // as it came
	user, name string // of the database role, of the database
}

var errPGStartup = errors.New("not a PostgreSQL startup packet")

// readPGStartup reads up to the StartupMessage; requests for encryption that may come are answered with no, since the
// tunnel is encrypted (databases sheet, 2.2).
func readPGStartup(client io.ReadWriter, may ...uint32) (*pgStartup, error) {
	for range 3 {
		raw, err := readPGPacket(client)
		if err != nil {
			return nil, err
		}
		switch code := binary.BigEndian.Uint32(raw[4:8]); {
		case slices.Contains(may, code):
			if _, err := client.Write([]byte{'N'}); err != nil {
				return nil, err
			}
		case code == pgVersion3:
			return parsePGStartup(raw)
		default:
			return nil, fmt.Errorf("code %d: %w", code, errPGStartup)
		}
	}
	return nil, errPGStartup
}

// readPGPacket reads one packet of the form that only the first ones have.
func readPGPacket(r io.Reader) ([]byte, error) {
	raw := make([]byte, 8)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(raw)
	if length < 8 || length > pgMaxStartup {
		return nil, errPGStartup
	}
	raw = append(raw, make([]byte, length-8)...)
	_, err := io.ReadFull(r, raw[8:])
	return raw, err
}

// parsePGStartup reads pairs of strings, ended by an empty one.
func parsePGStartup(raw []byte) (*pgStartup, error) {
	s := &pgStartup{raw: raw}
	words := bytes.Split(raw[8:], []byte{0})
	for i := 0; i+1 < len(words) && len(words[i]) > 0; i += 2 {
		switch string(words[i]) {
		case "user":
			s.user = string(words[i+1])
		case "database":
			s.name = string(words[i+1])
		}
	}
	if s.user == "" {
		return nil, fmt.Errorf("no user: %w", errPGStartup)
	}
	if s.name == "" {
		s.name = s.user // the server's rule
	}
	return s, nil
}

// pgError is an ErrorResponse that ends a connection.
func pgError(code, text string) []byte {
	body := slices.Concat([]byte("SFATAL\x00VFATAL\x00C"+code+"\x00M"+text), []byte{0, 0})
	return append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(4+len(body))), body...)
}
