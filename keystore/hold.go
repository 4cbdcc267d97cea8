package keystore

import (
	"bytes"
	"crypto"
	"fmt"

	"github.com/go-piv/piv-go/v2/piv"
)

// holder is a worker's open card. A request that says Hold leaves the card open for the next one, which is then
// spared connecting, selecting the applet and making sure of card and key: nobody else can have changed anything
// meanwhile, because the connection is exclusive. Every other request closes the card behind it, so that other programs
// get their turn. It belongs to the goroutine that handles requests.
type holder struct {
	yk     *piv.YubiKey // nil while the card is closed
	reader string
	serial uint32 // made sure of; zero if nobody wanted to know
	sure   map[Slot][]byte
}

// open returns the card that q is about, as it was left open or freshly opened. opened is called when a fresh
// connection is there.
func (h *holder) open(q *request, opened func()) (*piv.YubiKey, error) {
	if h.yk != nil && h.reader == q.Reader && (q.Serial == 0 || q.Serial == h.serial) {
		return h.yk, nil
	}
	h.close()
	yk, err := piv.Open(q.Reader)
	if err != nil {
		return nil, fmt.Errorf("opening the card: %w", err)
	}
	opened()
	if err := checkSerial(yk, q.Serial); err != nil {
		yk.Close()
		return nil, err
	}
	*h = holder{yk: yk, reader: q.Reader, serial: q.Serial, sure: map[Slot][]byte{}}
	return yk, nil
}

// close lets other programs have the card. Closing twice is allowed.
func (h *holder) close() {
	if h.yk != nil {
		h.yk.Close()
	}
	*h = holder{}
}

// makeSure is checkPublic once per connection.
func (h *holder) makeSure(q *request, public crypto.PublicKey) error {
	if bytes.Equal(h.sure[q.Slot], q.Public) {
		return nil
	}
	if err := checkPublic(h.yk, q, public); err != nil {
		return err
	}
	h.sure[q.Slot] = q.Public
	return nil
}
