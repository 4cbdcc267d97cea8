package localproxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/touchstone-app/touchstone/internal/fault"
)

// DatabaseRefusal speaks a database protocol; the zero value where it is not known well enough to say anything.
func DatabaseRefusal(protocol string) Refusal {
	switch protocol {
	case "postgres", "cockroachdb":
		return Refusal{Hear: hearPostgres, Say: sayPostgres}
	default:
		return Refusal{}
	}
}

// Codes that PostgreSQL's clients send in the place of a protocol version (its protocol documentation, "Message
// Formats").
const (
	postgresSSL = 80877103
	postgresGSS = 80877104
	// postgresLongest is the longest first packet that servers read.
	postgresLongest = 10000
)

var errNotPostgres = errors.New("the client does not speak PostgreSQL's protocol")

// hearPostgres answers the client's first packets as a server without encryption would, up to the start itself.
func hearPostgres(client net.Conn) error {
	for range 3 { // at most both questions for encryption and the start
		code, err := readPostgresStart(client)
		if err != nil || code != postgresSSL && code != postgresGSS {
			return err
		}
		if _, err := client.Write([]byte{'N'}); err != nil {
			return err
		}
	}
	return errNotPostgres
}

// readPostgresStart reads one packet of the form that only the first ones have and returns its code.
func readPostgresStart(r io.Reader) (uint32, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, fmt.Errorf("reading the first packet: %w", err)
	}
	length := binary.BigEndian.Uint32(head[:4])
	if length < uint32(len(head)) || length > postgresLongest {
		return 0, errNotPostgres
	}
	if _, err := io.CopyN(io.Discard, r, int64(length)-int64(len(head))); err != nil {
		return 0, fmt.Errorf("reading the first packet: %w", err)
	}
	return binary.BigEndian.Uint32(head[4:]), nil
}

// sayPostgres is an ErrorResponse: fatal, for want of a connection (SQLSTATE 08006).
func sayPostgres(why error) []byte {
	fields := slices.Concat([]byte("SFATAL\x00VFATAL\x00C08006\x00M"), []byte(sentences(why)), []byte{0, 0})
	return append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(fields)+4)), fields...)
}

// sentences are what a person should read of an error.
func sentences(err error) string {
	if errors.Is(err, context.Canceled) {
		return "What Touchstone asked for was cancelled. Connect again to be asked once more."
	}
	f := fault.From(err)
	return f.What + " " + f.Do
}
