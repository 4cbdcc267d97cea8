package fido

import (
	"encoding/binary"
	"errors"
)

// unwrapBytes takes the bytes out of a CBOR byte string: libfido2 hands authenticator data out as it came, inside one
// (RFC 8949, 3.1).
func unwrapBytes(b []byte) ([]byte, error) {
	const major, majorMask = 2 << 5, 7 << 5
	if len(b) == 0 || b[0]&majorMask != major {
		return nil, errNoByteString
	}
	short, rest := b[0]&^majorMask, b[1:]
	var n int
	switch {
	case short < 24:
		n = int(short)
	case short == 24 && len(rest) >= 1:
		n, rest = int(rest[0]), rest[1:]
	case short == 25 && len(rest) >= 2:
		n, rest = int(binary.BigEndian.Uint16(rest)), rest[2:]
	default:
		return nil, errNoByteString
	}
	if n != len(rest) {
		return nil, errNoByteString
	}
	return rest, nil
}

var errNoByteString = errors.New("reading authenticator data: it is not a CBOR byte string")
