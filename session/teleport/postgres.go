package teleport

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// postgresSSLRequest is the code of the request for TLS that comes before everything else (PostgreSQL documentation,
// "Message Formats", SSLRequest).
const postgresSSLRequest = 80877103

// askPostgresTLS asks a PostgreSQL listener for TLS. It answers one byte, "S", before the handshake.
func askPostgresTLS(conn net.Conn) error {
	request := binary.BigEndian.AppendUint32(nil, 8)
	request = binary.BigEndian.AppendUint32(request, postgresSSLRequest)
	if _, err := conn.Write(request); err != nil {
		return fmt.Errorf("asking for TLS: %w", err)
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return fmt.Errorf("asking for TLS: %w", err)
	}
	if answer[0] != 'S' {
		return fmt.Errorf("asking for TLS: %w", ErrNoRoute)
	}
	return nil
}
