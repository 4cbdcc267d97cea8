package keystore

import (
	"crypto"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/touchstone-app/touchstone/internal/secret"
)

// The store and its worker process exchange frames over a pair of pipes. A frame is a length (4 bytes, big endian)
// and that many bytes of JSON. A request is followed by its secrets, outside the JSON so that no decoder copies
// them: for each of PIN, new PIN, PUK and management key one length byte and the bytes. The worker answers a request with any
// number of notices, which are replies with Opened or Waiting, and then one reply that is none.

// maxFrame bounds the JSON of a frame. The largest reply holds a slot's three certificates, about 6 kB.
const maxFrame = 64 << 10

// maxSecret is the longest secret that a request carries; PIV knows PINs of at most 8 bytes and management keys of 32.
const maxSecret = 64

// op names what the worker is to do.
type op string

const (
	opReaders    op = "readers"    // list the readers
	opInfo       op = "info"       // read serial, model and PIN state of the card
	opDescribe   op = "describe"   // read what is in all slots, and about the management key
	opManagement op = "management" // read what the card tells about the management key
	opInspect    op = "inspect"    // read what is in a slot
	opGenerate   op = "generate"   // make a key in a slot, and the marker
	opMark       op = "mark"       // make the marker of the key that is in a slot
	opSign       op = "sign"       // sign a digest
	opVerify     op = "verify"     // check the PIN
	opSetUp      op = "set up"     // replace PIN and PUK, then check both
	opRelease    op = "release"    // close the card if it is held
)

// request is one order to the worker. Which fields matter depends on Op.
type request struct {
	Op       op          `json:"op"`
	Reader   string      `json:"reader,omitempty"`
	Serial   uint32      `json:"serial,omitempty"` // refuse any other card; zero takes the one that is there
	Slot     Slot        `json:"slot,omitempty"`
	Policy   Policy      `json:"policy"`
	Public   []byte      `json:"public,omitempty"` // PKIX DER of the key that must be in the slot
	Form     string      `json:"form,omitempty"`   // form factor of the card, if known already
	Digest   []byte      `json:"digest,omitempty"`
	Always   bool        `json:"always,omitempty"` // the key wants the PIN right before each use
	Hash     crypto.Hash `json:"hash,omitempty"`
	Unit     string      `json:"unit,omitempty"`      // organisational unit of the marker
	Model    string      `json:"model,omitempty"`     // of the card, if known already
	ResetPUK bool        `json:"reset_puk,omitempty"` // PUK replaces the factory PUK; else it is the present one
	Contents string      `json:"contents,omitempty"`  // what may be overwritten, as in SlotDetails
	Stored   bool        `json:"stored,omitempty"`    // the management key is stored on the card behind the PIN
	// ManagementTouch says that the management key costs a touch.
	ManagementTouch bool `json:"management_touch,omitempty"`
	Hold            bool `json:"hold,omitempty"` // leave the card open for the next request

	secrets secrets

	// The rest does not travel. The worker's side:
	held   *holder
	notify func(reply)
	// The store's side:
	busy bool      // the card may be waiting for a touch that nobody wants any more
	hold *heldWait // who is told that another program has the card; nil for nobody
}

// secrets travel beside a request. Whoever holds them wipes them.
type secrets struct {
	PIN, NewPIN, PUK *secret.Bytes
	Management       *secret.Bytes // the management key; nil for the factory's or the stored one
}

func (s *secrets) all() []**secret.Bytes {
	return []**secret.Bytes{&s.PIN, &s.NewPIN, &s.PUK, &s.Management}
}

func (s *secrets) wipe() {
	for _, one := range s.all() {
		(*one).Wipe()
	}
}

// reply is one answer of the worker.
type reply struct {
	// Opened and Waiting make a reply a notice, which the answer follows: the card is open; from now on it may be
	// waiting for a touch. Missed says that it has just given up waiting, and waits once more.
	Opened  bool     `json:"opened,omitempty"`
	Waiting bool     `json:"waiting,omitempty"`
	Missed  bool     `json:"missed,omitempty"`
	Failure *failure `json:"failure,omitempty"`

	Readers    []readerInfo       `json:"readers,omitempty"`
	InUse      []string           `json:"in_use,omitempty"` // the readers among them that a program is connected to
	Card       *cardInfo          `json:"card,omitempty"`
	Slot       *slotContents      `json:"slot,omitempty"`
	Signature  []byte             `json:"signature,omitempty"`
	Reading    *cardReading       `json:"reading,omitempty"`
	Management *ManagementDetails `json:"management,omitempty"`
}

