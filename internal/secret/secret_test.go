package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestTakeMovesTheText(t *testing.T) {
	text := []byte("123456")
	s := Take(text)
	defer s.Wipe()
	if !bytes.Equal(text, make([]byte, 6)) {
		t.Errorf("the source still holds %q", text)
	}
	if got := string(s.Reveal()); got != "123456" {
		t.Errorf("Reveal() = %q, want 123456", got)
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	s := New([]byte("hunter22"))
	defer s.Wipe()
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pin", s)
	_, err := json.Marshal(s)
	if err == nil {
		t.Error("json.Marshal encoded a secret")
	}
	holder := struct{ PIN *Bytes }{s}
	all := fmt.Sprint(s, holder) + fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s) + log.String()
	if strings.Contains(all, "hunter22") || strings.Contains(all, "68756e74") {
		t.Errorf("the secret was printed: %s", all)
	}
}

func TestWipeEmptiesEveryCopy(t *testing.T) {
	s := New([]byte("123456"))
	other := s
	s.Wipe()
	s.Wipe()
	if other.Len() != 0 || other.Reveal() != nil {
		t.Errorf("a wiped secret still has %d bytes", other.Len())
	}
	var none *Bytes
	none.Wipe()
	if none.Len() != 0 {
		t.Error("a nil secret is not empty")
	}
}

func TestEqualAndClone(t *testing.T) {
	a := New([]byte("123456"))
	b := a.Clone()
	if !a.Equal(b) {
		t.Error("a clone is not equal to its original")
	}
	a.Wipe()
	if got := string(b.Reveal()); got != "123456" {
		t.Errorf("wiping the original changed the clone to %q", got)
	}
	if a.Equal(b) {
		t.Error("a wiped secret equals a live one")
	}
	b.Wipe()
}
