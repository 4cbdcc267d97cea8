package teleport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// secretBody encodes message with password as the text member called member, which message itself leaves empty. The
// password goes straight into memory of our own: encoding/json would leave copies of it in memory that nobody wipes.
func secretBody(message any, member string, password *secret.Bytes) (*secret.Bytes, error) {
	outline, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encoding a request: %w", err)
	}
	return insertSecret(secret.New(outline), member, password)
}

// insertSecret returns body with password as the text member called member, which is empty in body. It wipes body.
func insertSecret(outline *secret.Bytes, member string, password *secret.Bytes) (*secret.Bytes, error) {
	defer outline.Wipe()
	// Inside a JSON text every quote has a backslash before it, so this is found in no other member's text.
	before, after, found := bytes.Cut(outline.Reveal(), []byte(`"`+member+`":""`))
	if !found {
		return nil, fmt.Errorf("encoding a request: no empty member %q", member)
	}
	text := password.Reveal()
	size := len(before) + len(member) + len(`"":`) + jsonStringLen(text) + len(after)
	body := secret.New(make([]byte, size))
	buf := body.Reveal()[:0]
	buf = append(buf, before...)
	buf = append(buf, '"')
	buf = append(buf, member...)
	buf = append(buf, '"', ':')
	buf = appendJSONString(buf, text)
	copy(buf[len(buf):size], after)
	return body, nil
}

// jsonStringLen is the length of what appendJSONString appends.
func jsonStringLen(text []byte) int {
	n := len(`""`)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		n += len(jsonRune(r, text[:size], &[6]byte{}))
		text = text[size:]
	}
	return n
}

// appendJSONString appends text as a JSON string (RFC 8259, section 7). Bytes that are not UTF-8 become U+FFFD, as
// encoding/json has it.
func appendJSONString(buf, text []byte) []byte {
	var scratch [6]byte
	buf = append(buf, '"')
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		buf = append(buf, jsonRune(r, text[:size], &scratch)...)
		text = text[size:]
	}
	clear(scratch[:])
	return append(buf, '"')
}

// jsonRune returns the JSON form of one rune, raw being its bytes. It may use scratch.
func jsonRune(r rune, raw []byte, scratch *[6]byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return []byte("\ufffd")
	case r == '"' || r == '\\':
		scratch[0], scratch[1] = '\\', byte(r)
		return scratch[:2]
	case r < 0x20:
		copy(scratch[:], `\u00`)
		scratch[4], scratch[5] = hex[r>>4], hex[r&0xf]
		return scratch[:6]
	default:
		return raw
	}
}

// errWiped: a request that was answered early may still be read by the HTTP library.
var errWiped = errors.New("the request was answered before it was sent")

// wipedReader lets the HTTP library read a secret body, as often as it repeats the request, until it is wiped. The
// library may still be reading on a goroutine of its own when a call returns, so reading and wiping exclude each other.
type wipedReader struct {
	mu      sync.Mutex
	content *secret.Bytes // nil once wiped; guarded by mu
}

func (w *wipedReader) wipe() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.content.Wipe()
	w.content = nil
}

func (w *wipedReader) fromStart() io.ReadCloser { return &wipedCursor{from: w} }

// wipedCursor is one reading of a wipedReader.
type wipedCursor struct {
	from *wipedReader
	done int // bytes read
}

func (c *wipedCursor) Read(p []byte) (int, error) {
	c.from.mu.Lock()
	defer c.from.mu.Unlock()
	if c.from.content == nil {
		return 0, errWiped
	}
	rest := c.from.content.Reveal()[c.done:]
	if len(rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, rest)
	c.done += n
	return n, nil
}

func (c *wipedCursor) Close() error { return nil }