// readerInfo is a reader that may hold a YubiKey.
type readerInfo struct {
	Name   string `json:"name"`
	Events uint16 `json:"events,omitempty"` // another number means another card, or the same one put back
}

// cardInfo is what a card says about itself.
type cardInfo struct {
	Serial   uint32 `json:"serial"`
	Firmware string `json:"firmware"`
	Model    string `json:"model"`
	// FormFactor is its shape in words; empty where it is not known.
	FormFactor string `json:"form_factor,omitempty"`
	// PINTold says that an older card told how many attempts the PIN has left; one whose PIN is verified does not.
	PINTold bool `json:"pin_told,omitempty"`
	// Known says that the card told the state of PIN and PUK (firmware 5.3 and newer).
	Known        bool `json:"known,omitempty"`
	PINIsDefault bool `json:"pin_is_default,omitempty"`
	PUKIsDefault bool `json:"puk_is_default,omitempty"`
	PINTotal     int  `json:"pin_total,omitempty"` // attempts after a right PIN
	PINAttempts  int  `json:"pin_attempts,omitempty"`
	PUKTotal     int  `json:"puk_total,omitempty"`
	PUKAttempts  int  `json:"puk_attempts,omitempty"`
}

// slotContents is what a slot holds; all fields are DER and may be empty.
type slotContents struct {
	Certificate []byte `json:"certificate,omitempty"` // the certificate object
	Attestation []byte `json:"attestation,omitempty"` // the card's statement about the key
	Device      []byte `json:"device,omitempty"`      // the certificate of the key that signed the statement
	// Unattested says that the slot holds a key that was imported, and Algorithm which kind.
	Unattested bool `json:"unattested,omitempty"`
	// Hidden says that an imported key would not be shown (firmware before 5.3).
	Hidden    bool   `json:"hidden,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
}

// isNotice reports whether the answer is still to come.
func (r *reply) isNotice() bool { return r.Opened || r.Waiting }

func writeRequest(w io.Writer, r *request) error {
	if err := writeFrame(w, r); err != nil {
		return err
	}
	for _, one := range r.secrets.all() {
		text := (*one).Reveal() // written straight from its own memory: no copy but the pipe's
		if len(text) > maxSecret {
			return fmt.Errorf("a secret of %d bytes is longer than %d", len(text), maxSecret)
		}
		if _, err := w.Write([]byte{byte(len(text))}); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// readRequest reads one request; the caller wipes its secrets. Give it a reader without a buffer of its own, else
// secrets stay in that buffer. The error at a clean end is io.EOF.
func readRequest(r io.Reader) (*request, error) {
	var q request
	if err := readFrame(r, &q); err != nil {
		return nil, err
	}
	for _, one := range q.secrets.all() {
		s, err := readSecret(r)
		if err != nil {
			q.secrets.wipe()
			return nil, fmt.Errorf("reading a secret: %w", err)
		}
		*one = s
	}
	return &q, nil
}

func readSecret(r io.Reader) (*secret.Bytes, error) {
	var buf [maxSecret]byte
	if _, err := io.ReadFull(r, buf[:1]); err != nil {
		return nil, noEOF(err)
	}
	n := int(buf[0])
	if n > maxSecret {
		return nil, fmt.Errorf("%d bytes are more than %d", n, maxSecret)
	}
	defer clear(buf[:])
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		return nil, noEOF(err)
	}
	if n == 0 {
		return nil, nil
	}
	return secret.Take(buf[:n]), nil
}

func writeFrame(w io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding a frame: %w", err)
	}
	if len(body) > maxFrame {
		return fmt.Errorf("a frame of %d bytes is longer than %d", len(body), maxFrame)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err = w.Write(append(frame, body...))
	return err
}

func readFrame(r io.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return fmt.Errorf("a frame of %d bytes is longer than %d", n, maxFrame)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return noEOF(err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("decoding a frame: %w", err)
	}
	return nil
}

// noEOF keeps an end in the middle of a frame from looking like a clean end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
