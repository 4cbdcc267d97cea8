package keystore

import (
	"bytes"
	"crypto"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/touchstone-app/touchstone/internal/secret"
)

func TestARequestArrivesAsItWasSentWithItsSecretsOutsideTheJSON(t *testing.T) {
	sent := &request{
		Op: opSign, Reader: "Yubico YubiKey 00 00", Serial: 12345678, Slot: Slot9D, Policy: Policy{Touch: true, PIN: true},
		Public: []byte{1, 2}, Digest: bytes.Repeat([]byte{7}, 32), Hash: crypto.SHA256, Unit: "Touchstone",
		secrets: secrets{PIN: secret.New([]byte("739154")), PUK: secret.New([]byte("60518273"))},
	}
	var wire bytes.Buffer
	if err := writeRequest(&wire, sent); err != nil {
		t.Fatal(err)
	}
	length := int(wire.Bytes()[2])<<8 | int(wire.Bytes()[3])
	if text := string(wire.Bytes()[4 : 4+length]); strings.Contains(text, "739154") || strings.Contains(text, "60518273") {
		t.Errorf("the JSON holds a secret: %s", text)
	}
	got, err := readRequest(&wire)
	if err != nil {
		t.Fatal(err)
	}
	defer got.secrets.wipe()
	was, is := sent.secrets, got.secrets
	if !is.PIN.Equal(was.PIN) || !is.PUK.Equal(was.PUK) || is.NewPIN.Len() != 0 {
		t.Error("the secrets did not arrive as they were sent")
	}
	if diff := cmp.Diff(sent, got, cmpopts.IgnoreUnexported(request{})); diff != "" {
		t.Errorf("the request changed on its way:\n%s", diff)
	}
}

func TestATornRequestIsNoCleanEnd(t *testing.T) {
	var wire bytes.Buffer
	q := &request{Op: opVerify, secrets: secrets{PIN: secret.New([]byte("739154"))}}
	if err := writeRequest(&wire, q); err != nil {
		t.Fatal(err)
	}
	whole := wire.Bytes()
	if _, err := readRequest(bytes.NewReader(nil)); !errors.Is(err, io.EOF) {
		t.Errorf("an empty input gives %v, want io.EOF", err)
	}
	for n := 1; n < len(whole); n++ {
		if _, err := readRequest(bytes.NewReader(whole[:n])); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("a request cut off after %d of %d bytes gives %v", n, len(whole), err)
		}
	}
}

func TestOversizedFramesAreRefused(t *testing.T) {
	if err := writeFrame(io.Discard, &reply{Signature: make([]byte, maxFrame)}); err == nil {
		t.Error("a frame over the limit was written")
	}
	if _, err := readRequest(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff})); err == nil {
		t.Error("a frame over the limit was read")
	}
	q := &request{secrets: secrets{PIN: secret.New(make([]byte, maxSecret+1))}}
	if err := writeRequest(io.Discard, q); err == nil {
		t.Error("a secret over the limit was written")
	}
}

func FuzzReadRequest(f *testing.F) {
	var wire bytes.Buffer
	if err := writeRequest(&wire, &request{Op: opVerify, secrets: secrets{PIN: secret.New([]byte("739154"))}}); err != nil {
		f.Fatal(err)
	}
	f.Add(wire.Bytes())
	f.Add([]byte{0, 0, 0, 2, '{', '}', 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := readRequest(bytes.NewReader(data))
		if err != nil {
			return
		}
		defer q.secrets.wipe()
		var again bytes.Buffer
		if err := writeRequest(&again, q); err != nil {
			t.Fatalf("a request that was read cannot be written: %v", err)
		}
		second, err := readRequest(&again)
		if err != nil {
			t.Fatalf("a request that was written cannot be read: %v", err)
		}
		defer second.secrets.wipe()
		if !second.secrets.PIN.Equal(q.secrets.PIN) || second.Op != q.Op {
			t.Error("the request changed on its way")
		}
	})
}

func FuzzCardAnswers(f *testing.F) {
	f.Add([]byte{0x01, 0x01, 0xff, 0x05, 0x01, 0x01, 0x06, 0x02, 0x03, 0x03, 0x90, 0x00})
	f.Add([]byte{0x0c, 0x04, 0x01, 0x03, 0x0d, 0x02, 0x02, 0x3f, 0x90, 0x00})
	f.Fuzz(func(t *testing.T, answer []byte) {
		var card cardInfo
		card.addMetadata(answer, answer)
		if !strings.HasPrefix(modelName("5.4.3", answer), "YubiKey 5") {
			t.Errorf("an answer of %x makes the model %q", answer, modelName("5.4.3", answer))
		}
	})
}
