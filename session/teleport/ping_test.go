package teleport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// frames is what a proxy would send: one frame for each text, a ping for an empty one.
func frames(texts ...string) []byte {
	var b []byte
	for _, text := range texts {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	return b
}

func TestPingsAreNoPayload(t *testing.T) {
	ours, theirs := pipe()
	conn := &pingConn{Conn: ours}
	long := strings.Repeat("x", 70<<10)
	if _, err := theirs.Write(frames("", "a", "", "", "bc", long, "")); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "abc"+long {
		t.Errorf("read %d bytes, %v, want the payload alone", len(got), err)
	}
}

func TestEachWriteIsOneFrame(t *testing.T) {
	ours, theirs := pipe()
	conn := &pingConn{Conn: ours}
	for _, text := range []string{"select", "", "1"} {
		if n, err := io.WriteString(conn, text); n != len(text) || err != nil {
			t.Fatalf("writing %q: %d, %v", text, n, err)
		}
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(theirs); !bytes.Equal(got, frames("select", "1")) {
		t.Errorf("the proxy got %q", got)
	}
}

func TestAFrameThatBreaksOffIsNoOrdinaryEnd(t *testing.T) {
	for name, sent := range map[string][]byte{"in its head": {0, 0}, "in its payload": {0, 0, 0, 5, 'a'}, "before its payload": {0, 0, 0, 5}} {
		ours, theirs := pipe()
		_, _ = theirs.Write(sent)
		_ = theirs.Close()
		if got, err := io.ReadAll(&pingConn{Conn: ours}); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
	}
}

func FuzzPingConn(f *testing.F) {
	f.Add(frames("", "ab", "c"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, theirs := pipe()
		_, _ = theirs.Write(data)
		_ = theirs.Close()
		got, err := io.ReadAll(&pingConn{Conn: ours})
		if len(got) > len(data) {
			t.Errorf("%d bytes became %d", len(data), len(got))
		}
		if err == nil && !bytes.Equal(frames(string(got)), data) && len(data) < pingHead && len(data) > 0 {
			t.Errorf("half a head was an ordinary end")
		}
	})
}
